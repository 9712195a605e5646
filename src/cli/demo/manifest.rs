//! `demo.json`: where the demo's nodes are and how to sign in. For programs and people; readable by its owner alone.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cli::error::CliError;
use crate::domain::Role;
use crate::ids::DepartmentId;

const FILE: &str = "demo.json";
/// The file of an earlier run, from which accounts and tokens are taken over until the new one is written.
const EARLIER: &str = "demo.earlier.json";

/// The whole file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// The chain's id.
    pub chain: String,
    /// Every node.
    pub nodes: Vec<NodeEntry>,
}

/// One node.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NodeEntry {
    /// Its department.
    pub department: DepartmentId,
    /// The department's Chinese name.
    pub name_zh: String,
    /// `voter` or `learner`.
    pub raft: String,
    /// Its portal and API.
    pub url: String,
    /// Its process.
    pub pid: u32,
    /// Its data directory.
    pub data_dir: PathBuf,
    /// Token of the department's system.
    pub system_token: String,
    /// Accounts of the portal.
    pub accounts: Vec<AccountEntry>,
}

/// One account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccountEntry {
    /// Name to sign in with.
    pub user: String,
    /// The password.
    pub password: String,
    /// What it may do.
    pub roles: Vec<Role>,
}

impl NodeEntry {
    /// The first account with a role, leaving out those that have the other role too.
    pub fn account(&self, role: Role, without: Role) -> Option<&AccountEntry> {
        self.accounts.iter().find(|account| account.roles.contains(&role) && !account.roles.contains(&without))
    }
}

impl Manifest {
    /// Takes an earlier run's file out of the way, so that `demo.json` appears only when the city is ready, and
    /// answers what it said.
    pub fn take_earlier(dir: &Path) -> Option<Self> {
        let (file, earlier) = (dir.join(FILE), dir.join(EARLIER));
        // Without a new file the one set aside before is still good: that run never became ready.
        let _ = fs::rename(&file, &earlier);
        serde_json::from_slice(&fs::read(&earlier).ok()?).ok()
    }

    /// Writes the file: whoever sees it sees all of it.
    ///
    /// # Errors
    /// The system's.
    pub fn write(&self, dir: &Path) -> Result<PathBuf, CliError> {
        let path = dir.join(FILE);
        let part = dir.join("demo.json.part");
        let bytes = serde_json::to_vec_pretty(self).map_err(CliError::failed)?;
        let write = || -> std::io::Result<()> {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
            file.write_all(&bytes)?;
            fs::rename(&part, &path)
        };
        write().map_err(|e| CliError::io(&path, &e))?;
        let _ = fs::remove_file(dir.join(EARLIER));
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn an_earlier_file_is_taken_over_until_a_new_one_stands() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Manifest::take_earlier(dir.path()).is_none());
        let account = AccountEntry { user: "u".into(), password: "p".into(), roles: vec![Role::Clerk] };
        let node = NodeEntry {
            department: "tax".parse().unwrap(),
            name_zh: "税务局".into(),
            raft: "voter".into(),
            url: "http://127.0.0.1:1".into(),
            pid: 7,
            data_dir: "/x".into(),
            system_token: "t".into(),
            accounts: vec![account],
        };
        let path = Manifest { chain: "mulu-1".into(), nodes: vec![node] }.write(dir.path()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("\"roles\": [\n            \"clerk\""), "{text}");
        for _ in 0..2 {
            let earlier = Manifest::take_earlier(dir.path()).unwrap();
            assert_eq!((earlier.nodes[0].accounts[0].password.as_str(), path.exists()), ("p", false));
        }
    }
}
