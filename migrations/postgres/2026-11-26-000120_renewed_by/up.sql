-- How many of a title's links were renewed by the desk: the store's limit of renewals is for buyers.
ALTER TABLE entitlement ADD COLUMN desk_renewals INTEGER NOT NULL DEFAULT 0;
