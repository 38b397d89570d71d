ALTER TABLE refund DROP COLUMN settled_note;
ALTER TABLE refund DROP COLUMN settled_by;
ALTER TABLE refund DROP COLUMN settled_at;
ALTER TABLE checkout DROP COLUMN reviewed_by;
ALTER TABLE checkout DROP COLUMN reviewed_at;
