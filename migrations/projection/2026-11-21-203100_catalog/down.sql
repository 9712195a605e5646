DROP INDEX entries_withdrawn;
DROP INDEX entries_updated;
DROP INDEX entries_class;
ALTER TABLE entries DROP COLUMN detail;
ALTER TABLE entries DROP COLUMN topic;
ALTER TABLE entries DROP COLUMN category;
ALTER TABLE entries DROP COLUMN class;
