//! What becomes of frames on one link.

use std::ops::Range;
use std::time::Duration;

use super::super::chance::Chance;

/// Whether frames pass at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Passage {
    /// They do.
    #[default]
    Open,
    /// They vanish, and both ends believe in their connection: the listener's pulse still passes.
    Swallowed,
    /// Nothing passes in either direction, and both ends believe in their connection until they miss the pulse.
    Frozen,
    /// Connections end, and none begins.
    Closed,
}

impl Passage {
    /// All ways to be cut off.
    pub const CUTS: [Self; 3] = [Self::Swallowed, Self::Frozen, Self::Closed];
}

/// The weather of one link.
#[derive(Clone, Debug, Default)]
pub struct Weather {
    /// Whether frames pass at all.
    pub passage: Passage,
    /// Per cent of frames that are lost.
    pub lost: u64,
    /// Per cent of frames that come twice.
    pub doubled: u64,
    /// How long a frame is under way, in milliseconds; where these differ, frames overtake each other.
    pub delay_ms: Range<u64>,
    /// How much gets through.
    pub bytes_per_s: Option<u64>,
}

impl Weather {
    /// Fair but for the passage.
    pub fn of(passage: Passage) -> Self {
        Self { passage, ..Self::default() }
    }

    /// How long each copy of a frame is under way; none when it is lost.
    pub(super) fn fates(&self, chance: &mut Chance) -> Vec<Duration> {
        if self.passage != Passage::Open || chance.percent(self.lost) {
            return Vec::new();
        }
        let copies = if chance.percent(self.doubled) { 2 } else { 1 };
        let spread = self.delay_ms.end.saturating_sub(self.delay_ms.start);
        let mut delay = || Duration::from_millis(self.delay_ms.start + chance.below(spread));
        (0..copies).map(|_| delay()).collect()
    }

    /// For how long a frame keeps the link busy.
    pub(super) fn takes(&self, bytes: usize) -> Duration {
        let bytes = f64::from(u32::try_from(bytes).unwrap_or(u32::MAX));
        self.bytes_per_s.map_or(Duration::ZERO, |rate| {
            Duration::from_secs_f64(bytes / f64::from(u32::try_from(rate).unwrap_or(u32::MAX)))
        })
    }
}
