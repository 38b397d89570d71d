-- The catalogue.
CREATE TABLE book (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    slug TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    -- Made by us: lower case, leading article moved, so that both databases sort alike.
    sort_title TEXT NOT NULL,
    subtitle TEXT NOT NULL,
    description_md TEXT NOT NULL,
    language TEXT NOT NULL,
    isbn TEXT,
    publisher TEXT NOT NULL,
    published_on DATE,
    tax_code TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('draft', 'published', 'archived')),
    cover_key TEXT,
    accent TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
);
CREATE INDEX book_newest ON book (status, id);
CREATE INDEX book_by_title ON book (status, sort_title, id);

CREATE TABLE book_price (
    book_id BIGINT NOT NULL REFERENCES book (id),
    currency TEXT NOT NULL,
    unit_amount BIGINT NOT NULL CHECK (unit_amount >= 0),
    PRIMARY KEY (book_id, currency)
);
CREATE INDEX book_by_price ON book_price (currency, unit_amount, book_id);

CREATE TABLE contributor (
    book_id BIGINT NOT NULL REFERENCES book (id),
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('author', 'editor', 'translator', 'illustrator')),
    PRIMARY KEY (book_id, position)
);

CREATE TABLE edition (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    book_id BIGINT NOT NULL REFERENCES book (id),
    label TEXT NOT NULL,
    changelog TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX edition_of_book ON edition (book_id, id);

CREATE TABLE book_file (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    edition_id BIGINT NOT NULL REFERENCES edition (id),
    format TEXT NOT NULL CHECK (format IN ('epub', 'pdf')),
    storage_key TEXT NOT NULL UNIQUE,
    sha256 TEXT NOT NULL,
    bytes BIGINT NOT NULL CHECK (bytes > 0),
    filename TEXT NOT NULL,
    UNIQUE (edition_id, format)
);

-- A buyer's way through Stripe. The snapshot is what was offered: titles and prices as of then.
CREATE TABLE checkout (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    idem_key TEXT NOT NULL UNIQUE,
    cart_snapshot TEXT NOT NULL,
    snapshot_hash TEXT NOT NULL,
    subtotal BIGINT NOT NULL CHECK (subtotal >= 0),
    currency TEXT NOT NULL,
    stripe_session TEXT UNIQUE,
    stripe_url TEXT,
    browser_hash TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'completed', 'expired', 'quarantined')),
    last_error TEXT,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
);
-- A double click finds the browser's open checkout of the same cart instead of making a second one.
CREATE UNIQUE INDEX checkout_open_once ON checkout (browser_hash, snapshot_hash) WHERE state = 'open';

CREATE TABLE orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    number TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL,
    email_norm TEXT NOT NULL,
    -- As typed on Stripe's page.
    name TEXT,
    checkout_id BIGINT UNIQUE REFERENCES checkout (id),
    stripe_session TEXT UNIQUE,
    stripe_payment_intent TEXT UNIQUE,
    amount_subtotal BIGINT NOT NULL,
    amount_discount BIGINT NOT NULL CHECK (amount_discount >= 0),
    amount_tax BIGINT NOT NULL CHECK (amount_tax >= 0),
    amount_total BIGINT NOT NULL CHECK (amount_total >= 0),
    currency TEXT NOT NULL,
    country TEXT,
    status TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    created_at TIMESTAMP NOT NULL,
    paid_at TIMESTAMP
);
CREATE INDEX orders_of_buyer ON orders (email_norm, id);

CREATE TABLE order_item (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    book_id BIGINT NOT NULL REFERENCES book (id),
    position INTEGER NOT NULL,
    title_snapshot TEXT NOT NULL,
    unit_amount BIGINT NOT NULL CHECK (unit_amount >= 0),
    discount BIGINT NOT NULL CHECK (discount >= 0),
    tax BIGINT NOT NULL CHECK (tax >= 0),
    total BIGINT NOT NULL CHECK (total >= 0),
    UNIQUE (order_id, book_id)
);

-- The right to a title: all its files, present and future.
CREATE TABLE entitlement (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    order_item_id BIGINT NOT NULL REFERENCES order_item (id),
    book_id BIGINT NOT NULL REFERENCES book (id),
    email_norm TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'frozen', 'revoked')),
    reason TEXT,
    granted_at TIMESTAMP NOT NULL,
    changed_at TIMESTAMP NOT NULL,
    UNIQUE (order_item_id, book_id)
);
CREATE INDEX entitlement_of_buyer ON entitlement (email_norm, id);

