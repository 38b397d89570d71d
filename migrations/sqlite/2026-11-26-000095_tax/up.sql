-- What tax an item of an order bears: one row for each rate (a place may have several), amounts in minor units of the
-- order's currency, rates in parts per million. An item that nobody taxes has no row.
CREATE TABLE order_tax (
    order_item_id BIGINT NOT NULL REFERENCES order_item (id),
    position INTEGER NOT NULL,
    -- Where it is due, and in which part of that country, if the rate is one of a part.
    country TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    rate_ppm BIGINT NOT NULL CHECK (rate_ppm >= 0),
    -- What it was taken of, without it.
    taxable BIGINT NOT NULL CHECK (taxable >= 0),
    amount BIGINT NOT NULL CHECK (amount >= 0),
    -- Whether the price held it already.
    inclusive BOOLEAN NOT NULL,
    treatment TEXT NOT NULL CHECK (treatment IN ('standard', 'reduced', 'zero', 'reverse_charge', 'exempt', 'outside_scope')),
    source TEXT NOT NULL CHECK (source IN ('stripe', 'table')),
    PRIMARY KEY (order_item_id, position)
);

-- What speaks for where the buyer is, and what is known of the number she gave.
CREATE TABLE tax_evidence (
    order_id BIGINT NOT NULL REFERENCES orders (id),
    kind TEXT NOT NULL CHECK (kind IN ('billing_country', 'card_country', 'ip_country', 'chosen_country', 'vat_id_check')),
    value TEXT NOT NULL,
    PRIMARY KEY (order_id, kind)
);

-- As typed on Stripe's page: the number for value-added tax with Stripe's word for its kind, the company, the address as
-- JSON.
ALTER TABLE orders ADD COLUMN vat_id TEXT;
ALTER TABLE orders ADD COLUMN vat_id_kind TEXT;
ALTER TABLE orders ADD COLUMN company TEXT;
ALTER TABLE orders ADD COLUMN address TEXT;
-- The country whose rules the order was taxed by; none where nobody taxed it.
ALTER TABLE orders ADD COLUMN tax_country TEXT;

-- How a payment was to be taxed when the buyer left for it, as JSON. Without it: not at all.
ALTER TABLE checkout ADD COLUMN tax TEXT;

-- How the store taxes, as JSON; without the row it does not.
CREATE TABLE tax_setting (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    value TEXT NOT NULL,
    changed_at TIMESTAMP NOT NULL
);

-- Rates that the operator has set beside those that come with the program: the latest that is valid on the day counts.
CREATE TABLE tax_rate (
    country TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('ebook', 'standard')),
    valid_from DATE NOT NULL,
    rate_ppm BIGINT NOT NULL CHECK (rate_ppm >= 0 AND rate_ppm <= 1000000),
    note TEXT NOT NULL,
    PRIMARY KEY (country, kind, valid_from)
);

-- Until now Stripe's tax was added to the price, and only its sum was kept.
INSERT INTO order_tax (order_item_id, position, country, region, name, rate_ppm, taxable, amount, inclusive, treatment, source)
SELECT i.id, 0, COALESCE(o.country, ''), '', 'Tax',
    CASE WHEN i.total > i.tax THEN (i.tax * 1000000 + (i.total - i.tax) / 2) / (i.total - i.tax) ELSE 0 END,
    i.total - i.tax, i.tax, FALSE, 'standard', 'stripe'
FROM order_item i JOIN orders o ON o.id = i.order_id WHERE i.tax > 0;
UPDATE orders SET tax_country = country WHERE amount_tax > 0;

-- Pages say whether prices hold the tax.
CREATE TRIGGER content_tax_setting_insert AFTER INSERT ON tax_setting BEGIN UPDATE content SET version = version + 1; END;
CREATE TRIGGER content_tax_setting_update AFTER UPDATE ON tax_setting BEGIN UPDATE content SET version = version + 1; END;
