-- Where programs of the owner's are told what happens. The secret that a delivery is signed with is derived, so only its
-- generation is kept; for a while after it was replaced the one before is good too. A deleted endpoint is told nothing
-- more, and goes with the last of its deliveries.
CREATE TABLE webhook_endpoint (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    url TEXT NOT NULL,
    description TEXT NOT NULL,
    -- The types of what it is told of, each followed by a space.
    events TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('enabled', 'disabled', 'deleted')),
    -- Why it is disabled: by somebody, because it answered that it is gone, or because it failed for days.
    reason TEXT CHECK (reason IN ('switched off', 'gone', 'failing')),
    generation INTEGER NOT NULL CHECK (generation >= 1),
    secret_at TIMESTAMP NOT NULL,
    old_until TIMESTAMP,
    failing_since TIMESTAMP,
    succeeded_at TIMESTAMP,
    created_at TIMESTAMP NOT NULL,
    changed_at TIMESTAMP NOT NULL,
    CHECK ((state = 'disabled') = (reason IS NOT NULL))
);
-- Looked at by every transaction that has something to tell: in most stores nobody listens.
CREATE INDEX webhook_endpoint_enabled ON webhook_endpoint (id) WHERE state = 'enabled';

-- What has happened, once for all who are told: written in the transaction in which it happened. The body is what is sent
-- and signed, byte by byte.
CREATE TABLE webhook_message (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    public_id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX webhook_message_by_time ON webhook_message (created_at, id);

-- That one endpoint is told of it.
CREATE TABLE webhook_delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    message_id BIGINT NOT NULL REFERENCES webhook_message (id),
    endpoint_id BIGINT NOT NULL REFERENCES webhook_endpoint (id),
    state TEXT NOT NULL CHECK (state IN ('waiting', 'leased', 'delivered', 'failed')),
    -- Since it was queued, or queued again by hand.
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    next_at TIMESTAMP NOT NULL,
    lease_until TIMESTAMP,
    finished_at TIMESTAMP,
    UNIQUE (message_id, endpoint_id),
    CHECK ((state = 'leased') = (lease_until IS NOT NULL)),
    CHECK ((state IN ('delivered', 'failed')) = (finished_at IS NOT NULL))
);
CREATE INDEX webhook_delivery_due ON webhook_delivery (endpoint_id, next_at, id) WHERE state IN ('waiting', 'leased');
CREATE INDEX webhook_delivery_of_endpoint ON webhook_delivery (endpoint_id, id);
CREATE INDEX webhook_delivery_failed ON webhook_delivery (endpoint_id, id) WHERE state = 'failed';

-- Each request that was made, and the beginning of what was answered.
CREATE TABLE webhook_attempt (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    delivery_id BIGINT NOT NULL REFERENCES webhook_delivery (id),
    made_at TIMESTAMP NOT NULL,
    milliseconds INTEGER NOT NULL CHECK (milliseconds >= 0),
    status INTEGER,
    answer TEXT NOT NULL,
    -- Why it was no success.
    error TEXT
);
CREATE INDEX webhook_attempt_of_delivery ON webhook_attempt (delivery_id, id);
