-- Which content the catalogue's pages show: every change of a book raises it, whoever makes the change, so that a page
-- that was kept for a version is never shown for another one.
CREATE TABLE content (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL
);
INSERT INTO content (id, version) VALUES (1, 1);

CREATE FUNCTION content_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE content SET version = version + 1;
    RETURN NULL;
END
$$;

CREATE TRIGGER content_book AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON book FOR EACH STATEMENT EXECUTE FUNCTION content_changed();
CREATE TRIGGER content_book_price AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON book_price FOR EACH STATEMENT EXECUTE FUNCTION content_changed();
CREATE TRIGGER content_contributor AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON contributor FOR EACH STATEMENT EXECUTE FUNCTION content_changed();
CREATE TRIGGER content_edition AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON edition FOR EACH STATEMENT EXECUTE FUNCTION content_changed();
CREATE TRIGGER content_book_file AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON book_file FOR EACH STATEMENT EXECUTE FUNCTION content_changed();
