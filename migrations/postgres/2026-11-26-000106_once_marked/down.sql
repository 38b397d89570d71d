ALTER TABLE api_once DROP COLUMN marked;
