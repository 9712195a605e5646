-- What an administrator set in the portal: one row, and none before anything was changed.
CREATE TABLE settings (
    one        INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    version    INTEGER NOT NULL, -- grows by one with each change
    changed_at INTEGER NOT NULL,
    changed_by TEXT    NOT NULL,
    body       TEXT    NOT NULL  -- JSON
) STRICT;
