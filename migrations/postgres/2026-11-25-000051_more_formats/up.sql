-- Audio, and archives with what belongs to a book.
ALTER TABLE book_file DROP CONSTRAINT book_file_format_check;
ALTER TABLE book_file ADD CONSTRAINT book_file_format_check CHECK (format IN ('epub', 'pdf', 'mp3', 'm4b', 'zip'));
