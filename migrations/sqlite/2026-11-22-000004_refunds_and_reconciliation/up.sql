-- Money that goes back, asked for here or in Stripe's dashboard. A row of ours is there before Stripe is asked: status
-- 'requested', with the key that the request travels under. The tax is the share of the order's tax in the amount.
CREATE TABLE refund (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    idem_key TEXT UNIQUE,
    stripe_id TEXT UNIQUE,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    amount BIGINT NOT NULL CHECK (amount > 0),
    tax BIGINT NOT NULL CHECK (tax >= 0 AND tax <= amount),
    currency TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('requested', 'pending', 'requires_action', 'succeeded', 'failed', 'canceled')),
    reason TEXT,
    failure_reason TEXT,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    CHECK (idem_key IS NOT NULL OR stripe_id IS NOT NULL)
);
CREATE INDEX refund_of_order ON refund (order_id, id);

-- What of a refund falls to each title, and whether the title goes with it.
CREATE TABLE refund_item (
    refund_id BIGINT NOT NULL REFERENCES refund (id),
    order_item_id BIGINT NOT NULL REFERENCES order_item (id),
    amount BIGINT NOT NULL CHECK (amount >= 0),
    tax BIGINT NOT NULL CHECK (tax >= 0 AND tax <= amount),
    revokes BOOLEAN NOT NULL,
    PRIMARY KEY (refund_id, order_item_id)
);

-- A buyer's bank asks for the money back. The status is Stripe's word.
CREATE TABLE dispute (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    stripe_id TEXT NOT NULL UNIQUE,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    amount BIGINT NOT NULL,
    currency TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    evidence_due_by TIMESTAMP,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
);
CREATE INDEX dispute_of_order ON dispute (order_id, id);

-- Why the last attempt to pay was declined, in plain words. The checkout goes on.
ALTER TABLE checkout ADD COLUMN decline TEXT;

-- How far the reconciler has come with each of its rounds.
CREATE TABLE watermark (
    name TEXT PRIMARY KEY NOT NULL,
    at TIMESTAMP NOT NULL
);

-- Where our rows and Stripe's objects disagree, as the nightly comparison found it; gone when a later one does not.
CREATE TABLE difference (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    detail TEXT NOT NULL,
    found_at TIMESTAMP NOT NULL,
    gone_at TIMESTAMP,
    UNIQUE (kind, object_id)
);
CREATE INDEX difference_open ON difference (id) WHERE gone_at IS NULL;
-- Each round asks for the open checkouts of a few hours.
CREATE INDEX checkout_open_by_time ON checkout (created_at) WHERE state = 'open';
