-- By which certificates are listed: their type, and the day on which they lapse.
ALTER TABLE certificates ADD COLUMN kind TEXT;
ALTER TABLE certificates ADD COLUMN valid_to TEXT;
UPDATE certificates SET valid_to = json_extract(doc, '$.issue.valid_to');
CREATE INDEX certificates_kind ON certificates (kind, issued_index) WHERE kind IS NOT NULL;
