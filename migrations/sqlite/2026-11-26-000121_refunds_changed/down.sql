DROP INDEX refund_by_change;
