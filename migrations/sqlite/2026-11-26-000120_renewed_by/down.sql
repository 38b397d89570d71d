ALTER TABLE entitlement DROP COLUMN desk_renewals;
