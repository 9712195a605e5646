DROP INDEX grants_due;
ALTER TABLE grants DROP COLUMN due_from;
ALTER TABLE grants DROP COLUMN due;
