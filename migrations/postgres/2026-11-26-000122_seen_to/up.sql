-- When somebody at the desk said that a payment under review needs nobody any more; without a user it was the command line.
ALTER TABLE checkout ADD COLUMN reviewed_at TIMESTAMP;
ALTER TABLE checkout ADD COLUMN reviewed_by BIGINT REFERENCES users (id);
-- The same of a refund that failed, and how else the buyer has her money.
ALTER TABLE refund ADD COLUMN settled_at TIMESTAMP;
ALTER TABLE refund ADD COLUMN settled_by BIGINT REFERENCES users (id);
ALTER TABLE refund ADD COLUMN settled_note TEXT;
