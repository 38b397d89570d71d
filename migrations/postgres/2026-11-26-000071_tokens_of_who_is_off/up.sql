-- Accounts that were switched off keep no tokens that would come back with them.
UPDATE api_token
SET revoked_at = (SELECT disabled_at FROM users WHERE users.id = api_token.user_id)
WHERE revoked_at IS NULL AND user_id IN (SELECT id FROM users WHERE disabled_at IS NOT NULL);
