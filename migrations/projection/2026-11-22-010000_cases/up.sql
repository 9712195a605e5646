-- Cases of edition 4: whose turn it is and since when, and what happened.
ALTER TABLE cases ADD COLUMN workflow TEXT NOT NULL DEFAULT '';
ALTER TABLE cases ADD COLUMN opened_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cases ADD COLUMN days INTEGER; -- working days for the whole case; none without a deadline, and once it has ended
UPDATE cases SET workflow = json_extract(doc, '$.workflow'), opened_at = json_extract(doc, '$.opened_at');
CREATE INDEX cases_workflow ON cases (workflow, opened_index);
CREATE INDEX cases_days ON cases (days, opened_at) WHERE days IS NOT NULL;

ALTER TABLE case_sign_offs ADD COLUMN due_from INTEGER; -- when its turn came; none while it waits for another, and once it is done
ALTER TABLE case_sign_offs ADD COLUMN days INTEGER;     -- working days from then
UPDATE case_sign_offs SET due_from = (SELECT opened_at FROM cases WHERE id = case_id) WHERE agreed IS NULL;
CREATE INDEX case_sign_offs_due ON case_sign_offs (department, due_from) WHERE due_from IS NOT NULL;

CREATE TABLE case_events (
    case_id TEXT    NOT NULL,
    idx     INTEGER NOT NULL,
    doc     TEXT    NOT NULL,
    PRIMARY KEY (case_id, idx)
) STRICT;
