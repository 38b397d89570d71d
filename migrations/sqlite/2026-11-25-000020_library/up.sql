-- Somebody asked for the library of an address. The row is also the job of whoever looks whether there is anything under
-- the address; until then, and for good if there is nothing, no link and no code exist. Of both, the row keeps hashes.
CREATE TABLE access_request (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    email_norm TEXT NOT NULL,
    -- The browser that asked.
    browser_hash TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('new', 'mailed', 'silent')),
    link_hash TEXT UNIQUE,
    code_hash TEXT,
    tries INTEGER NOT NULL CHECK (tries >= 0 AND tries <= 5),
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    consumed_at TIMESTAMP,
    CHECK ((state = 'mailed') = (link_hash IS NOT NULL)),
    CHECK ((state = 'mailed') = (code_hash IS NOT NULL))
);
CREATE INDEX access_request_new ON access_request (id) WHERE state = 'new';
CREATE INDEX access_request_mailed ON access_request (created_at, email_norm) WHERE state = 'mailed';
CREATE INDEX access_request_of_browser ON access_request (browser_hash, expires_at);
CREATE INDEX access_request_of_address ON access_request (email_norm);
CREATE INDEX access_request_age ON access_request (created_at);

-- A browser whose owner has shown that she reads an address's mail: it sees what was bought under that address.
CREATE TABLE buyer_session (
    id_hash TEXT PRIMARY KEY NOT NULL,
    email_norm TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    last_seen TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    revoked_at TIMESTAMP
);
CREATE INDEX buyer_session_of_address ON buyer_session (email_norm);
