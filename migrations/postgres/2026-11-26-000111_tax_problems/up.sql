-- Stripe's word, where it could not work out the tax of a session that was paid, and when somebody has seen to it.
ALTER TABLE orders ADD COLUMN tax_problem TEXT;
ALTER TABLE orders ADD COLUMN tax_seen_to_at TIMESTAMP;
CREATE INDEX order_with_tax_problem ON orders (id) WHERE tax_problem IS NOT NULL AND tax_seen_to_at IS NULL;
-- When Stripe refused the book's product tax code: nobody can pay for it until it has another one.
ALTER TABLE book ADD COLUMN tax_code_refused_at TIMESTAMP;
CREATE INDEX book_with_refused_tax_code ON book (id) WHERE tax_code_refused_at IS NOT NULL;
