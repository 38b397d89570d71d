-- Titles in carts for which Stripe refused to make a session: why, how often, and since when. A row goes when a session with
-- the title is made, when somebody has seen to it, or after two weeks. Few causes of a title and few rows in all are kept.
CREATE TABLE refused_title (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    book_id BIGINT NOT NULL REFERENCES book (id),
    -- In Stripe's words, cut.
    cause TEXT NOT NULL,
    times BIGINT NOT NULL CHECK (times > 0),
    first_at TIMESTAMP NOT NULL,
    last_at TIMESTAMP NOT NULL,
    UNIQUE (book_id, cause)
);
