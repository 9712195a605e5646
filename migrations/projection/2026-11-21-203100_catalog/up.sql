-- The classification of the version in force, by which the catalog is browsed, and the order of changes.
ALTER TABLE entries ADD COLUMN class TEXT NOT NULL DEFAULT '';
ALTER TABLE entries ADD COLUMN category TEXT NOT NULL DEFAULT '';
ALTER TABLE entries ADD COLUMN topic TEXT NOT NULL DEFAULT '';
ALTER TABLE entries ADD COLUMN detail TEXT NOT NULL DEFAULT '';
ALTER TABLE entries ADD COLUMN grade INTEGER NOT NULL DEFAULT 1;
ALTER TABLE entries ADD COLUMN update_cycle TEXT NOT NULL DEFAULT '';
CREATE INDEX entries_provider ON entries (provider, name);
CREATE INDEX entries_class ON entries (class, category, topic, detail, state, name);
CREATE INDEX entries_updated ON entries (updated_index);
CREATE INDEX entries_withdrawn ON entries (updated_index) WHERE state = 'withdrawn';
