DROP INDEX invoice_by_day;
