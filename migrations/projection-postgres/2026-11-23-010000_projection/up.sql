-- The projection as migrations/projection has it by now, for PostgreSQL. What stands there about columns holds here too.
-- Texts sort by their bytes, as SQLite's do: pages go on where they ended, and both list in the same order.

-- SQLite's name, so that queries are written once: the place of a part in a text, from 1, or 0.
CREATE FUNCTION instr(whole TEXT, part TEXT) RETURNS INTEGER
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT strpos($1, $2)';

CREATE TABLE position (
    id     INTEGER          NOT NULL PRIMARY KEY CHECK (id = 1),
    chain  TEXT COLLATE "C" NOT NULL,
    scope  TEXT COLLATE "C" NOT NULL,
    height BIGINT           NOT NULL,
    size   BIGINT           NOT NULL,
    time   BIGINT           NOT NULL,
    digest BYTEA            NOT NULL
);

CREATE TABLE blocks (
    height       BIGINT NOT NULL PRIMARY KEY,
    time         BIGINT NOT NULL,
    first_index  BIGINT NOT NULL,
    transactions BIGINT NOT NULL,
    refused      BIGINT NOT NULL
);

CREATE TABLE transactions (
    idx          BIGINT NOT NULL PRIMARY KEY,
    id           TEXT COLLATE "C",
    height       BIGINT NOT NULL,
    time         BIGINT NOT NULL,
    department   TEXT COLLATE "C",
    actor_user   TEXT COLLATE "C",
    actor_role   TEXT COLLATE "C",
    kind         TEXT COLLATE "C",
    refusal_code TEXT COLLATE "C",
    refusal_text TEXT COLLATE "C",
    reference    TEXT COLLATE "C",
    bytes        BIGINT NOT NULL
);
CREATE INDEX transactions_id ON transactions (id);
CREATE INDEX transactions_department ON transactions (department, idx);
CREATE INDEX transactions_kind ON transactions (kind, idx);
CREATE INDEX transactions_reference ON transactions (reference, idx) WHERE reference IS NOT NULL;

CREATE TABLE entries (
    name          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    provider      TEXT COLLATE "C" NOT NULL,
    sharing       TEXT COLLATE "C" NOT NULL,
    level         TEXT COLLATE "C" NOT NULL,
    state         TEXT COLLATE "C" NOT NULL,
    version       TEXT COLLATE "C" NOT NULL,
    updated_index BIGINT           NOT NULL,
    search_text   TEXT COLLATE "C" NOT NULL,
    summary       TEXT COLLATE "C" NOT NULL,
    ending        TEXT COLLATE "C",
    class         TEXT COLLATE "C" NOT NULL,
    category      TEXT COLLATE "C" NOT NULL,
    topic         TEXT COLLATE "C" NOT NULL,
    detail        TEXT COLLATE "C" NOT NULL,
    grade         INTEGER          NOT NULL,
    update_cycle  TEXT COLLATE "C" NOT NULL
);
CREATE INDEX entries_provider ON entries (provider, name);
CREATE INDEX entries_class ON entries (class, category, topic, detail, state, name);
CREATE INDEX entries_updated ON entries (updated_index);
CREATE INDEX entries_withdrawn ON entries (updated_index) WHERE state = 'withdrawn';

CREATE TABLE entry_versions (
    name        TEXT COLLATE "C" NOT NULL,
    version     TEXT COLLATE "C" NOT NULL,
    idx         BIGINT           NOT NULL,
    publication TEXT COLLATE "C" NOT NULL,
    doc         TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (name, version)
);

CREATE TABLE grants (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    requested_index BIGINT           NOT NULL UNIQUE,
    consumer        TEXT COLLATE "C" NOT NULL,
    provider        TEXT COLLATE "C" NOT NULL,
    entry           TEXT COLLATE "C" NOT NULL,
    state           TEXT COLLATE "C" NOT NULL,
    valid_until     BIGINT           NOT NULL,
    doc             TEXT COLLATE "C" NOT NULL,
    due             TEXT COLLATE "C",
    due_from        BIGINT
);
CREATE INDEX grants_consumer ON grants (consumer, requested_index);
CREATE INDEX grants_provider ON grants (provider, requested_index);
CREATE INDEX grants_entry ON grants (entry, requested_index);
CREATE INDEX grants_state ON grants (state, requested_index);
CREATE INDEX grants_due ON grants (due, due_from) WHERE due IS NOT NULL;

CREATE TABLE grant_members (
    grant_id   TEXT COLLATE "C" NOT NULL,
    department TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (department, grant_id)
);

