-- A change that a program asked for under a key of its own: what it asked for, and what it was told. Asked for again within a
-- day, it is told the same.
CREATE TABLE api_once (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id),
    key_hash TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    -- What the work travels under, the same however often it is begun.
    name TEXT NOT NULL UNIQUE,
    status INTEGER,
    answer TEXT,
    created_at TIMESTAMP NOT NULL,
    lease_until TIMESTAMP NOT NULL,
    UNIQUE (user_id, key_hash),
    CHECK ((status IS NULL) = (answer IS NULL))
);
CREATE INDEX api_once_by_age ON api_once (created_at);

-- The log of Stripe's events, newest first.
CREATE INDEX stripe_event_by_age ON stripe_event (received_at, id);
