-- An account may rest, and a password that somebody else chose is good for one sign-in.
ALTER TABLE accounts ADD COLUMN disabled INTEGER;
ALTER TABLE accounts ADD COLUMN must_change INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN address TEXT;

-- The second factor of an account (RFC 6238).
CREATE TABLE second_factors (
    user      TEXT    NOT NULL PRIMARY KEY REFERENCES accounts (user) ON DELETE CASCADE,
    sealed    BLOB    NOT NULL, -- the secret, sealed to the department's own key
    begun     INTEGER NOT NULL,
    confirmed INTEGER,          -- NULL while it is being set up
    last_step INTEGER NOT NULL  -- a code counts once
) STRICT;

CREATE TABLE recovery_codes (
    code_hash BLOB NOT NULL PRIMARY KEY,
    user      TEXT NOT NULL REFERENCES second_factors (user) ON DELETE CASCADE
) STRICT;
CREATE INDEX recovery_codes_user ON recovery_codes (user);

-- Sign-ins and settings, in order. Lines are added, and dropped at the old end; none is ever changed.
CREATE TABLE acts (
    id      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    kind    TEXT    NOT NULL,
    user    TEXT    NOT NULL,
    address TEXT,
    subject TEXT    NOT NULL,
    detail  TEXT    NOT NULL,
    digest  BLOB    NOT NULL -- SM3 over the line before's digest and this line
) STRICT;
CREATE INDEX acts_at ON acts (at);
CREATE INDEX acts_kind ON acts (kind, id);
CREATE INDEX acts_user ON acts (user, id);

CREATE TRIGGER acts_stay BEFORE UPDATE ON acts BEGIN
    SELECT RAISE(ABORT, 'the log is not rewritten');
END;
