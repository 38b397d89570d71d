-- Who has a book: asked when a new edition is added and announced.
CREATE INDEX entitlement_of_book ON entitlement (book_id, id);
-- What is too old is looked for every hour, and most of the time there is nothing.
CREATE INDEX download_log_by_time ON download_log (at);
CREATE INDEX stripe_event_with_body ON stripe_event (received_at) WHERE body <> '';
