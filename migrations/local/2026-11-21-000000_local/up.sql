-- What belongs to this node alone and stands nowhere else: back it up.

CREATE TABLE accounts (
    user          TEXT    NOT NULL PRIMARY KEY,
    display_name  TEXT    NOT NULL,
    password_hash TEXT    NOT NULL, -- argon2id, PHC form
    roles         TEXT    NOT NULL, -- JSON
    lang          TEXT    NOT NULL,
    created       INTEGER NOT NULL
) STRICT;

-- Kept for names without an account too, so that a lock does not tell which accounts exist.
CREATE TABLE sign_in_failures (
    user         TEXT    NOT NULL PRIMARY KEY,
    failures     INTEGER NOT NULL,
    last         INTEGER NOT NULL,
    locked_until INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_in_failures_last ON sign_in_failures (last);

CREATE TABLE sessions (
    token_hash BLOB    NOT NULL PRIMARY KEY,
    user       TEXT    NOT NULL REFERENCES accounts (user) ON DELETE CASCADE,
    csrf       TEXT    NOT NULL,
    created    INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_user ON sessions (user, created);

CREATE TABLE system_tokens (
    name       TEXT    NOT NULL PRIMARY KEY,
    token_hash BLOB    NOT NULL UNIQUE,
    created    INTEGER NOT NULL,
    expires    INTEGER NOT NULL
) STRICT;

CREATE TABLE drafts (
    name            TEXT    NOT NULL,
    version         TEXT    NOT NULL,
    state           TEXT    NOT NULL,
    entry           TEXT    NOT NULL, -- JSON
    drafted_by      TEXT    NOT NULL, -- JSON
    drafted_at      INTEGER NOT NULL,
    submitted_at    INTEGER,
    decided_by      TEXT,             -- JSON
    decided_at      INTEGER,
    rejected_reason TEXT,
    transaction_id  TEXT,
    PRIMARY KEY (name, version)
) STRICT;
CREATE INDEX drafts_time ON drafts (drafted_at);

CREATE TABLE case_records (
    case_id   TEXT    NOT NULL PRIMARY KEY,
    params    TEXT    NOT NULL, -- JSON
    materials TEXT    NOT NULL, -- JSON
    kept_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE certificate_documents (
    identifier TEXT    NOT NULL PRIMARY KEY,
    document   TEXT    NOT NULL, -- JSON
    salt       BLOB    NOT NULL,
    stored_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE idempotency_keys (
    scope    TEXT    NOT NULL,
    key      TEXT    NOT NULL,
    digest   BLOB    NOT NULL, -- SM3 of the request
    reserved TEXT    NOT NULL, -- the transaction's id, the same when the work is taken up again
    begun    INTEGER NOT NULL,
    claimed  INTEGER NOT NULL,
    status   INTEGER,
    body     TEXT,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX idempotency_keys_begun ON idempotency_keys (begun);
