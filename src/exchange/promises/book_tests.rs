//! The book through restarts, crashes and broken disks.

use std::sync::atomic::Ordering::Relaxed;

use super::*;
use crate::crypto::digest::Hash;
use crate::domain::promise::Promise;
use crate::exchange::journal::Memory;
use crate::exchange::testing::{START, department, keyring};

fn open(store: &Arc<Memory>, now: Millis) -> Book {
    Book::open(Arc::new(Journal::start(store.clone()).unwrap()), now).unwrap()
}

fn id(at: Millis) -> Id {
    (AccessId::new(at), department("public-security"))
}

fn promise(id: &Id, by: Millis) -> SignedPromise {
    let promise = Promise { access_id: id.0, record_digest: Hash([1; 32]), by };
    SignedPromise::sign(&promise, "city", &keyring("public-security").signing)
}

fn record(digest: u8) -> Record {
    Record { index: 7, digest: Hash([digest; 32]) }
}

async fn write(book: &Book, now: Millis, closed: bool) -> bool {
    book.written(book.write(now, closed).unwrap()).await
}

/// Of a call whose id is as old as the provider's word on it.
fn speaks_of(book: &Book, at: Millis) -> bool {
    book.speaks_of(AccessId::new(at), at)
}

#[tokio::test]
async fn promises_are_watched_over_a_restart_and_kept_ones_leave_no_trace() {
    let store = Arc::new(Memory::default());
    let (kept, broken) = (id(START.plus(1)), id(START.plus(2)));
    {
        let book = open(&store, START);
        for of in [&kept, &broken] {
            book.sent(of, START.plus(2));
            assert_eq!(book.promised(of, promise(of, START.plus(600_000)), START.plus(3)), None);
        }
        book.read_to(4_711);
        assert!(write(&book, START.plus(4), true).await);
    }
    let later = START.plus(700_000);
    let book = open(&store, later);
    assert_eq!((book.read(), book.open_promises()), (4_711, 2));
    assert_eq!(book.meet(&kept, record(1), later), Some(None));
    assert_eq!(book.judge(later, 9), (vec![broken], vec![]));
    assert_eq!(book.meet(&kept, record(1), later), None, "it is not in the book any more");
    assert!(write(&book, later, false).await);
    assert_eq!(book.journal.scan(CALLS).unwrap().len(), 1);
    assert!(speaks_of(&book, START.plus(9)), "an end in order loses nothing");
}

#[tokio::test]
async fn after_a_crash_the_book_accuses_nobody_of_what_it_may_have_lost() {
    let store = Arc::new(Memory::default());
    let (before, waiting) = (START.plus(5), id(START.plus(6)));
    {
        let book = open(&store, START);
        book.sent(&waiting, START.plus(6));
        assert!(write(&book, START.plus(10_000), false).await);
        book.sent(&id(START.plus(9_990)), START.plus(11_000));
        // Killed before the next writing.
    }
    let book = open(&store, START.plus(60_000));
    assert!(speaks_of(&book, before));
    assert!(!speaks_of(&book, START.plus(11_000)), "its call may be the one that was lost");
    assert!(!speaks_of(&book, START.plus(9_990)), "also when its id is older than the last writing");
    assert!(!book.speaks_of(AccessId::new(before), START.plus(11_000)), "or was that of an earlier call");
    assert!(speaks_of(&book, START.plus(60_001)));
    // The answer may have come in the moments that were lost.
    assert_eq!(book.meet(&waiting, record(1), START.plus(60_000)), Some(None));
    assert_eq!(book.judge(START.plus(900_000), 9), (vec![], vec![]));
}

#[tokio::test]
async fn a_disk_that_fails_for_a_moment_gets_everything_afterwards() {
    let store = Arc::new(Memory::default());
    let book = open(&store, START);
    store.broken.store(true, Relaxed);
    let one = id(START);
    book.sent(&one, START);
    assert!(!write(&book, START.plus(1), false).await);
    store.broken.store(false, Relaxed);
    assert!(write(&book, START.plus(2), false).await);
    assert_eq!(book.journal.scan(CALLS).unwrap().len(), 1);
    assert!(book.write(START.plus(3), false).is_none(), "nothing changed");
    assert!(book.write(START.plus(2 + MARK_EVERY_MS), false).is_some(), "but the book says that it is whole");
}

#[tokio::test]
async fn a_full_book_drops_its_oldest_and_says_so() {
    let book = open(&Arc::new(Memory::default()), START);
    let at = |n: usize| START.plus(1 + n as u64);
    for n in 0..=CALLS_MAX {
        book.sent(&id(at(n)), at(n));
    }
    assert_eq!(book.pages.lock().unwatched, 1);
    assert!(!speaks_of(&book, at(0)) && speaks_of(&book, at(1)));
    // A call that was never answered goes after its time, and its moment with it.
    let end = at(CALLS_MAX).plus(super::super::pages::KEPT_MS);
    book.judge(end, usize::MAX);
    assert_eq!(book.pages.lock().all().count(), 0);
    assert!(!speaks_of(&book, at(CALLS_MAX)));
}
