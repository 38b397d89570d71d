-- The words of each book: title, subtitle, address, ISBN, people.
CREATE TABLE book_search (
    book_id BIGINT NOT NULL PRIMARY KEY REFERENCES book (id) ON DELETE CASCADE,
    words tsvector NOT NULL
);
-- Words are what the other database takes for words: letters and digits, in lower case.
CREATE FUNCTION book_words(wanted BIGINT) RETURNS tsvector LANGUAGE sql STABLE AS $$
    SELECT array_to_tsvector(array_remove(regexp_split_to_array(lower(
        b.title || ' ' || b.subtitle || ' ' || b.slug || ' ' || COALESCE(b.isbn, '') || ' '
        || COALESCE((SELECT string_agg(c.name, ' ') FROM contributor c WHERE c.book_id = b.id), '')
    ), '[^[:alnum:]]+'), ''))
    FROM book b WHERE b.id = wanted
$$;
CREATE FUNCTION book_reworded() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed BIGINT;
BEGIN
    IF TG_TABLE_NAME = 'book' THEN
        changed := NEW.id;
    ELSIF TG_OP = 'DELETE' THEN
        changed := OLD.book_id;
    ELSE
        changed := NEW.book_id;
    END IF;
    INSERT INTO book_search (book_id, words) SELECT b.id, book_words(b.id) FROM book b WHERE b.id = changed
    ON CONFLICT (book_id) DO UPDATE SET words = EXCLUDED.words;
    RETURN NULL;
END
$$;
INSERT INTO book_search (book_id, words) SELECT id, book_words(id) FROM book;
CREATE INDEX book_search_words ON book_search USING gin (words);
CREATE TRIGGER search_book_insert AFTER INSERT ON book FOR EACH ROW EXECUTE FUNCTION book_reworded();
CREATE TRIGGER search_book_update AFTER UPDATE OF title, subtitle, slug, isbn ON book FOR EACH ROW EXECUTE FUNCTION book_reworded();
CREATE TRIGGER search_contributor AFTER INSERT OR UPDATE OR DELETE ON contributor FOR EACH ROW EXECUTE FUNCTION book_reworded();

-- What somebody typed and could not be kept, or a file brought and nobody has looked over yet: shown again by its random
-- name, and gone after a week.
CREATE TABLE unfinished (
    name TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('book', 'table', 'words')),
    data TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX unfinished_by_time ON unfinished (created_at);
