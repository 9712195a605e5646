//! What changed for people who have a page open: their work, or the cluster. One task a node looks, however many pages
//! wait, and only while one does.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::consensus::Chain;
use crate::readmodel::ReadError;

use super::Node;
use super::blocking::blocking;
use super::error::ServiceError;

/// Pages of one node that are told at once.
pub const STREAMS_MAX: usize = 200;
/// Pages of one session.
pub const STREAMS_OF_SESSION_MAX: usize = 8;
/// What follows within this time is told at once.
const SETTLE: Duration = Duration::from_millis(250);
/// How often the cluster is looked at: most of it is on no ledger.
const CLUSTER_EVERY: Duration = Duration::from_secs(2);
/// More blocks than these at once are not looked into: something of them will concern somebody.
const BLOCKS_MAX: u64 = 64;

/// What pages wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// What waits for people.
    Work,
    /// Who leads, and how far each node is.
    Cluster,
}

impl Topic {
    /// The name of its event.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Work => "work",
            Self::Cluster => "cluster",
        }
    }

    /// The topic of a name.
    pub fn of(name: &str) -> Option<Self> {
        [Self::Work, Self::Cluster].into_iter().find(|topic| topic.as_str() == name)
    }
}

/// The signals, and who waits for them.
pub struct Changes {
    work: watch::Sender<u64>,
    cluster: watch::Sender<u64>,
    ended: watch::Sender<bool>,
    streams: Arc<Mutex<HashMap<String, usize>>>,
}

impl Default for Changes {
    fn default() -> Self {
        Self {
            work: watch::Sender::new(0),
            cluster: watch::Sender::new(0),
            ended: watch::Sender::new(false),
            streams: Arc::default(),
        }
    }
}

/// A page that is told; it counts until it is dropped.
pub struct Place {
    session: String,
    streams: Arc<Mutex<HashMap<String, usize>>>,
    /// Changes with each change.
    pub changed: watch::Receiver<u64>,
    /// Becomes true when the node stops.
    pub ended: watch::Receiver<bool>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut streams = self.streams.lock();
        if let Some(count) = streams.get_mut(&self.session) {
            *count -= 1;
            if *count == 0 {
                streams.remove(&self.session);
            }
        }
    }
}

impl Changes {
    /// Lets a page of a session be told of a topic.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`] when too many are.
    pub fn enter(&self, session: String, topic: Topic) -> Result<Place, ServiceError> {
        let mut streams = self.streams.lock();
        let of_session = streams.get(&session).copied().unwrap_or_default();
        if of_session >= STREAMS_OF_SESSION_MAX || streams.values().sum::<usize>() >= STREAMS_MAX {
            let detail = "too many pages are kept up to date by themselves: close some".to_owned();
            return Err(ServiceError::Unavailable { code: "busy", detail, retry_after_s: 30 });
        }
        streams.insert(session.clone(), of_session + 1);
        let changed = match topic {
            Topic::Work => self.work.subscribe(),
            Topic::Cluster => self.cluster.subscribe(),
        };
        Ok(Place { session, streams: self.streams.clone(), changed, ended: self.ended.subscribe() })
    }

    /// How many pages are told.
    pub fn streams(&self) -> usize {
        self.streams.lock().values().sum()
    }

    /// Ends every stream: the node stops.
    pub fn end(&self) {
        self.ended.send_replace(true);
    }

    fn tell(of: &watch::Sender<u64>) {
        of.send_modify(|count| *count += 1);
    }
}

