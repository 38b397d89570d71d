DROP TABLE buyer_session;
DROP TABLE access_request;
-- A mail about a request without its request says nothing.
DELETE FROM outbox WHERE kind = 'access_link';
