DROP TABLE uncounted_claim;
