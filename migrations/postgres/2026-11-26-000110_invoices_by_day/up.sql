-- The documents of a quarter, for its report of taxes.
CREATE INDEX invoice_by_day ON invoice (issued_at, id);
