//! What a node keeps on disk: the ledger's segment files and a small keyed store. Nothing above
//! this floor opens ledger files or names the store's library.

mod archive;
pub mod damaged;
mod data_dir;
pub mod disk;
pub mod disk_use;
#[cfg(test)]
mod fuzz;
pub mod ledger_log;
pub mod ledger_mend;
pub mod ledger_reader;
mod log_scan;
pub mod node_store;
mod record;
mod segment;
mod sled_tree;
pub mod snapshots;
pub mod tree_reader;
pub mod tree_store;
pub mod whole_file;

use std::path::{Path, PathBuf};

pub use data_dir::{create_directory, is_in_use};
pub use record::{DATA_BYTES_MAX, Record, RecordRef, decode_records, encode_records};

/// What can go wrong with a node's files.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The system refused an operation on a file. After a failed write or sync nothing is known
    /// about what lies on disk: the process must end and read its files anew.
    #[error("{path}: {action} failed: {cause}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was attempted.
        action: &'static str,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Another process uses the directory.
    #[error("{path} is in use by another process: stop it first, or choose another data directory")]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// The ledger's files are damaged in a place that a crash cannot explain.
    #[error("{path} is damaged at byte {offset}: {why}; restore it from a backup or start this node anew")]
    Damaged {
        /// The segment file.
        path: PathBuf,
        /// Where in the file.
        offset: u64,
        /// What does not fit.
        why: String,
    },
    /// The segment was moved to an archive that is not at hand.
    #[error("this part of the ledger is archived: mount {path} and ask again")]
    Archived {
        /// Where it should be.
        path: PathBuf,
    },
    /// The stored tree changed under a running node.
    #[error("{path}: the stored tree is damaged: start the node again, which mends it from the ledger")]
    Tree {
        /// The tree's folder.
        path: PathBuf,
    },
    /// Entries were not handed over in their order, or are too long.
    #[error("entry {index} cannot be appended: {why}")]
    Refused {
        /// Index of the entry.
        index: u64,
        /// Why not.
        why: &'static str,
    },
    /// No entry of this index is in the log.
    #[error("the log has no entry {index}")]
    Absent {
        /// The index asked for.
        index: u64,
    },
    /// An earlier write or sync failed, so no other is tried.
    #[error("an earlier write to this node's files failed: end the process")]
    Poisoned,
    /// The keyed store failed.
    #[error("the node's store failed: {0}")]
    Store(String),
    /// The keyed store cannot be read.
    #[error("{path} is damaged: {why}")]
    StoreDamaged {
        /// The store's folder.
        path: PathBuf,
        /// What its library said.
        why: String,
    },
    /// A value is too long for the keyed store.
    #[error("a value of {bytes} bytes is too long for the node's store")]
    TooLong {
        /// Length of the value.
        bytes: usize,
    },
}

impl StorageError {
    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::Io { path, action, cause }
    }
}
