-- Which content the catalogue's pages show: every change of a book raises it, whoever makes the change, so that a page
-- that was kept for a version is never shown for another one.
CREATE TABLE content (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL
);
INSERT INTO content (id, version) VALUES (1, 1);

CREATE TRIGGER content_book_insert AFTER INSERT ON book BEGIN UPDATE content SET version = version + 1; END;
CREATE TRIGGER content_book_update AFTER UPDATE ON book BEGIN UPDATE content SET version = version + 1; END;
CREATE TRIGGER content_book_delete AFTER DELETE ON book BEGIN UPDATE content SET version = version + 1; END;
CREATE TRIGGER content_book_price_insert AFTER INSERT ON book_price BEGIN UPDATE content SET version = version + 1; END;
CREATE TRIGGER content_book_price_update AFTER UPDATE ON book_price BEGIN UPDATE content SET version = version + 1; END;
CREATE TRIGGER content_book_price_delete AFTER DELETE ON book_price BEGIN UPDATE content SET version = version + 1; END;
CREATE TRIGGER content_contributor_insert AFTER INSERT ON contributor BEGIN UPDATE content SET version = version + 1; END;
CREATE TRIGGER content_contributor_update AFTER UPDATE ON contributor BEGIN UPDATE content SET version = version + 1; END;
CREATE TRIGGER content_contributor_delete AFTER DELETE ON contributor BEGIN UPDATE content SET version = version + 1; END;
CREATE TRIGGER content_edition_insert AFTER INSERT ON edition BEGIN UPDATE content SET version = version + 1; END;
CREATE TRIGGER content_edition_update AFTER UPDATE ON edition BEGIN UPDATE content SET version = version + 1; END;
CREATE TRIGGER content_edition_delete AFTER DELETE ON edition BEGIN UPDATE content SET version = version + 1; END;
CREATE TRIGGER content_book_file_insert AFTER INSERT ON book_file BEGIN UPDATE content SET version = version + 1; END;
CREATE TRIGGER content_book_file_update AFTER UPDATE ON book_file BEGIN UPDATE content SET version = version + 1; END;
CREATE TRIGGER content_book_file_delete AFTER DELETE ON book_file BEGIN UPDATE content SET version = version + 1; END;
