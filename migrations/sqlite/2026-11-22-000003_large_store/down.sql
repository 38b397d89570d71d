DROP INDEX checkout_by_time;
