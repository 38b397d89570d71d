DROP TABLE unfinished;
DROP TRIGGER search_contributor ON contributor;
DROP TRIGGER search_book_update ON book;
DROP TRIGGER search_book_insert ON book;
DROP FUNCTION book_reworded;
DROP TABLE book_search;
DROP FUNCTION book_words;
