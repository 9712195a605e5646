//! What goes wrong, drawn from the seed: ends of processes and machines, disks, networks, clocks, floods.

use crate::storage::disk::Verdict;

use super::super::mailbox::Input;
use super::super::settings::Timing;
use super::dice::Dice;
use super::disk::End;
use super::wire::Quality;
use super::world::{Event, World};

/// One kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// A node's process or machine ends, and comes back.
    End,
    /// All of them at once.
    EndAll,
    /// A disk fails in the middle of something.
    Disk,
    /// A disk is full, or has room again.
    Full,
    /// A node is cut off, or hears and is not heard, or the other way round.
    Cut,
    /// The nodes fall into two parts.
    Split,
    /// The leader is cut off.
    Flap,
    /// The next node that gives its vote ends at once, and is back in a moment.
    Vote,
    /// A node's network and disk become slow.
    Slow,
    /// The network becomes better or worse.
    Quality,
    /// A clock jumps.
    Clock,
    /// Many transactions at once.
    Burst,
    /// Other members.
    Members,
}

const ALL: [Fault; 13] = [
    Fault::End,
    Fault::EndAll,
    Fault::Disk,
    Fault::Full,
    Fault::Cut,
    Fault::Split,
    Fault::Flap,
    Fault::Vote,
    Fault::Slow,
    Fault::Quality,
    Fault::Clock,
    Fault::Burst,
    Fault::Members,
];

/// What may go wrong in one simulation, and how often.
#[derive(Clone, Debug)]
pub(super) struct Weather {
    kinds: Vec<Fault>,
    /// Longest pause between two faults, in microseconds.
    pause: u64,
    /// Different election timeouts.
    pub(super) spread: u64,
    /// As [`Timing::election_ticks`]: with few, there are many elections.
    election_ticks: usize,
}

impl Weather {
    /// Not always everything: many faults at once hide what one alone would show.
    pub(super) fn drawn(dice: &mut Dice) -> Self {
        let often = dice.pick(&[300, 500, 1000]);
        let mut kinds: Vec<Fault> = ALL.into_iter().filter(|_| dice.chance(often)).collect();
        kinds.extend([Fault::Burst, Fault::Flap]);
        let pause = dice.pick(&[150_000, 600_000, 1_500_000]);
        Self { kinds, pause, spread: dice.pick(&[1, 3, 100]), election_ticks: dice.pick(&[6, 6, 18]) }
    }
}

impl Weather {
    pub(super) fn timing(&self) -> Timing {
        Timing { election_ticks: self.election_ticks, ..Timing::default() }
    }
}

impl World {
    pub(super) fn fault(&mut self) {
        if self.is_calm {
            return;
        }
        let kinds = self.weather.kinds.clone();
        let (kind, id) = (self.dice.pick(&kinds), self.any_node());
        self.tell(|| format!("{kind:?} of node {id}"));
        match kind {
            Fault::End => self.end_for_a_while(id),
            Fault::EndAll => (1..=self.nodes.len() as u64).for_each(|id| self.end_for_a_while(id)),
            Fault::Disk => {
                let operations = self.dice.below(12);
                self.node(id).disk.fail_after(operations);
            }
            Fault::Full => {
                let verdict = self.dice.pick(&[Verdict::Full, Verdict::Enough]);
                self.node(id).room.pretend(verdict);
            }
            Fault::Cut => {
                let (hears, is_heard) = self.dice.pick(&[(false, false), (false, true), (true, false)]);
                self.cut_off(id, hears, is_heard);
            }
            Fault::Flap => {
                let leader = self.nodes.iter().find(|node| node.process.as_ref().is_some_and(|p| p.is_leader()));
                let leader = leader.map_or(id, |node| node.id);
                self.cut_off(leader, false, false);
            }
            Fault::Vote => self.ends_next_voter = true,
            Fault::Split => self.split(),
            Fault::Slow => {
                let by = self.dice.below(300_000);
                self.network.slow.push((id, by));
                let sync_max = self.dice.pick(&[1000, 10_000, 120_000]);
                self.node(id).disk.set_sync_max(sync_max);
            }
            Fault::Quality => self.network.quality = Quality::drawn(&mut self.dice),
            Fault::Clock => {
                let ahead = self.dice.below(240_000);
                self.node(id).ahead = ahead;
            }
            Fault::Burst => self.burst(id),
            Fault::Members => self.change_members(),
        }
        let pause = self.dice.between(20_000, self.weather.pause);
        self.after(pause, Event::Fault);
    }

    fn end_for_a_while(&mut self, id: u64) {
        let how = self.dice.pick(&[End::Killed, End::PowerCut]);
        self.end(id, how);
        let pause = self.dice.pick(&[1000, 300_000, 2_000_000]);
        let pause = self.dice.below(pause);
        self.after(pause, Event::Back(id));
    }

    /// Cuts ways of a node for a while.
    fn cut_off(&mut self, id: u64, hears: bool, is_heard: bool) {
        for other in 1..=self.nodes.len() as u64 {
            if other != id {
                self.cut(other, id, !hears);
                self.cut(id, other, !is_heard);
            }
        }
        let pause = self.dice.between(100_000, 2_500_000);
        self.after(pause, Event::Mend(id));
    }

    fn split(&mut self) {
        let nodes = self.nodes.len() as u64;
        let sides: Vec<bool> = (0..nodes).map(|_| self.dice.chance(500)).collect();
        for from in 0..nodes {
            for to in 0..nodes {
                let is_cut = sides[usize::try_from(from).unwrap()] != sides[usize::try_from(to).unwrap()];
                self.cut(from + 1, to + 1, is_cut);
            }
        }
        for id in 1..=nodes {
            let pause = self.dice.between(500_000, 3_000_000);
            self.after(pause, Event::Mend(id));
        }
    }

    /// Cuts a way; the sender may notice that or not.
    fn cut(&mut self, from: u64, to: u64, is_cut: bool) {
        self.network.set_cut(from, to, is_cut);
        let notices = self.dice.chance(500);
        if let Some(process) = &mut self.node(from).process {
            process.outbox.set_broken(to, is_cut && notices);
            if is_cut && notices {
                process.leave(Input::Unreachable(to));
                self.wake(from);
            }
        }
    }

    /// Mends all ways of a node.
    pub(super) fn mend(&mut self, id: u64) {
        for other in 1..=self.nodes.len() as u64 {
            self.cut(other, id, false);
            self.cut(id, other, false);
        }
    }
}
