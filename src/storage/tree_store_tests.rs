//! The tree on disk agrees with the naive one, survives whatever became of its files, and hands out no wrong proof.

use proptest::prelude::*;

use super::*;
use crate::ledger::merkle::Tree;
use crate::ledger::merkle::tests::{SIZE_MAX, check_against_naive, leaf};

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|n| leaf(HashAlgorithm::Sm3, n)).collect()
}

fn grown(dir: &Path, leaves: &[Hash], block: usize) -> TreeStore {
    let mut store = TreeStore::open(dir, HashAlgorithm::Sm3).unwrap();
    leaves.chunks(block).for_each(|block| store.append(block).unwrap());
    store
}

/// Every file of the tree, whole.
fn files(dir: &Path) -> Vec<Vec<u8>> {
    (0..).map_while(|level| fs::read(level_path(dir, level)).ok()).collect()
}

#[test]
fn a_stored_tree_agrees_with_a_second_implementation() {
    for algorithm in [HashAlgorithm::Sm3, HashAlgorithm::Sha256] {
        let dir = tempfile::tempdir().unwrap();
        let mut store = TreeStore::open(dir.path(), algorithm).unwrap();
        let leaves: Vec<Hash> = (0..SIZE_MAX).map(|n| leaf(algorithm, n)).collect();
        assert_eq!(store.view().root_at(0).unwrap(), Some(store.root()));
        leaves.iter().for_each(|leaf| store.append(&[*leaf]).unwrap());
        check_against_naive(&store.view(), &leaves);
        let view = store.view();
        assert_eq!(view.inclusion(SIZE_MAX, SIZE_MAX).unwrap(), None);
        assert_eq!(view.root_at(SIZE_MAX + 1).unwrap(), None);
        assert!(view.node(1, SIZE_MAX / 2).is_err());
        let pair = [view.node(1, 3).unwrap().0, view.node(1, 4).unwrap().0].concat();
        assert_eq!(view.hashes(1, 3, 5).unwrap(), Some(pair));
        assert_eq!(view.hashes(0, 60, SIZE_MAX + 1).unwrap(), None);
    }
}

#[test]
fn a_view_stays_as_it_was_while_the_tree_grows() {
    let dir = tempfile::tempdir().unwrap();
    let all = leaves(100);
    let mut store = grown(dir.path(), &all[..37], 5);
    let (view, root) = (store.view(), store.root());
    store.append(&all[37..]).unwrap();
    assert_eq!((view.size(), view.root()), (37, root));
    assert_eq!(view.inclusion(36, 38).unwrap(), None);
    assert_eq!(store.view().root_at(37).unwrap(), Some(root));
}

#[test]
fn damage_while_a_node_runs_is_an_error_and_no_proof() {
    let dir = tempfile::tempdir().unwrap();
    let all = leaves(70);
    let view = grown(dir.path(), &all, 7).view();
    for level in 0..7 {
        let path = level_path(dir.path(), level);
        let whole = fs::read(&path).unwrap();
        for node in 0..70usize >> level {
            let file = OpenOptions::new().write(true).open(&path).unwrap();
            file.write_all_at(&[whole[node * 32 + 9] ^ 4], as_u64(node * 32 + 9)).unwrap();
            let mut tree = Tree::new(HashAlgorithm::Sm3);
            all.iter().for_each(|leaf| _ = tree.push(*leaf));
            for size in 1..=70 {
                assert!(view.root_at(size).map_or(true, |root| root == tree.root_at(size)));
                let last = size - 1;
                let proven = view.inclusion(last, 70).map(|proof| proof.map(|(_, path)| path));
                assert!(proven.map_or(true, |path| path == tree.inclusion(last, 70)));
                assert!(view.consistency(size, 70).map_or(true, |proof| proof == tree.consistency(size, 70)));
            }
            file.write_all_at(&whole, 0).unwrap();
        }
    }
    assert!(view.inclusion(3, 70).is_ok());
}

