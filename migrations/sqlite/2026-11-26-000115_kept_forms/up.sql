-- Forms of the settings that were refused are kept as well, as they were typed. (SQLite changes no CHECK: the table is made anew.)
CREATE TABLE unfinished_new (
    name TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('book', 'form', 'table', 'words')),
    data TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
);
INSERT INTO unfinished_new SELECT name, kind, data, created_at FROM unfinished;
DROP TABLE unfinished;
ALTER TABLE unfinished_new RENAME TO unfinished;
CREATE INDEX unfinished_by_time ON unfinished (created_at);
