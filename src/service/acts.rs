//! The log of sign-ins and settings: every use case writes its line here, and once a day the digest over all lines goes
//! on the ledger, so that the log cannot be written anew unseen.

use std::net::IpAddr;
use std::time::Duration;

use crate::clock::Millis;
use crate::crypto::digest::{Hash, sm3};
use crate::domain::command::Command;
use crate::domain::digest_record::DigestRecord;
use crate::domain::{Actor, Role};
use crate::policy::facts::{Action, Facts, Relation};
use crate::readmodel::Page;
use crate::readmodel::local::acts::ActFilter;
use crate::readmodel::local::{Act, ActKind, ActView};

use super::Node;
use super::blocking::blocking;
use super::error::ServiceError;
use super::principal::Principal;

/// Who acts when nobody does: the node itself.
const NODE: &str = "node";
/// The kind of the digest on the ledger.
pub const DIGEST_KIND: &str = "sign-in-log";
const LOOK_EVERY: Duration = Duration::from_secs(600);
const RETRY_AFTER: Duration = Duration::from_secs(10);

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

    /// The log, newest line first.
    ///
    /// # Errors
    /// [`ServiceError::Refused`], [`ServiceError::Malformed`] for a cursor that is none.
    pub async fn acts(&self, who: &Principal, filter: ActFilter) -> Result<Page<ActView>, ServiceError> {
        self.authorise(who, |role| Facts::new(Action::ManageAccounts, role, Relation::Own))?;
        let local = self.local.clone();
        blocking(move || local.acts(&filter)).await
    }

    /// Puts the digest over all lines of the days before today on the ledger, unless it stands there. Says under which line.
    async fn anchor_acts(&self) -> Result<Option<u64>, ServiceError> {
        let (local, midnight) = (self.local.clone(), Millis::of_day(self.clock.now().day()));
        let found = blocking(move || {
            let Some(last) = local.last_act_before(midnight)? else { return Ok(None) };
            let kind = Some(ActKind::LogAnchored);
            let anchored = local.acts(&ActFilter { kind, ..ActFilter::default() })?.items;
            let is_new = !anchored.iter().any(|act| act.subject == last.id.to_string());
            // A day on which nothing was done but this needs no other.
            let is_more = last.kind != ActKind::LogAnchored.as_str();
            Ok::<_, crate::readmodel::ReadError>((is_new && is_more).then_some(last))
        });
        let Some(last) = found.await? else { return Ok(None) };
        let mut digest = [0u8; 32];
        hex::decode_to_slice(&last.digest, &mut digest).map_err(|e| ServiceError::Internal(e.to_string()))?;
        let label = format!("sign-ins and settings to the end of {}, line {}", last.at.date(), last.id);
        let record = DigestRecord { digest: Hash(digest), label, kind: Some(DIGEST_KIND.to_owned()) };
        let actor = Actor { user: NODE.to_owned(), role: Role::System };
        let id = crate::ids::TxId::new(self.clock.now());
        let committed = self.write_as(id, actor, Command::RecordDigest(record)).await?;
        let (line, transaction) = (last.id.to_string(), committed.transaction_id.to_string());
        self.note_as(NODE, None, ActKind::LogAnchored, &line, &transaction).await;
        Ok(Some(last.id))
    }

    /// Writes down that the node began, and by which settings: the next line shows whether they are others.
    async fn note_start(&self) {
        let file = self.config.file.clone();
        let read = blocking(move || std::fs::read(file).map_err(|e| ServiceError::Internal(e.to_string()))).await;
        let digest = read.map(|bytes| sm3(&[&bytes]).to_string()).unwrap_or_default();
        let detail = format!("mulu {}, SM3 of node.toml {digest}", env!("CARGO_PKG_VERSION"));
        self.note_as(NODE, None, ActKind::NodeStarted, "", &detail).await;
    }
}

/// Notes the start, and looks from time to time whether a day has ended.
pub(super) async fn watch(node: Node) {
    node.note_start().await;
    loop {
        let pause = match node.anchor_acts().await {
            Ok(None) => LOOK_EVERY,
            Ok(Some(line)) => {
                tracing::info!(line, "the digest of the log of sign-ins and settings is on the ledger");
                LOOK_EVERY
            }
            // A node that has just begun hears no leader yet.
            Err(error) => {
                tracing::debug!(%error, "the digest of the log of sign-ins and settings waits");
                RETRY_AFTER
            }
        };
        tokio::time::sleep(pause).await;
    }
}
