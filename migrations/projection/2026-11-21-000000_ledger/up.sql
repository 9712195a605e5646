-- What a node shows of the ledger. Nothing here is a source: `mulu projection rebuild` fills it again.
-- Columns are what listings filter and sort by; the rest of a record is JSON in `doc`.

CREATE TABLE position (
    id     INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    chain  TEXT    NOT NULL,
    scope  TEXT    NOT NULL, -- what this node projects; another scope means a rebuild
    height INTEGER NOT NULL,
    size   INTEGER NOT NULL,
    time   INTEGER NOT NULL,
    digest BLOB    NOT NULL  -- SM3 of the last block's transactions: a replaced ledger is noticed
) STRICT;

CREATE TABLE blocks (
    height       INTEGER NOT NULL PRIMARY KEY,
    time         INTEGER NOT NULL,
    first_index  INTEGER NOT NULL,
    transactions INTEGER NOT NULL,
    refused      INTEGER NOT NULL
) STRICT;

CREATE TABLE transactions (
    idx          INTEGER NOT NULL PRIMARY KEY,
    id           TEXT,
    height       INTEGER NOT NULL,
    time         INTEGER NOT NULL,
    department   TEXT,
    actor_user   TEXT,
    actor_role   TEXT,
    kind         TEXT,
    refusal_code TEXT,
    refusal_text TEXT,
    reference    TEXT,
    bytes        INTEGER NOT NULL
) STRICT;
CREATE INDEX transactions_id ON transactions (id);
CREATE INDEX transactions_department ON transactions (department);
CREATE INDEX transactions_kind ON transactions (kind);
CREATE INDEX transactions_reference ON transactions (reference) WHERE reference IS NOT NULL;

CREATE TABLE entries (
    name          TEXT    NOT NULL PRIMARY KEY,
    provider      TEXT    NOT NULL,
    sharing       TEXT    NOT NULL,
    level         TEXT    NOT NULL,
    state         TEXT    NOT NULL,
    version       TEXT    NOT NULL,
    updated_index INTEGER NOT NULL,
    search_text   TEXT    NOT NULL,
    summary       TEXT    NOT NULL,
    ending        TEXT
) STRICT;

CREATE TABLE entry_versions (
    name        TEXT    NOT NULL,
    version     TEXT    NOT NULL,
    idx         INTEGER NOT NULL,
    publication TEXT    NOT NULL,
    doc         TEXT    NOT NULL,
    PRIMARY KEY (name, version)
) STRICT;

CREATE TABLE grants (
    id              TEXT    NOT NULL PRIMARY KEY,
    requested_index INTEGER NOT NULL UNIQUE,
    consumer        TEXT    NOT NULL,
    provider        TEXT    NOT NULL,
    entry           TEXT    NOT NULL,
    state           TEXT    NOT NULL, -- expiry follows from time and is not stored
    valid_until     INTEGER NOT NULL, -- as approved, else as requested
    doc             TEXT    NOT NULL
) STRICT;
CREATE INDEX grants_consumer ON grants (consumer, requested_index);
CREATE INDEX grants_provider ON grants (provider, requested_index);
CREATE INDEX grants_entry ON grants (entry, requested_index);
CREATE INDEX grants_state ON grants (state, requested_index);

-- Every index ends in (time, pos), `pos` being the row id: each filter lists newest first without sorting.
CREATE TABLE accesses (
    pos         INTEGER NOT NULL PRIMARY KEY, -- ledger index * 1024 + place in its batch
    access_id   TEXT    NOT NULL,
    time        INTEGER NOT NULL,
    consumer    TEXT    NOT NULL,
    provider    TEXT    NOT NULL,
    entry       TEXT    NOT NULL,
    grant_id    TEXT,
    case_id     TEXT,
    decision    TEXT    NOT NULL,
    subject_key BLOB,                         -- HMAC-SM3 of the subject, on the auditor's node only
    tx_id       TEXT    NOT NULL,
    height      INTEGER NOT NULL,
    doc         TEXT    NOT NULL
) STRICT;
CREATE INDEX accesses_id ON accesses (access_id);
CREATE INDEX accesses_time ON accesses (time);
CREATE INDEX accesses_consumer ON accesses (consumer, time);
CREATE INDEX accesses_provider ON accesses (provider, time);
CREATE INDEX accesses_entry ON accesses (entry, time);
CREATE INDEX accesses_decision ON accesses (decision, time);
CREATE INDEX accesses_grant ON accesses (grant_id, time) WHERE grant_id IS NOT NULL;
CREATE INDEX accesses_case ON accesses (case_id, time) WHERE case_id IS NOT NULL;
CREATE INDEX accesses_subject ON accesses (subject_key, time) WHERE subject_key IS NOT NULL;

-- Accesses a calendar day (UTC+8): counting ten million rows for a front page would take seconds.
CREATE TABLE access_days (
    day      INTEGER NOT NULL,
    decision TEXT    NOT NULL,
    accesses INTEGER NOT NULL,
    PRIMARY KEY (day, decision)
) STRICT;

CREATE TABLE certificates (
    identifier   TEXT    NOT NULL PRIMARY KEY,
    issued_index INTEGER NOT NULL UNIQUE,
    issuer       TEXT    NOT NULL,
    status       TEXT    NOT NULL,
    case_id      TEXT,
    doc          TEXT    NOT NULL
) STRICT;
CREATE INDEX certificates_issuer ON certificates (issuer, issued_index);
CREATE INDEX certificates_status ON certificates (status, issued_index);
CREATE INDEX certificates_case ON certificates (case_id) WHERE case_id IS NOT NULL;

CREATE TABLE cases (
    id           TEXT    NOT NULL PRIMARY KEY,
    opened_index INTEGER NOT NULL UNIQUE,
    owner        TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    doc          TEXT    NOT NULL
) STRICT;
CREATE INDEX cases_owner ON cases (owner, opened_index);
CREATE INDEX cases_state ON cases (state, opened_index);

CREATE TABLE case_sign_offs (
    case_id    TEXT NOT NULL REFERENCES cases (id),
    step       TEXT NOT NULL,
    department TEXT NOT NULL,
    agreed     INTEGER, -- none while the department has not given its word
    PRIMARY KEY (case_id, step)
) STRICT;
CREATE INDEX case_sign_offs_department ON case_sign_offs (department, agreed);
