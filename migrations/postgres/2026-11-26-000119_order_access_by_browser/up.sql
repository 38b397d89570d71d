-- The orders that a browser has opened by mailed links: they are closed when it signs out.
CREATE INDEX order_access_of_browser ON order_access (browser_hash);
