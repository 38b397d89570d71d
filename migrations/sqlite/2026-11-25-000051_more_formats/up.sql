-- Audio, and archives with what belongs to a book.
-- SQLite changes no condition of a table: it is made anew, with the keys that point at it left alone meanwhile. That can be
-- said only outside of a transaction, so this migration has one of its own; done twice, it does the same.
PRAGMA foreign_keys = OFF;
BEGIN IMMEDIATE;
DROP TABLE IF EXISTS book_file_anew;
CREATE TABLE book_file_anew (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    edition_id BIGINT NOT NULL REFERENCES edition (id),
    format TEXT NOT NULL CHECK (format IN ('epub', 'pdf', 'mp3', 'm4b', 'zip')),
    storage_key TEXT NOT NULL UNIQUE,
    sha256 TEXT NOT NULL,
    bytes BIGINT NOT NULL CHECK (bytes > 0),
    filename TEXT NOT NULL,
    UNIQUE (edition_id, format)
);
INSERT INTO book_file_anew (id, edition_id, format, storage_key, sha256, bytes, filename)
SELECT id, edition_id, format, storage_key, sha256, bytes, filename FROM book_file;
DROP TABLE book_file;
ALTER TABLE book_file_anew RENAME TO book_file;
CREATE TRIGGER content_book_file_insert AFTER INSERT ON book_file BEGIN UPDATE content SET version = version + 1; END;
CREATE TRIGGER content_book_file_update AFTER UPDATE ON book_file BEGIN UPDATE content SET version = version + 1; END;
CREATE TRIGGER content_book_file_delete AFTER DELETE ON book_file BEGIN UPDATE content SET version = version + 1; END;
COMMIT;
PRAGMA foreign_keys = ON;
