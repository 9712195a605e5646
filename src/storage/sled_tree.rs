//! sled's tree, whose callers never wait for a write that failed.
//!
//! sled 0.34 writes in the background. Where such a write fails, it notes the error, but does not always wake those who
//! wait for it. A later call does, unless it has to wait for one of them: so somebody calls, and a node that lives on
//! this tree looks at [`Tree::failure`] as well and ends.

use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use super::StorageError;

const CACHE_BYTES: u64 = 16 * 1024 * 1024;
/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// An open tree.
#[derive(Debug)]
pub(super) struct Tree {
    db: sled::Db,
    config: sled::Config,
    watch: Option<(SyncSender<()>, JoinHandle<()>)>,
}

/// What went wrong, in the words of this floor.
pub(super) fn failed(error: sled::Error) -> StorageError {
    StorageError::Store(error.to_string())
}

impl Tree {
    /// Opens the tree of a directory, an empty one where there is none.
    ///
    /// # Errors
    /// [`StorageError::Store`] when it is in use or cannot be read or written, [`StorageError::StoreDamaged`].
    pub(super) fn open(dir: &Path) -> Result<Self, StorageError> {
        // Durability is asked for where it is needed; a timer would only burn time.
        let config = sled::Config::new().path(dir).cache_capacity(CACHE_BYTES).flush_every_ms(None);
        let db = open(&config, dir)?;
        let (stop, stopped) = mpsc::sync_channel(0);
        let watched = db.clone();
        let known = config.clone();
        let look = move || {
            while stopped.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                if known.global_error().is_err() {
                    let _wakes = watched.flush();
                }
            }
        };
        let thread =
            Builder::new().name("store-watch".into()).spawn(look).map_err(StorageError::io(dir, "watching"))?;
        Ok(Self { db, config, watch: Some((stop, thread)) })
    }

    /// What failed in the background, if anything did. Waits for nothing.
    pub(super) fn failure(&self) -> Option<StorageError> {
        self.config.global_error().err().map(failed)
    }

    /// Closes the tree, which writes and syncs what sled still holds.
    ///
    /// # Errors
    /// [`StorageError::Store`] when that fails.
    pub(super) fn close(self) -> Result<(), StorageError> {
        let last = self.db.clone();
        drop(self);
        // sled answers a failed sync of its last handle with a panic.
        let closed = catch_unwind(AssertUnwindSafe(|| drop(last)));
        closed.map_err(|_| StorageError::Store("what was written could not be synced".into()))
    }
}

/// Opening writes too, before there is anything that another thread could call: who would wait for ever is left behind.
fn open(config: &sled::Config, dir: &Path) -> Result<sled::Db, StorageError> {
    let (opening, (sender, receiver)) = (config.clone(), mpsc::sync_channel(1));
    let open = move || drop(sender.send(opening.open()));
    Builder::new().name("store-open".into()).spawn(open).map_err(StorageError::io(dir, "opening"))?;
    let mut written = Ok(());
    loop {
        match receiver.recv_timeout(LOOK) {
            Ok(opened) => return opened.map_err(|error| named(error, dir)),
            Err(RecvTimeoutError::Disconnected) => return Err(StorageError::Store("opening was interrupted".into())),
            // One more look: the error itself may be on its way.
            Err(RecvTimeoutError::Timeout) => {
                written.map_err(failed)?;
                written = config.global_error();
            }
        }
    }
}

fn named(error: sled::Error, dir: &Path) -> StorageError {
    match error {
        // Another process that holds the folder is also an error of the system.
        sled::Error::Corruption { .. } | sled::Error::Unsupported(_) | sled::Error::ReportableBug(_) => {
            StorageError::StoreDamaged { path: dir.to_owned(), why: error.to_string() }
        }
        other => failed(other),
    }
}

impl Deref for Tree {
    type Target = sled::Db;

    fn deref(&self) -> &sled::Db {
        &self.db
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        // While somebody still looks: sled writes the rest when its last handle goes.
        let _rest = self.db.flush();
        if let Some((stop, thread)) = self.watch.take() {
            drop(stop);
            let _ended = thread.join();
        }
    }
}
