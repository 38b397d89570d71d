-- Downloads that are not in the tallies yet: a download writes a row here, which costs it a fraction of adding to its
-- tallies, and makes no two of them wait for each other. They are counted together soon after, and before anybody looks.
CREATE TABLE uncounted_claim (
    claim_id BIGINT PRIMARY KEY NOT NULL REFERENCES download_claim (id) ON DELETE CASCADE
);
