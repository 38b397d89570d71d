-- The desk's list of orders: where a day's orders lie, who has bought a book, and what has not been paid.
CREATE INDEX orders_by_time ON orders (created_at, id);
CREATE INDEX orders_unpaid ON orders (id) WHERE status <> 'succeeded';
CREATE INDEX order_item_of_book ON order_item (book_id, order_id);

-- The story of one order: its mails, and what Stripe has told of its objects.
CREATE INDEX outbox_of_order ON outbox (order_id, id);
CREATE INDEX stripe_event_of_object ON stripe_event (object_id);

-- What needs a person is looked for with every page of the desk, and most of the time there is nothing.
CREATE INDEX stripe_event_dead ON stripe_event (received_at) WHERE state = 'dead';
CREATE INDEX outbox_undelivered ON outbox (id) WHERE state IN ('dead', 'bounced');
CREATE INDEX refund_requested ON refund (id) WHERE status = 'requested';
CREATE INDEX checkout_quarantined ON checkout (id) WHERE state = 'quarantined';

-- A title that the operator has taken back. A fact like a refund or a dispute: the right to the title is worked out from
-- all of them. It ends when it is lifted.
CREATE TABLE withdrawal (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    order_item_id BIGINT NOT NULL REFERENCES order_item (id),
    made_at TIMESTAMP NOT NULL,
    lifted_at TIMESTAMP
);
CREATE UNIQUE INDEX withdrawal_once ON withdrawal (order_item_id) WHERE lifted_at IS NULL;
CREATE INDEX withdrawal_of_item ON withdrawal (order_item_id, id);

-- The link that opens an order: which one, and since when if not since it was paid.
ALTER TABLE orders ADD COLUMN link_generation INTEGER NOT NULL DEFAULT 0 CHECK (link_generation >= 0);
ALTER TABLE orders ADD COLUMN linked_at TIMESTAMP;

-- What the people at the desk tell each other about an order; without a user it was the command line.
CREATE TABLE order_note (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    user_id BIGINT REFERENCES users (id),
    body TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX order_note_of_order ON order_note (order_id, id);

-- An order that the desk gave away. The key is the form's: sent twice, it is one order.
CREATE TABLE gift (
    order_id BIGINT PRIMARY KEY NOT NULL REFERENCES orders (id),
    idem_key TEXT NOT NULL UNIQUE,
    made_at TIMESTAMP NOT NULL
);
