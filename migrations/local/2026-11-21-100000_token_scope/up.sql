-- Whether a system may hand in transactions that it signed itself with the department's key.
ALTER TABLE system_tokens ADD COLUMN submits INTEGER NOT NULL DEFAULT 0;
