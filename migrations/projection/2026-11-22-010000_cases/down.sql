DROP TABLE case_events;
DROP INDEX case_sign_offs_due;
ALTER TABLE case_sign_offs DROP COLUMN days;
ALTER TABLE case_sign_offs DROP COLUMN due_from;
DROP INDEX cases_days;
DROP INDEX cases_workflow;
ALTER TABLE cases DROP COLUMN days;
ALTER TABLE cases DROP COLUMN opened_at;
ALTER TABLE cases DROP COLUMN workflow;