#[test]
fn a_tree_longer_than_its_ledger_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    drop(grown(dir.path(), &leaves(64), 8));
    let store = grown(dir.path(), &leaves(20), 8);
    assert_eq!(store.view().inclusion(20, 21).unwrap(), None);
    assert!(store.view().node(0, 20).is_err());
    // Another history from there on: what was left is replaced.
    let mut other = leaves(20);
    other.extend((500..540).map(|n| leaf(HashAlgorithm::Sm3, n)));
    drop(store);
    check_against_naive(&grown(dir.path(), &other, 3).view(), &other);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a crash or a hand did to the files: the tree is whole again when the ledger is replayed.
    #[test]
    fn files_cut_or_changed_anywhere_are_mended_by_the_replay(
        size in 1u64..90, more in 0u64..20, block in 1usize..9,
        wounds in prop::collection::vec((0usize..7, 0usize..3000, prop::option::of(1u8..=255)), 1..5),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let all = leaves(size + more);
        drop(grown(dir.path(), &all[..usize::try_from(size).unwrap()], block));
        for (level, at, flip) in wounds {
            let path = level_path(dir.path(), level);
            let Ok(mut bytes) = fs::read(&path) else { continue };
            if bytes.is_empty() {
                continue;
            }
            let at = at % bytes.len();
            match flip {
                Some(flip) => bytes[at] ^= flip,
                None => bytes.truncate(at),
            }
            fs::write(&path, bytes).unwrap();
        }
        let store = grown(dir.path(), &all, block);
        check_against_naive(&store.view(), &all);
        let other = tempfile::tempdir().unwrap();
        drop(grown(other.path(), &all, 1));
        prop_assert_eq!(files(dir.path()), files(other.path()));
    }
}

#[test]
fn a_tree_goes_on_at_a_size_only_with_the_files_that_it_had_there() {
    let all = leaves(70);
    for size in [1usize, 2, 3, 8, 33, 63, 64, 69] {
        let dir = tempfile::tempdir().unwrap();
        let store = grown(dir.path(), &all[..size], 7);
        store.view().sync().unwrap();
        let frontier = store.view().frontier().clone();
        // An earlier run came further, and left something wrong there.
        let other = leaf(HashAlgorithm::Sm3, 1000);
        drop(store);
        grown(dir.path(), &[&all[..size], &[other, other]].concat(), 5);
        let mut again = TreeStore::open_at(dir.path(), frontier.clone()).unwrap().unwrap();
        assert_eq!((again.size(), again.root()), (frontier.size(), frontier.root()));
        all[size..].chunks(3).for_each(|block| again.append(block).unwrap());
        check_against_naive(&again.view(), &all);
        // A shorter file, another tree's files, none.
        let level = (frontier.size().ilog2() / 2) as usize;
        let path = level_path(dir.path(), level);
        let whole = fs::read(&path).unwrap();
        let needed = (size >> level) * 32;
        fs::write(&path, &whole[..needed - 1]).unwrap();
        assert!(TreeStore::open_at(dir.path(), frontier.clone()).unwrap().is_none(), "{size}: torn");
        fs::write(&path, &whole).unwrap();
        assert!(TreeStore::open_at(dir.path(), frontier.clone()).unwrap().is_some());
        let top = level_path(dir.path(), frontier.size().ilog2() as usize);
        fs::write(&top, vec![0; fs::metadata(&top).unwrap().len() as usize]).unwrap();
        assert!(TreeStore::open_at(dir.path(), frontier.clone()).unwrap().is_none(), "{size}: another tree's");
        fs::remove_file(&top).unwrap();
        assert!(TreeStore::open_at(dir.path(), frontier).unwrap().is_none(), "{size}: gone");
    }
}

#[test]
fn damage_that_a_proof_found_is_mended_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let all = leaves(70);
    let store = grown(dir.path(), &all, 7);
    let frontier = store.view().frontier().clone();
    let path = level_path(dir.path(), 1);
    let mut damaged = fs::read(&path).unwrap();
    damaged[40] ^= 1;
    fs::write(&path, &damaged).unwrap();
    assert!(TreeStore::open_at(dir.path(), frontier.clone()).unwrap().is_some(), "nobody knows yet");
    assert!(store.view().inclusion(0, 70).is_err());
    assert!(TreeStore::open_at(dir.path(), frontier.clone()).unwrap().is_none());
    check_against_naive(&grown(dir.path(), &all, 7).view(), &all);
    TreeStore::mended(dir.path()).unwrap();
    TreeStore::mended(dir.path()).unwrap();
    assert!(TreeStore::open_at(dir.path(), frontier).unwrap().is_some());
}
