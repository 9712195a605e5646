DROP TABLE acts;
DROP TABLE recovery_codes;
DROP TABLE second_factors;
ALTER TABLE sessions DROP COLUMN address;
ALTER TABLE accounts DROP COLUMN must_change;
ALTER TABLE accounts DROP COLUMN disabled;
