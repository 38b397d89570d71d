DROP INDEX checkout_open_by_time;
DROP TABLE difference;
DROP TABLE watermark;
ALTER TABLE checkout DROP COLUMN decline;
DROP TABLE dispute;
DROP TABLE refund_item;
DROP TABLE refund;