/// Looks, and tells.
pub(super) async fn watch(node: Node) {
    let (mut projected, mut local) = (node.model.projected(), node.local.changes());
    let mut look = tokio::time::interval(CLUSTER_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut seen, mut cluster) = (projected.borrow().height, String::new());
    let changes = node.changes.clone();
    loop {
        tokio::select! {
            changed = projected.changed() => {
                if changed.is_err() {
                    return;
                }
                let height = projected.borrow_and_update().height;
                if changes.work.receiver_count() > 0 && concerns(&node.chain, seen, height).await {
                    Changes::tell(&changes.work);
                }
                seen = height;
                tokio::time::sleep(SETTLE).await;
            }
            changed = local.changed() => {
                if changed.is_err() {
                    return;
                }
                Changes::tell(&changes.work);
                Changes::tell(&changes.cluster);
                tokio::time::sleep(SETTLE).await;
            }
            _ = look.tick(), if changes.cluster.receiver_count() > 0 => {
                let now = format!("{:?}", node.cluster());
                if now != cluster {
                    Changes::tell(&changes.cluster);
                    cluster = now;
                }
            }
        }
    }
}

/// Whether blocks hold anything but accesses, which come by the thousand and wait for nobody.
async fn concerns(chain: &Arc<Chain>, seen: u64, height: u64) -> bool {
    if height.saturating_sub(seen) > BLOCKS_MAX || height < seen {
        return true;
    }
    let chain = chain.clone();
    let looked = blocking(move || {
        let mut blocks = (seen.saturating_add(1)..=height).map(|height| chain.block_unread(height));
        let quiet =
            |block: crate::state::applied::AppliedBlock| block.transactions.iter().all(|tx| is_quiet(tx.payload()));
        Ok::<_, ReadError>(blocks.any(|block| block.is_none_or(|block| !quiet(block))))
    });
    looked.await.unwrap_or(true)
}

/// Whether a payload only says who looked at what. Its kind stands before anything that could contain such a text.
fn is_quiet(payload: &str) -> bool {
    const KIND: &str = "\"kind\":\"";
    let kind = payload.find(KIND).and_then(|at| payload.get(at + KIND.len()..));
    kind.is_some_and(|kind| kind.starts_with("access.batch") || kind.starts_with("digest."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_counted_by_session_and_node() {
        let changes = Changes::default();
        let mut places: Vec<Place> =
            (0..STREAMS_OF_SESSION_MAX).map(|_| changes.enter("one".into(), Topic::Work).ok().unwrap()).collect();
        assert!(matches!(changes.enter("one".into(), Topic::Work), Err(ServiceError::Unavailable { .. })));
        let other = changes.enter("other".into(), Topic::Cluster).ok().unwrap();
        assert_eq!(changes.streams(), STREAMS_OF_SESSION_MAX + 1);
        places.pop();
        assert!(changes.enter("one".into(), Topic::Work).is_ok(), "a page that was closed still counts");
        drop((places, other));
        assert_eq!(changes.streams(), 0);
        for session in 0..STREAMS_MAX {
            std::mem::forget(changes.enter(session.to_string(), Topic::Work).ok().unwrap());
        }
        assert!(changes.enter("late".into(), Topic::Work).is_err());
    }

    #[test]
    fn who_waits_for_one_topic_is_not_told_of_the_other_and_all_are_told_of_the_end() {
        let changes = Changes::default();
        let (work, cluster) = (changes.enter("a".into(), Topic::Work), changes.enter("a".into(), Topic::Cluster));
        let (work, cluster) = (work.ok().unwrap(), cluster.ok().unwrap());
        Changes::tell(&changes.work);
        assert_eq!((work.changed.has_changed().unwrap(), cluster.changed.has_changed().unwrap()), (true, false));
        changes.end();
        assert!(*work.ended.borrow() && *cluster.ended.borrow());
    }

    #[test]
    fn accesses_concern_nobodys_work() {
        let payload = |kind: &str| {
            format!(
                "{{\"v\":1,\"actor\":{{\"user\":\"a\\\"kind\\\":\\\"access.\"}},\"kind\":\"{kind}\",\"body\":{{}}}}"
            )
        };
        assert!(is_quiet(&payload("access.batch")) && is_quiet(&payload("digest.record")));
        assert!(!is_quiet(&payload("grant.request")) && !is_quiet("nothing"));
    }
}
