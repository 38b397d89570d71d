-- From which networks an account was signed in to, as keyed hashes: guesses from there are counted apart from those of
-- strangers. A row is forgotten when nobody came from there for long.
CREATE TABLE staff_place (
    user_id BIGINT NOT NULL REFERENCES users (id),
    network TEXT NOT NULL,
    last_seen TIMESTAMP NOT NULL,
    PRIMARY KEY (user_id, network)
);
