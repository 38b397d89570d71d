DROP INDEX download_claim_by_time;
DROP INDEX dispute_by_time;
DROP INDEX refund_by_time;
DROP INDEX orders_by_payment;
ALTER TABLE download_claim DROP COLUMN format;
DROP TABLE visits;
DROP TABLE tally_state;
DROP TABLE tally;
