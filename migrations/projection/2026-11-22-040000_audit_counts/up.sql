-- Who looked at whose data on a calendar day (UTC+8), why not, and by whose hand: the audit's charts add up these few rows,
-- because nobody waits for ten million records to be counted.

ALTER TABLE accesses ADD COLUMN actor TEXT NOT NULL DEFAULT ''; -- the person or system of the consumer
CREATE INDEX accesses_actor ON accesses (actor, time);

CREATE TABLE access_pairs (
    day      INTEGER NOT NULL,
    consumer TEXT    NOT NULL,
    provider TEXT    NOT NULL,
    decision TEXT    NOT NULL,
    accesses INTEGER NOT NULL,
    PRIMARY KEY (day, consumer, provider, decision)
) STRICT;

CREATE TABLE access_reasons (
    day      INTEGER NOT NULL,
    reason   TEXT    NOT NULL,
    accesses INTEGER NOT NULL,
    PRIMARY KEY (day, reason)
) STRICT;

CREATE TABLE access_actors (
    day      INTEGER NOT NULL,
    consumer TEXT    NOT NULL,
    actor    TEXT    NOT NULL,
    accesses INTEGER NOT NULL,
    PRIMARY KEY (day, consumer, actor)
) STRICT;
CREATE INDEX access_actors_own ON access_actors (consumer, actor, day);
