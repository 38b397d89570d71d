DROP INDEX credit_note_by_age;
DROP INDEX invoice_by_age;
