//! Reminders: what waits for this department's decision, what is due soon, and what is late by the calendar.

use std::time::Duration;

use crate::readmodel::grants::Overdue;

use super::Node;
use super::error::ServiceError;

const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Requests for grants on this department's data, by how long they may still wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Not decided, these below among them.
    pub requests: u64,
    /// Due within the calendar's `reminder` days, or late.
    pub soon: u64,
    /// Late.
    pub late: u64,
}

impl Node {
    /// What waited when it was last looked at, at most a minute ago.
    pub fn decisions_waiting(&self) -> Waiting {
        *self.waiting.lock()
    }

    async fn look(&self) -> Result<Waiting, ServiceError> {
        let provider = self.department.clone();
        let (late, soon) = (self.overdue(), self.due_soon());
        self.reading(move |model| {
            Ok(Waiting {
                requests: model.grants_to_decide(&provider, None)?,
                soon: model.grants_to_decide(&provider, Some(soon))?,
                late: model.grants_to_decide(&provider, Some(late))?,
            })
        })
        .await
    }

    /// What is late when the reminder's days have passed.
    fn due_soon(&self) -> Overdue {
        let (now, days) = (self.clock.now(), self.calendar.decision);
        let left = |days: u8| self.calendar.late_before(now, days.saturating_sub(self.calendar.decision.reminder));
        Overdue {
            decide: left(days.conditional),
            extended: left(days.conditional.saturating_add(days.extension)),
            returned: self.calendar.after(now, days.reminder),
        }
    }
}

/// Counts every minute, and tells once a day, and at once when more is late.
pub(super) async fn watch(node: Node) {
    let mut told = (0, Waiting::default());
    loop {
        match node.look().await {
            Ok(waiting) => {
                *node.waiting.lock() = waiting;
                let today = node.clock.now().day();
                let news = waiting.late > told.1.late || (waiting.soon > 0 && today != told.0);
                if news {
                    let Waiting { requests, soon, late } = waiting;
                    tracing::warn!(requests, soon, late, "requests for grants wait for this department's decision");
                    told.0 = today;
                }
                told.1 = waiting;
            }
            Err(error) => tracing::debug!(%error, "the requests that wait cannot be counted now"),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
