DROP INDEX order_access_of_browser;
