DROP TABLE case_sign_offs, case_events, cases, certificates, findings, access_actors, access_reasons, access_pairs,
    access_days, accesses, grant_members, grants, entry_versions, entries, transactions, blocks, position;
DROP FUNCTION instr(TEXT, TEXT);
