ALTER TABLE system_tokens DROP COLUMN submits;
