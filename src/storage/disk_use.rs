//! How many bytes a node's files have, by what they are.

use std::fs;
use std::path::Path;

use serde::Serialize;

/// So deep do a node's own folders lie at most.
const DEPTH_MAX: usize = 4;

/// Bytes of a node's files. What grows with the ledger is the log, 64 bytes of tree a transaction, and the read model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DiskUse {
    /// The ledger's segment files, and the indexes of those that are archived.
    pub log: u64,
    /// The tree's files.
    pub tree: u64,
    /// Snapshots of the state.
    pub snapshots: u64,
    /// The keyed store.
    pub store: u64,
    /// The read model, which the ledger gives again.
    pub model: u64,
    /// What is the node's alone.
    pub local: u64,
}

impl DiskUse {
    /// Measures a node's folders. A file that cannot be looked at counts as none.
    pub fn of(ledger: &Path, store: &Path, model: &Path) -> Self {
        let projection = |path: &Path| {
            let name = path.file_name().unwrap_or_default();
            name.to_string_lossy().starts_with("projection.db")
        };
        let all = |path: &Path| bytes(path, DEPTH_MAX, &|_| true);
        Self {
            log: bytes(ledger, 0, &|path| path.extension().is_some_and(|end| end == "seg"))
                + all(&ledger.join("archived")),
            tree: all(&ledger.join("tree")),
            snapshots: all(&ledger.join("snapshots")),
            store: all(store),
            model: bytes(model, 0, &projection),
            local: bytes(model, DEPTH_MAX, &|path| !projection(path)),
        }
    }

    /// Each part with its name.
    pub fn parts(&self) -> [(&'static str, u64); 6] {
        let Self { log, tree, snapshots, store, model, local } = *self;
        [("log", log), ("tree", tree), ("snapshots", snapshots), ("store", store), ("model", model), ("local", local)]
    }
}

fn bytes(dir: &Path, depth: usize, counts: &dyn Fn(&Path) -> bool) -> u64 {
    let Ok(listing) = fs::read_dir(dir) else { return 0 };
    let of = |item: fs::DirEntry| match item.metadata() {
        Ok(found) if found.is_dir() && depth > 0 => bytes(&item.path(), depth - 1, counts),
        Ok(found) if found.is_file() && counts(&item.path()) => found.len(),
        _ => 0,
    };
    listing.flatten().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_counts_where_it_belongs() {
        let dir = tempfile::tempdir().unwrap();
        let put = |path: &str, length: usize| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, vec![0; length]).unwrap();
        };
        put("ledger/1.seg", 1);
        put("ledger/2.seg", 2);
        put("ledger/archived/0.idx", 4);
        put("ledger/tree/00", 8);
        put("ledger/snapshots/9.snap", 16);
        put("ledger/checkpoint", 999);
        put("store/db", 32);
        put("store/blobs/1", 64);
        put("model/projection.db", 128);
        put("model/projection.db-wal", 256);
        put("model/local.db", 512);
        let at = |name: &str| dir.path().join(name);
        let found = DiskUse::of(&at("ledger"), &at("store"), &at("model"));
        let expected = DiskUse { log: 7, tree: 8, snapshots: 16, store: 96, model: 384, local: 512 };
        assert_eq!(found, expected);
        assert_eq!(found.parts().iter().map(|(_, bytes)| bytes).sum::<u64>(), 7 + 8 + 16 + 96 + 384 + 512);
        assert_eq!(DiskUse::of(&at("x"), &at("y"), &at("z")), DiskUse::default());
    }
}
