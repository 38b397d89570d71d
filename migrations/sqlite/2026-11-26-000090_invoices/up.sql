-- Why a document was issued. Invoices: for a sale; in the place of one that was taken back whole (reissued); against a
-- credit note whose refund failed (restored). Credit notes: for a refund, a lost dispute, an invoice that is replaced.
ALTER TABLE invoice ADD COLUMN reason TEXT NOT NULL DEFAULT 'sale'
    CHECK (reason IN ('sale', 'reissued', 'restored', 'refund', 'dispute', 'replaced'));
ALTER TABLE invoice ADD COLUMN refund_id BIGINT REFERENCES refund (id);
ALTER TABLE invoice ADD COLUMN dispute_id BIGINT REFERENCES dispute (id);
-- What its lines come to, in minor units.
ALTER TABLE invoice ADD COLUMN amount_total BIGINT NOT NULL DEFAULT 0;
ALTER TABLE invoice ADD COLUMN amount_tax BIGINT NOT NULL DEFAULT 0;
-- Who sold, and everything else that stands on the document, as of its day. Documents of before have neither.
ALTER TABLE invoice ADD COLUMN seller_snapshot TEXT;
ALTER TABLE invoice ADD COLUMN facts_snapshot TEXT;
-- Why its PDF could not be made, if it could not.
ALTER TABLE invoice ADD COLUMN pdf_error TEXT;
UPDATE invoice SET
    amount_total = (SELECT o.amount_total FROM orders o WHERE o.id = invoice.order_id),
    amount_tax = (SELECT o.amount_tax FROM orders o WHERE o.id = invoice.order_id);

-- A sale has one invoice, and a document is taken back once.
CREATE UNIQUE INDEX invoice_of_sale ON invoice (order_id) WHERE reason = 'sale';
CREATE UNIQUE INDEX invoice_replaced ON invoice (corrects_id) WHERE reason = 'replaced';
CREATE UNIQUE INDEX invoice_restored ON invoice (corrects_id) WHERE reason IN ('restored', 'reissued') AND corrects_id IS NOT NULL;
CREATE INDEX invoice_of_refund ON invoice (refund_id) WHERE refund_id IS NOT NULL;
CREATE INDEX invoice_of_dispute ON invoice (dispute_id) WHERE dispute_id IS NOT NULL;
CREATE INDEX invoice_without_pdf ON invoice (id) WHERE pdf_error IS NOT NULL;

-- What the buyer paid with, in Stripe's words: "visa 4242".
ALTER TABLE orders ADD COLUMN paid_with TEXT;

-- Logos: an issued document keeps the one that it was issued with.
CREATE TABLE invoice_logo (
    key TEXT PRIMARY KEY NOT NULL,
    kept_at TIMESTAMP NOT NULL
);

-- Who sells, as the desk has it now. One row, or none yet.
CREATE TABLE invoice_settings (
    id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    seller TEXT NOT NULL,
    logo_key TEXT REFERENCES invoice_logo (key),
    changed_at TIMESTAMP NOT NULL
);

-- What was issued stays as it is. Only the buyer goes, when its time is over.
CREATE TRIGGER invoice_is_final BEFORE UPDATE OF kind, series, year, seq, number, order_id, corrects_id, currency, reason,
    refund_id, dispute_id, amount_total, amount_tax, seller_snapshot, facts_snapshot, lines_snapshot ON invoice
BEGIN
    SELECT RAISE(ABORT, 'an issued document cannot be changed');
END;
CREATE TRIGGER invoice_buyer_is_final BEFORE UPDATE OF buyer_snapshot ON invoice WHEN NEW.buyer_snapshot <> '{}'
BEGIN
    SELECT RAISE(ABORT, 'an issued document cannot be changed');
END;
CREATE TRIGGER invoice_stays BEFORE DELETE ON invoice
BEGIN
    SELECT RAISE(ABORT, 'an issued document cannot be deleted');
END;
