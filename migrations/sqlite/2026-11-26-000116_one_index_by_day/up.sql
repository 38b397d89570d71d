-- The list of documents reads the same index: invoice_by_age.
DROP INDEX invoice_by_day;
