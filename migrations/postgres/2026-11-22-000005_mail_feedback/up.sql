-- What the mail provider told us later: when it last changed a mail's state, and that a reader marked it as spam.
ALTER TABLE outbox ADD COLUMN feedback_at TIMESTAMP;
ALTER TABLE outbox ADD COLUMN complained_at TIMESTAMP;
-- Providers name a mail by its Message-ID.
CREATE UNIQUE INDEX outbox_message_id ON outbox (message_id);
