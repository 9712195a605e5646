DROP INDEX certificates_kind;
ALTER TABLE certificates DROP COLUMN valid_to;
ALTER TABLE certificates DROP COLUMN kind;
