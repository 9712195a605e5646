DROP TABLE certificate_preparations;
DROP TABLE certificate_copies;
DROP INDEX certificate_documents_holder;
ALTER TABLE certificate_documents DROP COLUMN holder;
