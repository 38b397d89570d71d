DROP INDEX stripe_event_by_age;
DROP TABLE api_once;
