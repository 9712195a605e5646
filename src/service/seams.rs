//! How the node's parts see each other: the exchange its ledger, the papers of cases, and the department's e-licences.

use std::sync::Arc;

use parking_lot::RwLockReadGuard;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::SharedClock;
use crate::consensus::{Chain, Consensus};
use crate::exchange::connector::{LicenceQuestion, LicenceShelf};
use crate::exchange::{CaseMaterials, Ledger, Pending};
use crate::ids::{AccessId, CaseId, DepartmentId, TxId};
use crate::ledger::transaction::Transaction;
use crate::readmodel::accesses::{Recorded, RecordedPage};
use crate::readmodel::certificates::CertificateView;
use crate::readmodel::local::{CaseFact, CaseMaterial, CaseRecord, Local};
use crate::readmodel::{ReadError, ReadModel};
use crate::state::{Outcome, State};

/// The ledger as the exchange needs it.
pub(super) struct NodeLedger {
    pub(super) consensus: Arc<Consensus>,
    pub(super) chain: Arc<Chain>,
    pub(super) model: ReadModel,
}

impl Ledger for NodeLedger {
    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.chain.state()
    }

    fn submit(&self, tx: Transaction) -> Pending<'_, Result<Outcome, String>> {
        Box::pin(async move { self.consensus.submit(tx).await.map_err(|e| e.to_string()) })
    }

    fn committed(&self, id: TxId) -> Pending<'_, Option<bool>> {
        Box::pin(async move {
            // Fresh first: what was committed anywhere before this question must be seen.
            if !self.caught_up().await {
                return None;
            }
            let found = self.model.ask(move |model| model.transaction(id)).await.ok()?;
            Some(found.is_some_and(|transaction| transaction.refusal.is_none()))
        })
    }

    fn records(&self, consumer: &DepartmentId, after: u64) -> Pending<'_, Option<RecordedPage>> {
        let consumer = consumer.clone();
        Box::pin(async move { self.model.ask(move |model| model.recorded(&consumer, after)).await.ok() })
    }

    fn first_record(
        &self,
        access: AccessId,
        consumer: &DepartmentId,
        provider: &DepartmentId,
    ) -> Pending<'_, Option<Option<Recorded>>> {
        let (consumer, provider) = (consumer.clone(), provider.clone());
        Box::pin(
            async move { self.model.ask(move |model| model.first_record(access, &consumer, &provider)).await.ok() },
        )
    }

    fn caught_up(&self) -> Pending<'_, bool> {
        Box::pin(async move {
            self.consensus.read_index().await.is_ok() && self.model.wait_for(self.chain.size(), PROJECTION_WAIT).await
        })
    }
}

const PROJECTION_WAIT: std::time::Duration = std::time::Duration::from_secs(10);

/// The e-licences that this department issued.
pub(super) struct Licences {
    pub(super) local: Local,
    pub(super) model: ReadModel,
    pub(super) clock: SharedClock,
}

impl LicenceShelf for Licences {
    fn find(&self, question: &LicenceQuestion, max: usize) -> Result<Vec<Map<String, Value>>, String> {
        let unreadable = |_| "the e-licences cannot be read".to_owned();
        let identifiers = match (&question.holder, &question.identifier) {
            (Some(holder), _) => self.local.documents_of(holder).map_err(unreadable)?,
            (None, identifier) => identifier.iter().cloned().collect(),
        };
        let today = self.clock.now().date();
        let asked = |identifier: &String| question.identifier.as_ref().is_none_or(|one| one == identifier);
        let mut found = Vec::new();
        for identifier in identifiers.iter().filter(|identifier| asked(identifier)) {
            let certificate = self.model.certificate(identifier).map_err(unreadable)?;
            let document = self.local.document(identifier).map_err(unreadable)?;
            let licence = certificate.zip(document).and_then(|(view, kept)| licence(&view, &kept.document, &today));
            let of_type = |licence: &Map<String, Value>| {
                question.kind.as_ref().is_none_or(|kind| licence.get("type") == Some(&kind.as_str().into()))
            };
            found.extend(licence.filter(of_type));
            if found.len() >= max {
                break;
            }
        }
        Ok(found)
    }
}

/// A licence as a row: its fields, and above them its record as it stands today.
fn licence(view: &CertificateView, document: &Value, today: &str) -> Option<Map<String, Value>> {
    let subject = document.get("credentialSubject")?;
    let holder = |name: &str| subject.get("holder")?.get(name).cloned();
    let status = view.status_on(today);
    let mut row = subject.get("fields")?.as_object()?.clone();
    for (name, value) in [
        ("identifier", Some(view.issue.identifier.clone().into())),
        ("number", document.get("licence")?.get("number").cloned()),
        ("type", view.issue.details.as_ref().map(|details| details.kind.name.as_str().into())),
        ("type_name", Some(view.issue.type_name.zh.clone().into())),
        ("status", Some(status.as_str().into())),
        ("status_code", Some(status.code().into())),
        ("valid_from", Some(view.issue.valid_from.clone().into())),
        ("valid_to", view.issue.valid_to.clone().map(Value::from)),
        ("holder_code", holder("code")),
        ("holder_name", holder("name")),
        ("successor", view.successor.clone().map(Value::from)),
        ("document_digest", Some(view.issue.document_digest.to_string().into())),
    ] {
        row.extend(value.map(|value| (name.to_owned(), value)));
    }
    Some(row)
}

/// What a party gives to the others of a case.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Parcel {
    /// Of a case from before edition 4: what was pulled.
    Papers(Vec<CaseMaterial>),
    /// Everything.
    All {
        /// What was pulled.
        papers: Vec<CaseMaterial>,
        /// What the clerk filled in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        form: Option<Map<String, Value>>,
        /// The form before it was corrected last.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        former: Option<Map<String, Value>>,
        /// Payments, documents and answers that the party recorded.
        facts: Vec<CaseFact>,
    },
}

/// What this department keeps of cases.
pub(super) struct Papers {
    pub(super) local: Local,
    pub(super) chain: Arc<Chain>,
}

impl CaseMaterials for Papers {
    fn load(&self, case: CaseId) -> Option<Value> {
        let record = settled_record(&self.local, &self.chain, case).ok()?;
        let facts = self.local.case_facts(case).ok()?;
        let parcel = match record {
            Some(record) if record.salt.is_none() => Parcel::Papers(record.materials),
            Some(CaseRecord { materials: papers, params, former, .. }) => {
                Parcel::All { papers, form: Some(params), former, facts }
            }
            None if facts.is_empty() => return None,
            None => Parcel::All { papers: Vec::new(), form: None, former: None, facts },
        };
        serde_json::to_value(parcel).ok()
    }
}

/// What this department keeps of a case, with the form that the ledger has: a correction counts from there on. Blocks.
pub(super) fn settled_record(local: &Local, chain: &Chain, case: CaseId) -> Result<Option<CaseRecord>, ReadError> {
    let correction = chain.state().case(case).and_then(|case| case.correction.clone());
    if let Some(correction) = correction {
        local.settle_correction(case, &correction)?;
    }
    local.case_record(case)
}
