CREATE INDEX invoice_by_day ON invoice (issued_at, id);
