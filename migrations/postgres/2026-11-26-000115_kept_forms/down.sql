DELETE FROM unfinished WHERE kind = 'form';
ALTER TABLE unfinished DROP CONSTRAINT unfinished_kind_check;
ALTER TABLE unfinished ADD CONSTRAINT unfinished_kind_check CHECK (kind IN ('book', 'table', 'words'));
