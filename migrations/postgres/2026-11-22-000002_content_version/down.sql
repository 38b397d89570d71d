DROP TRIGGER content_book ON book;
DROP TRIGGER content_book_price ON book_price;
DROP TRIGGER content_contributor ON contributor;
DROP TRIGGER content_edition ON edition;
DROP TRIGGER content_book_file ON book_file;
DROP FUNCTION content_changed();
DROP TABLE content;
