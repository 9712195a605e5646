CREATE TABLE system_tokens (
    name       TEXT    NOT NULL PRIMARY KEY,
    token_hash BLOB    NOT NULL UNIQUE,
    created    INTEGER NOT NULL,
    expires    INTEGER NOT NULL,
    submits    INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT OR REPLACE INTO system_tokens SELECT name, token_hash, created, expires, submits FROM tokens ORDER BY id;

DROP TABLE tokens;
