-- What a node keeps of cases that go on after they were opened: each pull as far as it got, facts, notices.
ALTER TABLE case_records ADD COLUMN salt TEXT;                         -- hex, of the form's digest
ALTER TABLE case_records ADD COLUMN running INTEGER NOT NULL DEFAULT 0; -- 1 while its pulls are being made
ALTER TABLE case_records ADD COLUMN notice TEXT;                       -- JSON: what the applicant is told, with its salt
CREATE INDEX case_records_running ON case_records (running) WHERE running = 1;

CREATE TABLE case_pulls (
    case_id  TEXT    NOT NULL,
    pull     TEXT    NOT NULL,
    attempt  INTEGER NOT NULL,
    begun_at INTEGER NOT NULL, -- the attempt's access id follows from case, pull, attempt and this
    open     INTEGER NOT NULL, -- 1 while nobody knows how the attempt ended
    problem  TEXT,             -- JSON: why the attempt brought nothing
    material TEXT,             -- JSON: what the last good one brought
    PRIMARY KEY (case_id, pull)
) STRICT;

CREATE TABLE case_facts (
    case_id  TEXT    NOT NULL,
    step     TEXT    NOT NULL,
    fact     TEXT    NOT NULL, -- JSON
    kept_at  INTEGER NOT NULL,
    PRIMARY KEY (case_id, step)
) STRICT;
