-- The list of documents, newest first; credit notes, of which there are few, by themselves.
CREATE INDEX invoice_by_age ON invoice (issued_at, id);
CREATE INDEX credit_note_by_age ON invoice (issued_at, id) WHERE kind = 'credit_note';
