//! What lies between nodes: frames are delayed, lost, doubled and overtaken; ways are cut, each direction by itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;

use super::super::frame::Frame;
use super::super::ports::Outlet;
use super::super::transport::Sent;
use super::dice::Dice;
use super::disk::Disk;

/// A frame on its way.
pub(super) struct Letter {
    pub(super) to: u64,
    pub(super) bytes: Vec<u8>,
    /// Microseconds after the round's begin.
    pub(super) lapse: u64,
}

/// A node's side of the network.
pub(super) struct Outbox {
    disk: Arc<Disk>,
    letters: Mutex<Vec<Letter>>,
    /// Peers to which this node knows its connection to be broken.
    broken: Mutex<BTreeSet<u64>>,
}

impl Outbox {
    pub(super) fn new(disk: Arc<Disk>) -> Arc<Self> {
        Arc::new(Self { disk, letters: Mutex::default(), broken: Mutex::default() })
    }

    pub(super) fn take(&self) -> Vec<Letter> {
        std::mem::take(&mut self.letters.lock())
    }

    pub(super) fn set_broken(&self, peer: u64, is_broken: bool) {
        let mut broken = self.broken.lock();
        if is_broken {
            broken.insert(peer)
        } else {
            broken.remove(&peer)
        };
    }
}

impl Outlet for Outbox {
    fn send(&self, to: u64, frame: &Frame) -> Sent {
        if self.broken.lock().contains(&to) {
            return Sent::Unreachable;
        }
        let Some(bytes) = frame.encode() else { return Sent::Full };
        self.letters.lock().push(Letter { to, bytes, lapse: self.disk.lapse() });
        Sent::Queued
    }
}

/// How bad the network is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quality {
    /// Lost, of a thousand frames.
    pub(super) lost: u64,
    /// Delivered twice, of a thousand.
    pub(super) doubled: u64,
    /// Much too late, of a thousand.
    pub(super) late: u64,
    /// Longest usual delay, in microseconds.
    pub(super) delay: u64,
}

impl Quality {
    pub(super) const GOOD: Self = Self { lost: 0, doubled: 0, late: 0, delay: 2000 };

    pub(super) fn drawn(dice: &mut Dice) -> Self {
        Self {
            lost: dice.pick(&[0, 5, 50, 200]),
            doubled: dice.pick(&[0, 5, 100]),
            late: dice.pick(&[0, 10, 100]),
            delay: dice.pick(&[500, 5000, 30_000]),
        }
    }
}

/// All ways between nodes.
pub(super) struct Network {
    dice: Dice,
    pub(super) quality: Quality,
    cut: BTreeSet<(u64, u64)>,
    /// Nodes that hear and are heard late, in microseconds.
    pub(super) slow: Vec<(u64, u64)>,
}

impl Network {
    pub(super) fn new(dice: Dice) -> Self {
        Self { dice, quality: Quality::GOOD, cut: BTreeSet::new(), slow: Vec::new() }
    }

    /// Cuts the way from one node to another, or mends it.
    pub(super) fn set_cut(&mut self, from: u64, to: u64, is_cut: bool) {
        if is_cut {
            self.cut.insert((from, to))
        } else {
            self.cut.remove(&(from, to))
        };
    }

    pub(super) fn heal(&mut self) {
        self.cut.clear();
        self.slow.clear();
    }

    /// After how long a frame arrives: never, once or twice.
    pub(super) fn delays(&mut self, from: u64, to: u64) -> Vec<u64> {
        let quality = self.quality;
        if self.cut.contains(&(from, to)) || self.dice.chance(quality.lost) {
            return Vec::new();
        }
        let slow: u64 = self.slow.iter().filter(|(node, _)| *node == from || *node == to).map(|(_, by)| by).sum();
        let copies = if self.dice.chance(quality.doubled) { 2 } else { 1 };
        let delays = (0..copies).map(|_| {
            let late = if self.dice.chance(quality.late) { self.dice.below(1_500_000) } else { 0 };
            100 + self.dice.below(quality.delay) + slow + late
        });
        delays.collect()
    }
}
