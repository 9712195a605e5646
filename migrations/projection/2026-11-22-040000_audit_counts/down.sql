DROP TABLE access_actors;
DROP TABLE access_reasons;
DROP TABLE access_pairs;
DROP INDEX accesses_actor;
ALTER TABLE accesses DROP COLUMN actor;
