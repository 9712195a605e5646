//! What the cosigner has to do: heads that are due, and what others cosigned.
//!
//! Nodes that cosign different sizes could never anchor one. So a head is due where the ledger itself says so, the same
//! on every node: at every 64th block, and at the last block of a quarter of a second of block time. Where nothing
//! follows for a moment the head is due as well: it is the same on every node then, for it is the newest.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::ledger::checkpoint::SignedCheckpoint;

use super::super::chain::Head;

pub(in super::super) const BLOCKS_EVERY: u64 = 64;
const SLOT_MS: u64 = 250;
const QUIET: Duration = Duration::from_millis(100);
/// Heads of which the state's digest is remembered: some minutes' blocks at full load.
const RECENT_MAX: usize = 4096;
/// Heads that wait to be signed; a node that lags so far leaves out the oldest.
const DUE_MAX: usize = 64;
/// Notes of others that wait to be checked; what does not fit is sent again by its signer.
const HEARD_MAX: usize = 1024;

/// What is to be done now. Empty when nothing came up in time.
#[derive(Default)]
pub(in super::super) struct Round {
    /// Heads to sign, oldest first.
    pub(super) due: Vec<Head>,
    /// Notes to check.
    pub(super) heard: Vec<SignedCheckpoint>,
}

#[derive(Default)]
struct Inner {
    recent: VecDeque<Head>,
    /// Since when the newest head is neither signed nor followed.
    quiet_since: Option<Instant>,
    due: VecDeque<Head>,
    heard: VecDeque<SignedCheckpoint>,
    stopped: bool,
}

/// The cosigner's desk.
#[derive(Default)]
pub(in super::super) struct Desk {
    inner: Mutex<Inner>,
    news: Condvar,
}

impl Desk {
    /// Takes the head that a block left.
    pub(in super::super) fn applied(&self, head: Head) {
        let mut inner = self.inner.lock();
        let before = inner.recent.back().copied().filter(|_| inner.quiet_since.is_some());
        if let Some(before) = before.filter(|before| before.time.0 / SLOT_MS < head.time.0 / SLOT_MS) {
            inner.due.push_back(before);
        }
        inner.recent.push_back(head);
        if inner.recent.len() > RECENT_MAX {
            inner.recent.pop_front();
        }
        if head.height.is_multiple_of(BLOCKS_EVERY) {
            inner.due.push_back(head);
            inner.quiet_since = None;
        } else {
            inner.quiet_since = Some(Instant::now());
        }
        while inner.due.len() > DUE_MAX {
            inner.due.pop_front();
        }
        self.news.notify_one();
    }

    /// Takes heads of an earlier run, oldest first: of them none is due, but what others say of them can be judged.
    pub(in super::super) fn remember(&self, heads: Vec<Head>) {
        self.inner.lock().recent.extend(heads);
    }

    /// The newest heads, oldest first, at most `max`.
    pub(in super::super) fn recent(&self, max: usize) -> Vec<Head> {
        let inner = self.inner.lock();
        inner.recent.iter().skip(inner.recent.len().saturating_sub(max)).copied().collect()
    }

    /// Takes a note that another node sent, if there is room.
    pub(in super::super) fn heard(&self, note: SignedCheckpoint) {
        let mut inner = self.inner.lock();
        if inner.heard.len() < HEARD_MAX {
            inner.heard.push_back(note);
            self.news.notify_one();
        }
    }

    /// The head of a size, if a block of the last ones ended there.
    pub(super) fn find(&self, size: u64) -> Option<Head> {
        let inner = self.inner.lock();
        let at = inner.recent.partition_point(|head| head.size < size);
        inner.recent.get(at).filter(|head| head.size == size).copied()
    }

    /// Waits for work, at most until `end`; `None` when the node stops.
    pub(super) fn next(&self, end: Instant) -> Option<Round> {
        let mut inner = self.inner.lock();
        loop {
            if inner.stopped {
                return None;
            }
            if inner.quiet_since.is_some_and(|since| since.elapsed() >= QUIET) {
                inner.quiet_since = None;
                let head = inner.recent.back().copied();
                inner.due.extend(head);
            }
            let is_late = Instant::now() >= end;
            if is_late || !inner.due.is_empty() || !inner.heard.is_empty() {
                return Some(Round { due: inner.due.drain(..).collect(), heard: inner.heard.drain(..).collect() });
            }
            let wake = inner.quiet_since.map_or(end, |since| end.min(since + QUIET));
            self.news.wait_until(&mut inner, wake);
        }
    }

    pub(in super::super) fn stop(&self) {
        self.inner.lock().stopped = true;
        self.news.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Millis;
    use crate::crypto::digest::Hash;

    fn head(height: u64, time: u64) -> Head {
        Head { height, time: Millis(time), size: height * 10, root: Hash([1; 32]), state: Hash([2; 32]) }
    }

    fn due(desk: &Desk) -> Vec<u64> {
        desk.next(Instant::now()).unwrap().due.iter().map(|head| head.height).collect()
    }

    #[test]
    fn heads_are_due_where_the_ledger_says_so_and_when_nothing_follows() {
        let desk = Desk::default();
        for (height, time) in [(1, 1000), (2, 1249), (3, 1250), (4, 1251), (5, 2000)] {
            desk.applied(head(height, time));
        }
        assert_eq!(due(&desk), [2, 4], "the last of each quarter second");
        for height in 6..=130 {
            desk.applied(head(height, 2001));
        }
        assert_eq!(due(&desk), [64, 128]);
        let round = desk.next(Instant::now() + Duration::from_secs(20)).unwrap();
        assert_eq!(round.due.iter().map(|head| head.height).collect::<Vec<_>>(), [130], "nothing followed");
        desk.applied(head(131, 9000));
        assert_eq!(due(&desk), Vec::<u64>::new(), "130 was due already");
        assert_eq!(desk.find(1300).map(|head| head.height), Some(130));
        assert!(desk.find(1305).is_none() && desk.find(13_100).is_none());
        desk.stop();
        assert!(desk.next(Instant::now()).is_none());
    }

    #[test]
    fn a_desk_is_never_overloaded() {
        let desk = Desk::default();
        for height in 1..20_000 {
            desk.applied(head(height, height * 1000));
        }
        let due = due(&desk);
        assert_eq!((due.len(), due.last()), (DUE_MAX, Some(&19_998)));
        assert!(desk.find(10).is_none() && desk.find(199_990).is_some());
    }
}
