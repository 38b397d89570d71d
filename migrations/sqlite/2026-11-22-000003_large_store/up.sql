-- Whether a browser has just ordered is asked of the last minutes' checkouts, not of all of them.
CREATE INDEX checkout_by_time ON checkout (created_at);
