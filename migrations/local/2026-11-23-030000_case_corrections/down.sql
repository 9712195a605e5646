ALTER TABLE case_records DROP COLUMN former;
ALTER TABLE case_records DROP COLUMN corrections;