-- Browsers that have opened an order with the secret from its mail.
CREATE TABLE order_access (
    order_id BIGINT NOT NULL REFERENCES orders (id),
    browser_hash TEXT NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    PRIMARY KEY (order_id, browser_hash)
);

-- Secrets are derived from the key, kind, id and generation; a row keeps only the hash.
CREATE TABLE download_token (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    entitlement_id BIGINT NOT NULL REFERENCES entitlement (id),
    hash TEXT NOT NULL UNIQUE,
    generation INTEGER NOT NULL,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    max_uses INTEGER NOT NULL CHECK (max_uses > 0),
    used_count INTEGER NOT NULL CHECK (used_count >= 0 AND used_count <= max_uses),
    revoked_at TIMESTAMP,
    UNIQUE (entitlement_id, generation)
);

CREATE TABLE download_claim (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    token_id BIGINT NOT NULL REFERENCES download_token (id),
    hash TEXT NOT NULL UNIQUE,
    browser_hash TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL
);
CREATE INDEX download_claim_of_token ON download_claim (token_id, browser_hash);

-- Bytes of a file that a claim has been served: at most twice the file.
CREATE TABLE download_quota (
    claim_id BIGINT NOT NULL REFERENCES download_claim (id),
    book_file_id BIGINT NOT NULL REFERENCES book_file (id),
    bytes BIGINT NOT NULL CHECK (bytes >= 0),
    PRIMARY KEY (claim_id, book_file_id)
);

CREATE TABLE download_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    token_id BIGINT REFERENCES download_token (id),
    claim_id BIGINT REFERENCES download_claim (id),
    book_file_id BIGINT REFERENCES book_file (id),
    at TIMESTAMP NOT NULL,
    -- /24 of IPv4, /48 of IPv6.
    ip_prefix TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    range TEXT,
    status INTEGER NOT NULL,
    bytes BIGINT NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX download_log_of_token ON download_log (token_id, id);

-- What Stripe has told us, kept before anything is done about it.
CREATE TABLE stripe_event (
    id TEXT PRIMARY KEY NOT NULL,
    type TEXT NOT NULL,
    object_id TEXT NOT NULL,
    created TIMESTAMP NOT NULL,
    livemode BOOLEAN NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('new', 'leased', 'done', 'ignored', 'parked', 'dead')),
    attempts INTEGER NOT NULL,
    received_at TIMESTAMP NOT NULL,
    next_at TIMESTAMP NOT NULL,
    lease_until TIMESTAMP,
    error TEXT
);
CREATE INDEX stripe_event_due ON stripe_event (next_at, id) WHERE state IN ('new', 'leased', 'parked');

CREATE TABLE invoice_series (
    series TEXT NOT NULL,
    year INTEGER NOT NULL,
    next BIGINT NOT NULL,
    PRIMARY KEY (series, year)
);

CREATE TABLE invoice (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('invoice', 'credit_note')),
    series TEXT NOT NULL,
    year INTEGER NOT NULL,
    seq BIGINT NOT NULL,
    number TEXT NOT NULL UNIQUE,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    corrects_id BIGINT REFERENCES invoice (id),
    currency TEXT NOT NULL,
    issued_at TIMESTAMP NOT NULL,
    buyer_snapshot TEXT NOT NULL,
    lines_snapshot TEXT NOT NULL,
    pdf_key TEXT,
    UNIQUE (series, year, seq)
);
CREATE INDEX invoice_of_order ON invoice (order_id, id);

-- Mail to be sent, written in the transaction that gives the reason for it. The payload holds ids, never secrets.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    kind TEXT NOT NULL,
    recipient TEXT NOT NULL,
    order_id BIGINT REFERENCES orders (id),
    payload TEXT NOT NULL,
    dedupe_key TEXT NOT NULL UNIQUE,
    message_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'leased', 'sent', 'delivered', 'bounced', 'dead')),
    attempts INTEGER NOT NULL,
    created_at TIMESTAMP NOT NULL,
    next_at TIMESTAMP NOT NULL,
    lease_until TIMESTAMP,
    sent_at TIMESTAMP,
    error TEXT
);
CREATE INDEX outbox_due ON outbox (next_at, id) WHERE state IN ('queued', 'leased');

-- Visitors' sessions. The key is the hash of the cookie, so that a copy of this table opens nothing.
CREATE TABLE session (
    id_hash TEXT PRIMARY KEY NOT NULL,
    data TEXT NOT NULL,
    expires_at TIMESTAMP NOT NULL
);
CREATE INDEX session_expiry ON session (expires_at);
