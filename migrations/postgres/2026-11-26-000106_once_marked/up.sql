-- What the work was about, written in the work's own transaction: whoever begins it again finds that it is done.
ALTER TABLE api_once ADD COLUMN marked TEXT;
