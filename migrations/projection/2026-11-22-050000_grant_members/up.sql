-- Departments that share a grant with the one that asked for it.
CREATE TABLE grant_members (
    grant_id TEXT NOT NULL,
    department TEXT NOT NULL,
    PRIMARY KEY (department, grant_id)
) WITHOUT ROWID;
