//! The log of sign-ins and settings: every use case writes its line here.

use std::net::IpAddr;

use crate::readmodel::local::{Act, ActKind};

use super::Node;
use super::blocking::blocking;
use super::principal::Principal;

impl Node {
    /// Writes down what somebody did, to whom or what, and how.
    pub(crate) async fn note(&self, who: &Principal, kind: ActKind, subject: &str, detail: &str) {
        self.note_as(&who.user, who.from, kind, subject, detail).await;
    }

    /// The same for somebody who is not known by more than a name. An operator must be able to come in on a full disk, so
    /// a line that cannot be written stops nobody, and stands in the node's log.
    pub(super) async fn note_as(&self, user: &str, from: Option<IpAddr>, kind: ActKind, subject: &str, detail: &str) {
        let act = Act { kind, user: user.to_owned(), from, subject: subject.to_owned(), detail: detail.to_owned() };
        let (local, now, kept) = (self.local.clone(), self.clock.now(), act.clone());
        if let Err(error) = blocking(move || local.note(&kept, now)).await {
            tracing::error!(%error, ?act, "the log of sign-ins and settings was not written");
        }
    }
}
