-- Who works at the store. An invited one has no password yet; nobody is ever deleted, since the audit names them.
CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    email TEXT NOT NULL,
    email_norm TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'support', 'admin', 'owner')),
    -- argon2id in the PHC form.
    password_hash TEXT,
    -- The link that sets a password: derived, shown when asked for, good once.
    link_generation INTEGER NOT NULL DEFAULT 0 CHECK (link_generation >= 0),
    link_hash TEXT UNIQUE,
    link_expires_at TIMESTAMP,
    -- The secret of the one-time codes is derived, so only its generation is kept; and the step of the last code that was
    -- used, so that none is good twice.
    totp_generation INTEGER NOT NULL DEFAULT 0 CHECK (totp_generation >= 0),
    totp_since TIMESTAMP,
    totp_last_step BIGINT,
    disabled_at TIMESTAMP,
    created_at TIMESTAMP NOT NULL,
    CHECK ((link_hash IS NULL) = (link_expires_at IS NULL))
);

-- A browser (by the hash of its cookie) or a program (without one) that somebody is signed in with. A pending one has
-- given the password and not yet the code.
CREATE TABLE staff_session (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id),
    kind TEXT NOT NULL CHECK (kind IN ('browser', 'pending', 'api')),
    hash TEXT UNIQUE,
    -- Where from: /24 of IPv4, /48 of IPv6; and with what.
    ip_prefix TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0 CHECK (tries >= 0 AND tries <= 5),
    created_at TIMESTAMP NOT NULL,
    last_seen TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    revoked_at TIMESTAMP,
    CHECK ((kind = 'api') = (hash IS NULL))
);
CREATE INDEX staff_session_of_user ON staff_session (user_id);

-- What lets somebody in whose telephone is lost: a hash of each code, good once.
CREATE TABLE recovery_code (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id),
    hash TEXT NOT NULL UNIQUE,
    used_at TIMESTAMP
);
CREATE INDEX recovery_code_of_user ON recovery_code (user_id);

-- The chain of an API session's refresh tokens: the one that is not used yet is the last; a used one that comes back ends
-- the session.
CREATE TABLE refresh_token (
    hash TEXT PRIMARY KEY NOT NULL,
    session_id BIGINT NOT NULL REFERENCES staff_session (id),
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    used_at TIMESTAMP
);
CREATE INDEX refresh_token_of_session ON refresh_token (session_id);

-- What a program is given for a long time: what it may do, and no more than its maker may.
CREATE TABLE api_token (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    last_used TIMESTAMP,
    expires_at TIMESTAMP NOT NULL,
    revoked_at TIMESTAMP
);
CREATE INDEX api_token_of_user ON api_token (user_id);

-- Every change that somebody makes: who, what, of which thing, before and after (JSON). Only ever added to.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    at TIMESTAMP NOT NULL,
    actor TEXT NOT NULL CHECK (actor IN ('staff', 'command', 'visitor', 'store')),
    user_id BIGINT REFERENCES users (id),
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    before TEXT,
    after TEXT,
    CHECK ((actor = 'staff') = (user_id IS NOT NULL))
);
CREATE INDEX audit_of_object ON audit (object, id);
CREATE INDEX audit_of_user ON audit (user_id, id);
