DROP INDEX download_token_never_used;
