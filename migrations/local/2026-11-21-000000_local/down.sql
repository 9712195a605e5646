DROP TABLE idempotency_keys;
DROP TABLE certificate_documents;
DROP TABLE case_records;
DROP TABLE drafts;
DROP TABLE system_tokens;
DROP TABLE sessions;
DROP TABLE sign_in_failures;
DROP TABLE accounts;