-- SQLite's indexes end in the row's number by themselves; here it is written out.
CREATE TABLE accesses (
    pos         BIGINT           NOT NULL PRIMARY KEY,
    access_id   TEXT COLLATE "C" NOT NULL,
    time        BIGINT           NOT NULL,
    consumer    TEXT COLLATE "C" NOT NULL,
    provider    TEXT COLLATE "C" NOT NULL,
    entry       TEXT COLLATE "C" NOT NULL,
    grant_id    TEXT COLLATE "C",
    case_id     TEXT COLLATE "C",
    decision    TEXT COLLATE "C" NOT NULL,
    subject_key BYTEA,
    tx_id       TEXT COLLATE "C" NOT NULL,
    height      BIGINT           NOT NULL,
    doc         TEXT COLLATE "C" NOT NULL,
    actor       TEXT COLLATE "C" NOT NULL
);
CREATE INDEX accesses_id ON accesses (access_id);
CREATE INDEX accesses_time ON accesses (time, pos);
CREATE INDEX accesses_consumer ON accesses (consumer, time, pos);
CREATE INDEX accesses_provider ON accesses (provider, time, pos);
CREATE INDEX accesses_entry ON accesses (entry, time, pos);
CREATE INDEX accesses_decision ON accesses (decision, time, pos);
CREATE INDEX accesses_actor ON accesses (actor, time, pos);
CREATE INDEX accesses_grant ON accesses (grant_id, time, pos) WHERE grant_id IS NOT NULL;
CREATE INDEX accesses_case ON accesses (case_id, time, pos) WHERE case_id IS NOT NULL;
CREATE INDEX accesses_subject ON accesses (subject_key, time, pos) WHERE subject_key IS NOT NULL;

CREATE TABLE access_days (
    day      BIGINT           NOT NULL,
    decision TEXT COLLATE "C" NOT NULL,
    accesses BIGINT           NOT NULL,
    PRIMARY KEY (day, decision)
);

CREATE TABLE access_pairs (
    day      BIGINT           NOT NULL,
    consumer TEXT COLLATE "C" NOT NULL,
    provider TEXT COLLATE "C" NOT NULL,
    decision TEXT COLLATE "C" NOT NULL,
    accesses BIGINT           NOT NULL,
    PRIMARY KEY (day, consumer, provider, decision)
);

CREATE TABLE access_reasons (
    day      BIGINT           NOT NULL,
    reason   TEXT COLLATE "C" NOT NULL,
    accesses BIGINT           NOT NULL,
    PRIMARY KEY (day, reason)
);

CREATE TABLE access_actors (
    day      BIGINT           NOT NULL,
    consumer TEXT COLLATE "C" NOT NULL,
    actor    TEXT COLLATE "C" NOT NULL,
    accesses BIGINT           NOT NULL,
    PRIMARY KEY (day, consumer, actor)
);
CREATE INDEX access_actors_own ON access_actors (consumer, actor, day);

CREATE TABLE findings (
    pos            BIGINT           NOT NULL PRIMARY KEY,
    access_id      TEXT COLLATE "C" NOT NULL,
    consumer       TEXT COLLATE "C" NOT NULL,
    provider       TEXT COLLATE "C" NOT NULL,
    problem        TEXT COLLATE "C" NOT NULL,
    time           BIGINT           NOT NULL,
    promised       TEXT COLLATE "C",
    resolved_index BIGINT,
    doc            TEXT COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX findings_access ON findings (access_id, consumer, provider, problem);
CREATE INDEX findings_consumer ON findings (consumer, pos);
CREATE INDEX findings_provider ON findings (provider, pos);
CREATE INDEX findings_problem ON findings (problem, pos);
CREATE INDEX findings_open ON findings (consumer, time) WHERE resolved_index IS NULL;

CREATE TABLE certificates (
    identifier   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    issued_index BIGINT           NOT NULL UNIQUE,
    issuer       TEXT COLLATE "C" NOT NULL,
    status       TEXT COLLATE "C" NOT NULL,
    case_id      TEXT COLLATE "C",
    kind         TEXT COLLATE "C",
    valid_to     TEXT COLLATE "C",
    doc          TEXT COLLATE "C" NOT NULL
);
CREATE INDEX certificates_issuer ON certificates (issuer, issued_index);
CREATE INDEX certificates_status ON certificates (status, issued_index);
CREATE INDEX certificates_case ON certificates (case_id) WHERE case_id IS NOT NULL;
CREATE INDEX certificates_kind ON certificates (kind, issued_index) WHERE kind IS NOT NULL;

CREATE TABLE cases (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    opened_index BIGINT           NOT NULL UNIQUE,
    owner        TEXT COLLATE "C" NOT NULL,
    state        TEXT COLLATE "C" NOT NULL,
    doc          TEXT COLLATE "C" NOT NULL,
    workflow     TEXT COLLATE "C" NOT NULL,
    opened_at    BIGINT           NOT NULL,
    days         INTEGER
);
CREATE INDEX cases_owner ON cases (owner, opened_index);
CREATE INDEX cases_state ON cases (state, opened_index);
CREATE INDEX cases_workflow ON cases (workflow, opened_index);
CREATE INDEX cases_days ON cases (days, opened_at) WHERE days IS NOT NULL;

CREATE TABLE case_events (
    case_id TEXT COLLATE "C" NOT NULL,
    idx     BIGINT           NOT NULL,
    doc     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (case_id, idx)
);

CREATE TABLE case_sign_offs (
    case_id    TEXT COLLATE "C" NOT NULL REFERENCES cases (id),
    step       TEXT COLLATE "C" NOT NULL,
    department TEXT COLLATE "C" NOT NULL,
    agreed     BOOLEAN,
    due_from   BIGINT,
    days       INTEGER,
    PRIMARY KEY (case_id, step)
);
CREATE INDEX case_sign_offs_department ON case_sign_offs (department, agreed);
CREATE INDEX case_sign_offs_due ON case_sign_offs (department, due_from) WHERE due_from IS NOT NULL;
