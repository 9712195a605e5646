//! What the book counts, and what it notices.

use super::*;
use crate::clock::Millis;
use crate::consensus::stable::Stable;
use crate::consensus::tests::{department, genesis, key};
use crate::ledger::transaction::Transaction;
use crate::storage::ledger_log::LedgerLog;
use crate::storage::node_store::NodeStore;

struct Desktop {
    _dir: tempfile::TempDir,
    stable: Stable,
    chain: Arc<Chain>,
    desk: Arc<Desk>,
    book: Book,
}

/// A ledger of three departments with its genesis alone.
fn begun(signed: Option<SignedCheckpoint>) -> Desktop {
    begun_with(&genesis(3, 0), signed)
}

fn begun_with(genesis: &Transaction, signed: Option<SignedCheckpoint>) -> Desktop {
    let dir = tempfile::tempdir().unwrap();
    let log = Arc::new(LedgerLog::open(&dir.path().join("ledger")).unwrap());
    let store = Arc::new(NodeStore::open(&dir.path().join("store")).unwrap());
    crate::consensus::genesis::install(&log, &store, genesis).unwrap();
    let chain = Arc::new(Chain::open(log).unwrap());
    let desk = Arc::new(Desk::default());
    desk.applied(chain.tip());
    let book = Book::new(chain.clone(), desk.clone(), signed);
    Desktop { _dir: dir, stable: Stable::new(store), chain, desk, book }
}

fn size(book: &Book) -> Option<(u64, usize)> {
    book.anchored().borrow().as_ref().map(|anchored| (anchored.size(), anchored.cosigners.len()))
}

#[test]
fn a_majority_anchors_and_later_words_are_added() {
    let Desktop { chain, book, .. } = begun(None);
    let own = chain.checkpoint_of(&chain.tip());
    let by = |n: usize| own.cosign(&department(n), &key(n), 100).unwrap();
    book.add(&by(0)).unwrap();
    book.add(&by(0)).unwrap();
    assert_eq!((size(&book), book.status().lag, book.status().needed), (None, 1, 2));
    // A name without its signature, and a signature under another's name, count for nothing.
    book.add(&own.cosign(&department(1), &key(2), 100).unwrap()).unwrap();
    book.add(&own.cosign(&"stranger".parse().unwrap(), &key(7), 100).unwrap()).unwrap();
    let other_chain = Checkpoint { origin: "mulu-0 sm3".into(), ..own.clone() };
    book.add(&other_chain.cosign(&department(1), &key(1), 100).unwrap()).unwrap();
    assert_eq!(size(&book), None);
    assert_eq!(book.covering(0).unwrap().named(), [department(0)]);
    book.add(&by(1)).unwrap();
    assert_eq!((size(&book), book.status().lag), (Some((1, 2)), 0));
    // A note with all of them brings what was missing.
    let mut all = by(2);
    all.merge(&by(0));
    book.add(&all).unwrap();
    assert_eq!(size(&book), Some((1, 3)));
    assert_eq!(book.covering(0).unwrap().named().len(), 3);
    assert!(book.covering(1).is_none());
}

#[test]
fn two_checkpoints_of_one_size_are_noticed_whoever_brings_them() {
    let Desktop { chain, book, .. } = begun(None);
    let own = chain.checkpoint_of(&chain.tip());
    let forked = Checkpoint { root: Hash([9; 32]), ..own.clone() };
    book.add(&own.cosign(&department(2), &key(2), 100).unwrap()).unwrap();
    let found = book.add(&forked.cosign(&department(2), &key(2), 101).unwrap()).unwrap_err();
    assert!(matches!(found, Contradiction::TwoRoots { department: who, .. } if who == department(2)));
}

#[test]
fn another_ledger_or_state_that_enough_departments_cosigned_is_noticed_and_that_of_too_few_is_not() {
    for change in [
        |own: &Checkpoint| Checkpoint { root: Hash([9; 32]), ..own.clone() },
        |own: &Checkpoint| Checkpoint { state: Hash([9; 32]), ..own.clone() },
    ] {
        let Desktop { chain, book, .. } = begun(None);
        let own = chain.checkpoint_of(&chain.tip());
        let other = change(&own);
        book.add(&other.cosign(&department(1), &key(1), 100).unwrap()).unwrap();
        let found = book.add(&other.cosign(&department(2), &key(2), 100).unwrap()).unwrap_err();
        assert!(matches!(found, Contradiction::OtherLedger { own: held, cosigned, needed: 2 }
            if held == own && cosigned.named().len() == 2));
        assert_eq!(size(&book), None);
    }
}

