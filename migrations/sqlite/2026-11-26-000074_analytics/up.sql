-- What the overview of the desk reads: sums over orders, refunds, disputes, checkouts and downloads, written in the
-- transaction that changes what they stand for. `start` is the beginning of a quarter of an hour in UTC, or of a day or
-- month in the zone of `tally_state`; `key` is nothing, a book's id, a country or a format, as `dimension` says.
CREATE TABLE tally (
    dimension TEXT NOT NULL CHECK (dimension IN ('all', 'book', 'country', 'format')),
    grain TEXT NOT NULL CHECK (grain IN ('quarter', 'day', 'month')),
    start TIMESTAMP NOT NULL,
    currency TEXT NOT NULL,
    key TEXT NOT NULL,
    checkouts BIGINT NOT NULL DEFAULT 0,
    orders BIGINT NOT NULL DEFAULT 0,
    free BIGINT NOT NULL DEFAULT 0,
    units BIGINT NOT NULL DEFAULT 0,
    gross BIGINT NOT NULL DEFAULT 0,
    discount BIGINT NOT NULL DEFAULT 0,
    tax BIGINT NOT NULL DEFAULT 0,
    refunds BIGINT NOT NULL DEFAULT 0,
    refunded BIGINT NOT NULL DEFAULT 0,
    refunded_tax BIGINT NOT NULL DEFAULT 0,
    disputed BIGINT NOT NULL DEFAULT 0,
    fetched BIGINT NOT NULL DEFAULT 0,
    downloads BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (dimension, grain, start, currency, key)
) WITHOUT ROWID;
-- The books of a day or a month that sold best, best first.
CREATE INDEX tally_best ON tally (grain, start, currency, gross DESC, key) WHERE dimension = 'book';

-- In which time zone days and months are counted, and since when everything is in the tallies. A store that has sold
-- before gets its sums when it is opened next.
CREATE TABLE tally_state (
    id BIGINT PRIMARY KEY NOT NULL CHECK (id = 1),
    zone TEXT NOT NULL,
    filled_at TIMESTAMP
);
INSERT INTO tally_state (id, zone, filled_at)
SELECT 1, 'UTC', CASE WHEN EXISTS (SELECT 1 FROM orders) OR EXISTS (SELECT 1 FROM checkout) THEN NULL ELSE CURRENT_TIMESTAMP END;

-- How often books were looked at and put into carts, counted without knowing by whom; a day of the store's zone.
CREATE TABLE visits (
    day DATE NOT NULL,
    step TEXT NOT NULL CHECK (step IN ('view', 'cart')),
    count BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (day, step)
) WITHOUT ROWID;

-- In which format a title was fetched; not known of what was fetched before.
ALTER TABLE download_claim ADD COLUMN format TEXT;

-- What belongs to a day is found by its time.
CREATE INDEX orders_by_payment ON orders (paid_at);
CREATE INDEX refund_by_time ON refund (created_at);
CREATE INDEX dispute_by_time ON dispute (created_at);
CREATE INDEX download_claim_by_time ON download_claim (created_at);
