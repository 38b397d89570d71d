-- The words of each book: title, subtitle, address, ISBN, people.
CREATE VIRTUAL TABLE book_search USING fts5(words, prefix = '2 3', tokenize = 'unicode61 remove_diacritics 0');
CREATE VIEW book_words AS
SELECT b.id AS book_id,
    b.title || ' ' || b.subtitle || ' ' || b.slug || ' ' || COALESCE(b.isbn, '') || ' '
    || COALESCE((SELECT group_concat(c.name, ' ') FROM contributor c WHERE c.book_id = b.id), '') AS words
FROM book b;
INSERT INTO book_search (rowid, words) SELECT book_id, words FROM book_words;

CREATE TRIGGER search_book_insert AFTER INSERT ON book BEGIN
    INSERT INTO book_search (rowid, words) SELECT book_id, words FROM book_words WHERE book_id = NEW.id;
END;
CREATE TRIGGER search_book_update AFTER UPDATE OF title, subtitle, slug, isbn ON book BEGIN
    DELETE FROM book_search WHERE rowid = NEW.id;
    INSERT INTO book_search (rowid, words) SELECT book_id, words FROM book_words WHERE book_id = NEW.id;
END;
CREATE TRIGGER search_book_delete AFTER DELETE ON book BEGIN
    DELETE FROM book_search WHERE rowid = OLD.id;
END;
CREATE TRIGGER search_contributor_insert AFTER INSERT ON contributor BEGIN
    DELETE FROM book_search WHERE rowid = NEW.book_id;
    INSERT INTO book_search (rowid, words) SELECT book_id, words FROM book_words WHERE book_id = NEW.book_id;
END;
CREATE TRIGGER search_contributor_update AFTER UPDATE ON contributor BEGIN
    DELETE FROM book_search WHERE rowid = NEW.book_id;
    INSERT INTO book_search (rowid, words) SELECT book_id, words FROM book_words WHERE book_id = NEW.book_id;
END;
CREATE TRIGGER search_contributor_delete AFTER DELETE ON contributor BEGIN
    DELETE FROM book_search WHERE rowid = OLD.book_id;
    INSERT INTO book_search (rowid, words) SELECT book_id, words FROM book_words WHERE book_id = OLD.book_id;
END;

-- What somebody typed and could not be kept, or a file brought and nobody has looked over yet: shown again by its random
-- name, and gone after a week.
CREATE TABLE unfinished (
    name TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('book', 'table', 'words')),
    data TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX unfinished_by_time ON unfinished (created_at);