#[test]
fn what_is_ahead_of_this_node_is_judged_when_it_comes_so_far() {
    let Desktop { chain, desk, book, .. } = begun(None);
    let tip = chain.tip();
    let ahead = Head { height: 1, size: 2, root: Hash([5; 32]), state: Hash([6; 32]), time: Millis(tip.time.0 + 1) };
    let checkpoint = chain.checkpoint_of(&ahead);
    for n in 0..2 {
        book.add(&checkpoint.cosign(&department(n), &key(n), 100).unwrap()).unwrap();
    }
    assert_eq!((size(&book), book.agreed()), (None, 2));
    desk.applied(ahead);
    book.applied(1, &ahead).unwrap();
    assert_eq!(size(&book), Some((2, 2)));

    let Desktop { chain, desk, book, .. } = begun(None);
    for n in 0..2 {
        book.add(&checkpoint_on(&chain, &ahead, n)).unwrap();
    }
    let own = Head { state: Hash([7; 32]), ..ahead };
    desk.applied(own);
    assert!(matches!(book.applied(1, &own), Err(Contradiction::OtherLedger { .. })));
}

fn checkpoint_on(chain: &Chain, head: &Head, n: usize) -> SignedCheckpoint {
    chain.checkpoint_of(head).cosign(&department(n), &key(n), 100).unwrap()
}

#[test]
fn what_this_node_signed_before_its_restart_must_be_in_its_ledger() {
    let genesis = genesis(3, 0);
    let Desktop { chain, stable, .. } = begun_with(&genesis, None);
    let ahead = Head { height: 1, size: 3, root: Hash([5; 32]), ..chain.tip() };
    let signed = checkpoint_on(&chain, &ahead, 0);
    stable.put_cosigned(&signed.encode()).unwrap();
    assert_eq!(stable.cosigned().unwrap(), Some(signed.clone()));

    let again = begun_with(&genesis, Some(signed.clone()));
    assert!(!again.book.may_sign());
    again.book.applied(1, &Head { size: 2, ..ahead }).unwrap();
    assert!(!again.book.may_sign());
    again.book.applied(2, &ahead).unwrap();
    assert!(again.book.may_sign());

    for other in [Head { root: Hash([6; 32]), ..ahead }, Head { size: 4, ..ahead }] {
        let again = begun_with(&genesis, Some(signed.clone()));
        assert!(matches!(again.book.applied(1, &other), Err(Contradiction::OwnHistory { .. })));
        assert!(!again.book.may_sign());
    }
}

#[test]
fn a_department_cannot_fill_the_book() {
    let Desktop { chain, book, .. } = begun(None);
    let tip = chain.tip();
    for size in 10..10 + 2 * SIZES_MAX as u64 {
        book.add(&checkpoint_on(&chain, &Head { size, ..tip }, 1)).unwrap();
    }
    let inner = book.inner.lock();
    assert_eq!((inner.words.len(), inner.sizes[&department(1)].len()), (SIZES_MAX, SIZES_MAX));
    assert_eq!(inner.newest[&department(1)].0, 9 + 2 * SIZES_MAX as u64);
}

#[test]
fn an_anchored_note_of_any_length_is_kept() {
    let Desktop { chain, stable, .. } = begun(None);
    let mut note = checkpoint_on(&chain, &chain.tip(), 0);
    for n in 0..60 {
        note.cosign(&format!("department-{n}").parse().unwrap(), &key(1), 5);
    }
    assert!(note.encode().len() > 2 * crate::storage::node_store::VALUE_BYTES_MAX);
    stable.put_anchored(&note.encode()).unwrap();
    assert_eq!(stable.anchored().unwrap(), Some(note));
    let short = checkpoint_on(&chain, &chain.tip(), 0);
    stable.put_anchored(&short.encode()).unwrap();
    assert_eq!(stable.anchored().unwrap(), Some(short));
}
