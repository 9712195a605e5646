-- What consumers found when they held promises and records against their own calls.
CREATE TABLE findings (
    pos            INTEGER NOT NULL PRIMARY KEY, -- ledger index * 1024 + place in its report
    access_id      TEXT    NOT NULL,
    consumer       TEXT    NOT NULL,
    provider       TEXT    NOT NULL,
    problem        TEXT    NOT NULL,
    time           INTEGER NOT NULL,             -- block time of the report
    promised       TEXT,                         -- digest of the promised record
    resolved_index INTEGER,                      -- ledger index of the record that settles it
    doc            TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX findings_access ON findings (access_id, consumer, provider, problem);
CREATE INDEX findings_consumer ON findings (consumer);
CREATE INDEX findings_provider ON findings (provider);
CREATE INDEX findings_problem ON findings (problem);
CREATE INDEX findings_open ON findings (consumer, time) WHERE resolved_index IS NULL;
