-- Forms of the settings that were refused are kept as well, as they were typed.
ALTER TABLE unfinished DROP CONSTRAINT unfinished_kind_check;
ALTER TABLE unfinished ADD CONSTRAINT unfinished_kind_check CHECK (kind IN ('book', 'form', 'table', 'words'));
