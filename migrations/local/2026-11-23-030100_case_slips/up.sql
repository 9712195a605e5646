-- What an applicant holds: a number to ask by, and a code that stands on the slip alone.
CREATE TABLE case_slips (
    case_id TEXT    NOT NULL PRIMARY KEY,
    number  TEXT    NOT NULL UNIQUE, -- the day, and a count of the department
    code    TEXT    NOT NULL,
    made_at INTEGER NOT NULL
) STRICT;
