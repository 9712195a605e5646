-- Whose certificates these are, so that a holder's can be found.
ALTER TABLE certificate_documents ADD COLUMN holder TEXT;
UPDATE certificate_documents SET holder = json_extract(document, '$.holder.code');
CREATE INDEX certificate_documents_holder ON certificate_documents (holder);

-- The holder's copies: made once, given out for ever.
CREATE TABLE certificate_copies (
    identifier TEXT    NOT NULL PRIMARY KEY,
    json       TEXT    NOT NULL,
    pdf        BLOB    NOT NULL,
    made_at    INTEGER NOT NULL
) STRICT;

-- What a clerk prepared for a reviewer to issue.
CREATE TABLE certificate_preparations (
    id          TEXT    NOT NULL PRIMARY KEY,
    state       TEXT    NOT NULL,
    body        TEXT    NOT NULL, -- JSON
    prepared_by TEXT    NOT NULL, -- JSON
    prepared_at INTEGER NOT NULL,
    identifier  TEXT
) STRICT;
CREATE INDEX certificate_preparations_time ON certificate_preparations (prepared_at);
