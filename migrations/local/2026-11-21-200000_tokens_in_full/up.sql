-- A system may have two tokens for a while, so that one follows the other without a gap.
CREATE TABLE tokens (
    id         INTEGER NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    token_hash BLOB    NOT NULL UNIQUE,
    created    INTEGER NOT NULL,
    expires    INTEGER NOT NULL,
    submits    INTEGER NOT NULL,
    entries    TEXT    NOT NULL, -- JSON; empty for all
    sources    TEXT    NOT NULL, -- JSON; empty for all
    last_used  INTEGER,
    last_from  TEXT,
    alarm_at   INTEGER,
    alarm_from TEXT
) STRICT;

CREATE INDEX tokens_of_system ON tokens (name);

INSERT INTO tokens (name, token_hash, created, expires, submits, entries, sources)
SELECT name, token_hash, created, expires, submits, '[]', '[]' FROM system_tokens;

DROP TABLE system_tokens;
