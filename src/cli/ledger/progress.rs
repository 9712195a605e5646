//! How far a long command is: a bar on a terminal, a line now and then elsewhere.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(2);
const BAR: &str = "{wide_bar} {human_pos}/{human_len} transactions, {per_sec}, {eta} left";
const COUNT: &str = "{spinner} {human_pos} transactions, {per_sec}";

/// Tells on standard error how many transactions are done.
pub struct Progress {
    bar: Option<ProgressBar>,
    total: Option<u64>,
    told: Instant,
}

impl Progress {
    /// Begins; `total` when it is known.
    pub fn new(total: Option<u64>) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template(if total.is_some() { BAR } else { COUNT });
            if let Ok(style) = style { bar.with_style(style) } else { bar }
        });
        Self { bar, total, told: Instant::now() }
    }

    /// So many are done.
    pub fn tell(&mut self, done: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        } else if self.told.elapsed() >= LINE_EVERY {
            self.told = Instant::now();
            let of = self.total.map(|total| format!(" of {total}")).unwrap_or_default();
            eprintln!("{done}{of} transactions …");
        }
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.bar.iter().for_each(ProgressBar::finish_and_clear);
    }
}
