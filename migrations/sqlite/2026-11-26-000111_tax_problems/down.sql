DROP INDEX book_with_refused_tax_code;
ALTER TABLE book DROP COLUMN tax_code_refused_at;
DROP INDEX order_with_tax_problem;
ALTER TABLE orders DROP COLUMN tax_seen_to_at;
ALTER TABLE orders DROP COLUMN tax_problem;
