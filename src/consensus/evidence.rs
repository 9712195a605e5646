//! A node that meets a lie keeps the evidence and stops. It stays stopped until an operator has accepted the file.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::clock::SharedClock;
use crate::crypto::digest::HashAlgorithm;
use crate::ids::DepartmentId;
use crate::ledger::checkpoint::Keys;
use crate::ledger::evidence::{EVIDENCE_BYTES_MAX, Evidence, Finding};
use crate::storage::{StorageError, whole_file};

use super::ConsensusError;
use super::cosign::{Book, Contradiction};

/// Folder, within that of the evidence, of files that an operator has accepted.
pub const ACCEPTED_DIR: &str = "accepted";
/// More files than this are not read: an operator who accepts so many has other troubles.
const FILES_MAX: usize = 1024;

/// Why a node stands still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halted {
    /// What was found, such as `two_roots`.
    pub kind: String,
    /// The file that shows it.
    pub file: PathBuf,
}

impl Halted {
    /// The file's name.
    pub fn name(&self) -> String {
        self.file.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// What is the matter and what to do, for operators.
    pub fn advice(&self) -> String {
        format!(
            "halted: {}; see `mulu ledger evidence <data>/evidence/{}`, then accept it with --accept and start the node again",
            self.kind,
            self.name()
        )
    }
}

/// Decides whether the node may go on.
pub(super) struct Guard {
    dir: PathBuf,
    chain: String,
    algorithm: HashAlgorithm,
    department: DepartmentId,
    clock: SharedClock,
    /// What an operator has seen and accepted.
    accepted: BTreeSet<String>,
    halted: watch::Sender<Option<Arc<Halted>>>,
    /// One file a matter, and one matter at a time.
    writing: Mutex<()>,
}

impl Guard {
    /// Reads what was found and accepted before. A file that nobody has accepted halts the node from the start.
    pub(super) fn open(
        dir: PathBuf,
        chain: &str,
        algorithm: HashAlgorithm,
        department: &DepartmentId,
        clock: SharedClock,
    ) -> Result<Self, ConsensusError> {
        let accepted = files(&dir.join(ACCEPTED_DIR))?;
        let accepted = accepted.iter().filter_map(|path| read(path)).map(|evidence| evidence.finding.subject());
        let halted = files(&dir)?.into_iter().next().map(|file| {
            let kind = read(&file).map_or("unreadable", |evidence| evidence.finding.kind()).to_owned();
            tracing::error!(file = %file.display(), "evidence waits for an operator: this node serves nothing");
            Arc::new(Halted { kind, file })
        });
        Ok(Self {
            accepted: accepted.collect(),
            dir,
            chain: chain.to_owned(),
            algorithm,
            department: department.clone(),
            clock,
            halted: watch::Sender::new(halted),
            writing: Mutex::default(),
        })
    }

    /// Whether the node stands still, and why; and when that begins.
    pub(super) fn halted(&self) -> watch::Receiver<Option<Arc<Halted>>> {
        self.halted.subscribe()
    }

    pub(super) fn is_halted(&self) -> bool {
        self.halted.borrow().is_some()
    }

    /// As [`Guard::meets`], of what was cosigned.
    pub(super) fn contradicted(&self, by: Contradiction, book: &Book, keys: Keys) -> Result<bool, ConsensusError> {
        let keys_of = |department: &DepartmentId| keys.get(department).cloned().unwrap_or_default();
        let finding = match by {
            Contradiction::OtherLedger { own, cosigned, needed } => {
                Finding::OtherLedger { own: own.text(), cosigned: cosigned.encode(), needed, keys }
            }
            Contradiction::TwoRoots { department, one, other } => {
                Finding::TwoRoots { keys: keys_of(&department), department, one: one.encode(), other: other.encode() }
            }
            Contradiction::OwnHistory { cosigned, own } => Finding::OwnHistory {
                department: self.department.clone(),
                keys: keys_of(&self.department),
                cosigned: cosigned.encode(),
                own: own.text(),
            },
        };
        let (own, anchored) = book.reached();
        self.meets(finding, own, anchored)
    }

    /// Keeps the evidence and halts the node, unless an operator has accepted this very finding. Answers whether the
    /// node stands still. `own` and `anchored` say how far the ledger was.
    pub(super) fn meets(
        &self,
        finding: Finding,
        own: String,
        anchored: Option<String>,
    ) -> Result<bool, ConsensusError> {
        let _one = self.writing.lock();
        if self.is_halted() {
            return Ok(true);
        }
        let kind = finding.kind();
        if self.accepted.contains(&finding.subject()) {
            tracing::warn!(kind, "an operator has accepted the evidence of this: the node goes on");
            return Ok(false);
        }
        let now = self.clock.now();
        let mut evidence = Evidence::new(&self.chain, self.algorithm, &self.department, now, finding);
        (evidence.own, evidence.anchored) = (own, anchored);
        let text = serde_json::to_vec_pretty(&evidence).map_err(|e| ConsensusError::Inconsistent(e.to_string()))?;
        let file = self.dir.join(format!("{}-{kind}.json", now.0));
        whole_file::replace(&file, &text)?;
        tracing::error!(kind, file = %file.display(), "{}", evidence.finding.explain());
        self.halted.send_replace(Some(Arc::new(Halted { kind: kind.to_owned(), file })));
        Ok(true)
    }
}

fn files(dir: &Path) -> Result<Vec<PathBuf>, StorageError> {
    let listing = match fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing.map_err(StorageError::io(dir, "listing"))?,
    };
    let mut paths = Vec::new();
    for item in listing.take(FILES_MAX) {
        let path = item.map_err(StorageError::io(dir, "listing"))?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Option<Evidence> {
    let length = fs::metadata(path).ok()?.len();
    if usize::try_from(length).is_ok_and(|length| length > EVIDENCE_BYTES_MAX) {
        return None;
    }
    Evidence::parse(&fs::read_to_string(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    fn guard(dir: &Path) -> Guard {
        let department = "tax".parse().unwrap();
        Guard::open(dir.to_owned(), "mulu-1", HashAlgorithm::Sm3, &department, Arc::new(SystemClock)).unwrap()
    }

    fn finding(block: &str) -> Finding {
        Finding::NoBlock { raft_index: 4, term: 1, block: block.to_owned() }
    }

    #[test]
    fn a_node_stays_halted_until_the_very_finding_is_accepted() {
        let dir = tempfile::tempdir().unwrap();
        let first = guard(dir.path());
        assert!(!first.is_halted());
        assert!(first.meets(finding("AAAA"), String::new(), None).unwrap());
        assert!(first.meets(finding("BBBB"), String::new(), None).unwrap(), "one file is enough");
        let again = guard(dir.path());
        let halted = again.halted().borrow().clone().unwrap();
        assert_eq!(halted.kind, "no_block");
        let name = halted.file.file_name().unwrap().to_owned();
        fs::create_dir(dir.path().join(ACCEPTED_DIR)).unwrap();
        fs::rename(&halted.file, dir.path().join(ACCEPTED_DIR).join(name)).unwrap();
        let after = guard(dir.path());
        assert!(!after.is_halted());
        assert!(!after.meets(finding("AAAA"), String::new(), None).unwrap());
        assert!(after.meets(finding("BBBB"), String::new(), None).unwrap());
    }

    #[test]
    fn a_file_that_cannot_be_read_halts_as_well() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("1-two_roots.json"), b"{").unwrap();
        assert_eq!(guard(dir.path()).halted().borrow().as_ref().unwrap().kind, "unreadable");
    }
}
