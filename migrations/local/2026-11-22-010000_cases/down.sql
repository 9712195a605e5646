DROP TABLE case_facts;
DROP TABLE case_pulls;
DROP INDEX case_records_running;
ALTER TABLE case_records DROP COLUMN notice;
ALTER TABLE case_records DROP COLUMN running;
ALTER TABLE case_records DROP COLUMN salt;
