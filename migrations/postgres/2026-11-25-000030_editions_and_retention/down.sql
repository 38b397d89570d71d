DROP INDEX stripe_event_with_body;
DROP INDEX download_log_by_time;
DROP INDEX entitlement_of_book;
