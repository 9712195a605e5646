//! Restarts from snapshots: the same ledger as after applying all of it, whatever became of the files.

use std::path::{Path, PathBuf};

use super::*;
use crate::consensus::chain::{Chain, Mark};
use crate::consensus::opening::{self, Opened};
use crate::consensus::snapshot::{Snapshot, snapshot_head};
use crate::consensus::{Annals, Followed};
use crate::crypto::digest::{Hash, HashAlgorithm};
use crate::fuzzing::fuzz;
use crate::ledger::block::Block;
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::merkle::verify_inclusion;
use crate::state::State;
use crate::state::applied::AppliedBlock;
use crate::storage::RecordRef;
use crate::storage::disk_use::DiskUse;
use crate::storage::snapshots::Snapshots;
use crate::storage::tree_store::TreeStore;

const SOON: SnapshotPace = SnapshotPace { transactions: 60, bytes: u64::MAX, transactions_at_end: 1 };
const NEVER: SnapshotPace = SnapshotPace { transactions: u64::MAX, bytes: u64::MAX, transactions_at_end: u64::MAX };

/// All that readers see of a ledger.
#[derive(Debug, PartialEq)]
struct Seen {
    head: (u64, Hash),
    digest: Hash,
    blocks: Vec<AppliedBlock>,
    times: Vec<Option<Millis>>,
}

fn seen(chain: &Chain) -> Seen {
    let (head, digest) = (chain.head(), chain.state().digest());
    for index in 0..head.0 {
        let (leaf, path) = (chain.leaf(index).unwrap(), chain.inclusion(index, head.0).unwrap());
        verify_inclusion(chain.algorithm(), leaf, index, head.0, &path, head.1).unwrap();
    }
    assert_eq!(digest, chain.state().digest_recomputed());
    let blocks = (0..=chain.height()).map(|height| chain.block(height).unwrap()).collect();
    Seen { head, digest, blocks, times: (0..=head.0).map(|index| chain.time_of(index)).collect() }
}

impl City {
    fn ledger(&self, n: usize) -> PathBuf {
        self.dir.path().join(format!("node-{n}/ledger"))
    }

    fn snapshots(&self, n: usize) -> Vec<u64> {
        Snapshots::of(&self.ledger(n)).list().unwrap().iter().map(|file| file.raft_index).collect()
    }

    /// A city of one node with more than a hundred blocks, refusals among them.
    async fn busy(pace: SnapshotPace) -> Self {
        Self::busy_in(pace, SEGMENT_BYTES).await
    }

