-- A case's form can be corrected: what waits for the ledger, and what stood there before.
ALTER TABLE case_records ADD COLUMN corrections TEXT; -- JSON: corrected forms of which nobody knows yet whether the ledger has them
ALTER TABLE case_records ADD COLUMN former TEXT;      -- JSON: the forms before the one in force, oldest first
