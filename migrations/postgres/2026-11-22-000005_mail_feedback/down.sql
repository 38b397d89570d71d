DROP INDEX outbox_message_id;
ALTER TABLE outbox DROP COLUMN complained_at;
ALTER TABLE outbox DROP COLUMN feedback_at;
