-- Titles whose first token nobody has used: the desk lists those that were paid for and never fetched, the newest first.
CREATE INDEX download_token_never_used ON download_token (entitlement_id) WHERE used_count = 0 AND generation = 1;