    async fn busy_in(pace: SnapshotPace, segment_bytes: u64) -> Self {
        let mut city = Self::new(1, 1);
        city.stop(1);
        city.segment_bytes = segment_bytes;
        city.pace = pace;
        city.restart(0).await;
        city.leader().await;
        let node = city.node(0);
        for round in 0..130 {
            node.submit(city.case(0)).await.unwrap();
            if round % 40 == 0 {
                let ending = GrantEnding { grant: GrantId::new(SystemClock.now()), reason: "unknown".into() };
                let outcome = node.submit(city.sign(0, SystemClock.now(), Command::RevokeGrant(ending))).await.unwrap();
                assert!(outcome.result.is_err());
            }
        }
        city
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_from_a_snapshot_gives_the_ledger_that_applying_all_of_it_gives() {
    let mut city = City::busy(SOON).await;
    until("a snapshot while the node works", || !city.snapshots(0).is_empty()).await;
    let head = snapshot_head(&Snapshots::of(&city.ledger(0)).list().unwrap()[0].path).unwrap();
    assert!(head.size > 60 && head.size < 140, "{head:?}");
    let last = city.case(0);
    let first = city.node(0).submit(last.clone()).await.unwrap();
    let before = seen(&city.node(0).chain());
    // Its word was kept, and what anchored; one of two departments is not enough here.
    let own = city.node(0).own_checkpoint().map(|own| own.checkpoint().size);
    city.stop(0);
    let at_end = city.snapshots(0);
    assert_eq!(at_end.len(), 2, "one while it worked, one at its end");
    city.restart(0).await;
    assert_eq!(seen(&city.node(0).chain()), before, "at once: nothing was to be applied");
    assert_eq!(city.node(0).submit(last.clone()).await.unwrap(), first, "a repetition gets the first answer");
    city.node(0).submit(city.case(0)).await.unwrap();
    assert!(city.node(0).own_checkpoint().map(|own| own.checkpoint().size) >= own);
    let further = seen(&city.node(0).chain());
    city.pace = NEVER;
    city.stop(0);
    let after = city.snapshots(0);
    // From the older one with the tail of the log, then from nothing.
    std::fs::remove_file(Snapshots::of(&city.ledger(0)).path(after[0])).unwrap();
    for _ in 0..2 {
        city.restart(0).await;
        until("all applied", || city.node(0).chain().size() == further.head.0).await;
        assert_eq!(seen(&city.node(0).chain()), further);
        assert!(city.node(0).halted().borrow().is_none());
        city.stop(0);
        std::fs::remove_dir_all(city.ledger(0).join("snapshots")).ok();
    }
    assert!(city.snapshots(0).is_empty(), "none is written where none is wanted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_word_given_below_the_snapshot_is_held_against_the_tree() {
    let mut city = City::busy(SOON).await;
    let node = city.node(0);
    until("its own word", || node.own_checkpoint().is_some_and(|own| own.checkpoint().size == node.chain().size()))
        .await;
    let before = seen(&node.chain());
    city.stop(0);
    // As if the last words were given at an earlier size: by a node that lagged with signing, and by one that lies.
    for (size, is_true) in [(100u64, true), (100, false)] {
        let root = {
            let store = Arc::new(NodeStore::open(&city.dir.path().join("node-0/store")).unwrap());
            let log = Arc::new(LedgerLog::open(&city.ledger(0)).unwrap());
            let chain = opening::open(&log, &Snapshots::of(log.dir()), 1).unwrap().chain;
            let root = if is_true { chain.root_at(size).unwrap() } else { Hash([7; 32]) };
            let word = Checkpoint::new(chain.id(), chain.algorithm(), size, root, Hash([8; 32]));
            let word = word.cosign(&department(0), &key(0), 100).unwrap();
            let stable = stable::Stable::new(store);
            stable.put_cosigned(&word.encode()).unwrap();
            stable.flush().unwrap();
            root
        };
        city.restart(0).await;
        assert_eq!(city.node(0).chain().root_at(size) == Some(root), is_true);
        let halted = city.node(0).halted().borrow().as_ref().map(|halted| halted.kind.clone());
        assert_eq!(halted.as_deref(), if is_true { None } else { Some("own_history") });
        assert_eq!(seen(&city.node(0).chain()).head, before.head);
        let snapshots = city.snapshots(0);
        city.stop(0);
        if !is_true {
            assert_eq!(city.snapshots(0), snapshots, "a node that stands still writes none");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_was_followed_begins_where_it_ends() {
    let mut city = City::busy(NEVER).await;
    let before = seen(&city.node(0).chain());
    city.stop(0);
    let dir = city.ledger(0);
    std::fs::remove_dir_all(dir.join("tree")).unwrap();
    let files = Files::of(&dir);
    for all_valid in [true, false] {
        let mut state = State::new();
        let mut tree = TreeStore::open(&dir.join("tree"), HashAlgorithm::default()).unwrap();
        let mut annals = Annals::default();
        for record in files.log.entries(1, files.log.last_index() + 1, u64::MAX).unwrap() {
            let Ok(block) = Block::decode(&record.data) else { continue };
            annals.block(record.index, state.size(), block.time);
            for tx in &block.transactions {
                let outcome = state.apply(tx, block.time, true);
                tree.append(&[tx.leaf(HashAlgorithm::default())]).unwrap();
                outcome.result.map_or_else(|refusal| annals.refused(outcome.index, refusal), |()| ());
            }
        }
        Consensus::write_snapshot(&files.log, 1, Followed { state, tree, annals, all_valid }).unwrap();
        let opened = files.open();
        assert_eq!((opened.raft_index, opened.all_valid), (files.log.last_index(), all_valid));
        assert_eq!(seen(&opened.chain), before);
    }
    drop(files);
    city.restart(0).await;
    assert_eq!(seen(&city.node(0).chain()), before, "at once: nothing was to be applied");
    city.leader().await;
    city.node(0).submit(city.case(0)).await.unwrap();
    city.stop(0);
}

/// A ledger without a running node: opened from its files as a start does.
struct Files {
    log: Arc<LedgerLog>,
    snapshots: Snapshots,
}

impl Files {
    fn of(dir: &Path) -> Self {
        Self { log: Arc::new(LedgerLog::open(dir).unwrap()), snapshots: Snapshots::of(dir) }
    }

    fn open(&self) -> Opened {
        opening::open(&self.log, &self.snapshots, 1).unwrap()
    }

    fn indexes(&self) -> Vec<u64> {
        self.snapshots.list().unwrap().iter().map(|file| file.raft_index).collect()
    }
}

fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_strange_and_torn_files_are_passed_over() {
    let mut city = City::busy(SOON).await;
    until("a snapshot while the node works", || !city.snapshots(0).is_empty()).await;
    city.stop(0);
    let files = Files::of(&city.ledger(0));
    let [newest, older] = files.indexes()[..] else { panic!("two are kept") };
    let whole = files.open();
    assert_eq!((whole.raft_index, whole.all_valid, whole.heads.is_empty()), (newest, true, false));
    let seen_whole = seen(&whole.chain);
    // What another node wrote says nothing of what this one checked.
    let strange = opening::open(&files.log, &files.snapshots, 2).unwrap();
    assert_eq!((strange.raft_index, strange.all_valid, strange.heads.len()), (newest, false, 0));
    // Killed between the new one's name and the removal of the oldest, or before its name.
    std::fs::copy(files.snapshots.path(older), files.snapshots.path(older - 1)).unwrap();
    std::fs::write(files.snapshots.path(newest + 1).with_extension("unfinished"), b"half").unwrap();
    assert_eq!(files.open().raft_index, newest);
    // Without the tree's files, or with damaged ones, which are built anew.
    std::fs::remove_file(files.log.dir().join("tree/02")).unwrap();
    assert_eq!(seen(&files.open().chain), seen_whole);
    std::fs::remove_dir_all(files.log.dir().join("tree")).unwrap();
    assert_eq!(seen(&files.open().chain), seen_whole);
    flip(&files.log.dir().join("tree/00"));
    let damaged = files.open().chain;
    let lost = (0..seen_whole.head.0).filter(|index| damaged.leaf(*index).is_none()).count();
    assert!(lost > 0, "a damaged tree gives no wrong proof");
    assert_eq!(seen(&files.open().chain), seen_whole, "and is mended at the next start");
    // Damaged ones are set aside; of both, the log alone is left.
    flip(&files.snapshots.path(newest));
    assert_eq!(files.open().raft_index, older);
    assert!(!files.indexes().contains(&newest));
    flip(&files.snapshots.path(older));
    flip(&files.snapshots.path(older - 1));
    assert_eq!((files.open().raft_index, files.open().chain.size()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_ahead_of_the_ledger_or_of_another_history_is_not_used() {
    let mut city = City::busy(SOON).await;
    until("a snapshot while the node works", || !city.snapshots(0).is_empty()).await;
    city.stop(0);
    let files = Files::of(&city.ledger(0));
    let [newest, older] = files.indexes()[..] else { panic!("two are kept") };
    let term = files.log.term(newest).unwrap();
    let put = |index, term| files.log.append(&[RecordRef { index, term, kind: 0, data: b"" }]).unwrap();
    put(newest, term + 1);
    assert_eq!(files.open().raft_index, older, "the newest entry is another");
    put(newest - 1, term);
    assert_eq!(files.open().raft_index, older, "the newest is ahead");
    put(older, term + 1);
    (older + 1..=newest).for_each(|index| put(index, term + 1));
    assert_eq!(files.open().raft_index, 1);
    assert_eq!(files.indexes(), [newest, older], "they are whole, and stay");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_part_of_the_ledger_may_lie_elsewhere() {
    const SEGMENT: u64 = 8 * 1024;
    let mut city = City::busy_in(SOON, SEGMENT).await;
    let before = seen(&city.node(0).chain());
    city.stop(0);
    let away = city.dir.path().join("archive");
    let moved = {
        let log = LedgerLog::open_with(&city.ledger(0), SEGMENT).unwrap();
        let store = Arc::new(NodeStore::open(&city.dir.path().join("node-0/store")).unwrap());
        let all = log.segments();
        assert!(all.len() > 6, "{} files", all.len());
        assert!(archive(&log, &store, Until::Keep(1), &away).unwrap().is_empty(), "nothing is anchored");
        let size = before.blocks[before.blocks.len() * 2 / 3].size();
        let note = Checkpoint::new("mulu-x", HashAlgorithm::Sm3, size, Hash([1; 32]), Hash([2; 32]));
        let note = note.cosign(&department(0), &key(0), 100).unwrap();
        stable::Stable::new(store.clone()).put_anchored(&note.encode()).unwrap();
        assert!(archive(&log, &store, Until::Index(1), &away).unwrap().is_empty(), "the first file stays");
        assert!(archive(&log, &store, Until::Time(before.blocks[0].time), &away).unwrap().is_empty());
        let index = before.blocks[before.blocks.len() / 2].first_index;
        let some = archive(&log, &store, Until::Index(index), &away).unwrap();
        let more = archive(&log, &store, Until::Keep(2), &away).unwrap();
        assert!(
            !some.is_empty() && !more.is_empty() && some.len() + more.len() < all.len() - 2,
            "as far as is anchored"
        );
        assert_eq!(some[0], all[1]);
        [some, more].concat()
    };
    city.pace = NEVER;
    city.restart(0).await;
    assert_eq!(seen(&city.node(0).chain()), before, "read from where it is");
    city.stop(0);
    std::fs::rename(&away, city.dir.path().join("unmounted")).unwrap();
    city.restart(0).await;
    city.leader().await;
    let chain = city.node(0).chain();
    assert_eq!((chain.head(), chain.state().digest()), (before.head, before.digest));
    let block = before.blocks.iter().find(|block| block.height + 2 == moved[0].first_index).unwrap();
    let index = block.first_index;
    assert!(chain.at(index).is_none() && chain.archived_at(index) == chain.archived_block(block.height));
    assert_eq!(chain.archived_at(index).and_then(|file| Some(file.parent()?.to_owned())), Some(away.clone()));
    let (leaf, path) = (chain.leaf(index).unwrap(), chain.inclusion(index, before.head.0).unwrap());
    verify_inclusion(chain.algorithm(), leaf, index, before.head.0, &path, before.head.1).unwrap();
    assert_eq!((chain.archived_at(0), chain.archived_at(before.head.0 - 1)), (None, None));
    city.node(0).submit(city.case(0)).await.unwrap();
    std::fs::rename(city.dir.path().join("unmounted"), &away).unwrap();
    assert_eq!(chain.block(block.height).as_ref(), Some(block), "and is there again when it is mounted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_takes_at_most_twice_the_room_of_its_transactions_and_indexes() {
    let mut city = City::new(1, 1);
    city.stop(1);
    city.pace = SOON;
    city.restart(0).await;
    city.leader().await;
    let batch = |city: &City| {
        let record = serde_json::json!({
            "access_id": crate::ids::AccessId::new(SystemClock.now()), "time": SystemClock.now(), "consumer": "department-1",
            "actor": {"user": "li.na", "role": "system"}, "entry": "department-0/household", "decision": "allowed",
            "rule": "own", "purpose": "social-assistance", "cause": "低保审核", "items": ["name"], "rows": 1,
            "request_digest": Hash([1; 32]), "basis": 7,
        });
        let batch = serde_json::from_value(serde_json::json!({"records": [record]})).unwrap();
        city.sign(0, SystemClock.now(), Command::RecordAccesses(batch))
    };
    let mut bytes = city.genesis.as_bytes().len();
    for round in 0..10 {
        if round == 5 {
            // Writes the first of two snapshots: these blocks are long, and too few for one in between.
            city.restart(0).await;
            city.leader().await;
        }
        let batches: Vec<Transaction> = (0..200).map(|_| batch(&city)).collect();
        bytes += batches.iter().map(|tx| tx.as_bytes().len()).sum::<usize>();
        let outcomes = city.node(0).submit_all(batches, PATIENCE).await.unwrap();
        assert!(outcomes.into_iter().all(|outcome| outcome.unwrap().result.is_ok()));
    }
    city.stop(0);
    assert_eq!(city.snapshots(0).len(), 2);
    let found = DiskUse::of(&city.ledger(0), Path::new("none"), Path::new("none"));
    let bytes = bytes as u64;
    assert!(found.log > bytes && found.log + found.snapshots <= 2 * bytes, "{found:?} for {bytes}");
    assert!(found.tree <= 2001 * 64, "{found:?}: an index of 64 bytes a transaction");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fuzz_what_a_snapshot_holds() {
    let mut city = City::busy(SOON).await;
    city.stop(0);
    let files = Files::of(&city.ledger(0));
    let opened = files.open();
    let chain = Arc::new(opened.chain);
    let head = snapshot_head(&files.snapshots.path(opened.raft_index)).unwrap();
    let mark = Mark { time: opened.previous.time, all_valid: true, heads: vec![chain.tip()] };
    let mut bytes = Vec::new();
    chain.capture(1, opened.raft_index, mark).write(&mut bytes).unwrap();
    for end in (0..bytes.len()).step_by(97) {
        assert!(Snapshot::read(&mut &bytes[..end]).is_err());
    }
    fuzz!(100, vec![bytes], |bytes: &[u8]| {
        let Ok(snapshot) = Snapshot::read(&mut &*bytes) else { return false };
        // Whatever passes for that state is that state.
        snapshot.head.state != head.state || snapshot.state.digest() == head.state
    });
}
