CREATE TABLE unfinished_old (
    name TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('book', 'table', 'words')),
    data TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
);
INSERT INTO unfinished_old SELECT name, kind, data, created_at FROM unfinished WHERE kind <> 'form';
DROP TABLE unfinished;
ALTER TABLE unfinished_old RENAME TO unfinished;
CREATE INDEX unfinished_by_time ON unfinished (created_at);
