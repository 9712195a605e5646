//! How the node's parts see each other: the exchange its ledger, and the papers of cases.

use std::sync::Arc;

use parking_lot::RwLockReadGuard;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::consensus::{Chain, Consensus};
use crate::exchange::{CaseMaterials, Ledger, Pending};
use crate::ids::{AccessId, CaseId, DepartmentId, TxId};
use crate::ledger::transaction::Transaction;
use crate::readmodel::ReadModel;
use crate::readmodel::accesses::{Recorded, RecordedPage};
use crate::readmodel::local::{CaseFact, CaseMaterial, Local};
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
            let model = self.model.clone();
            let found = tokio::task::spawn_blocking(move || model.transaction(id)).await.ok()?.ok()?;
            Some(found.is_some_and(|transaction| transaction.refusal.is_none()))
        })
    }

    fn records(&self, consumer: &DepartmentId, after: u64) -> Pending<'_, Option<RecordedPage>> {
        let (model, consumer) = (self.model.clone(), consumer.clone());
        Box::pin(async move { tokio::task::spawn_blocking(move || model.recorded(&consumer, after)).await.ok()?.ok() })
    }

    fn first_record(
        &self,
        access: AccessId,
        consumer: &DepartmentId,
        provider: &DepartmentId,
    ) -> Pending<'_, Option<Option<Recorded>>> {
        let (model, consumer, provider) = (self.model.clone(), consumer.clone(), provider.clone());
        Box::pin(async move {
            tokio::task::spawn_blocking(move || model.first_record(access, &consumer, &provider)).await.ok()?.ok()
        })
    }

    fn caught_up(&self) -> Pending<'_, bool> {
        Box::pin(async move {
            self.consensus.read_index().await.is_ok() && self.model.wait_for(self.chain.size(), PROJECTION_WAIT).await
        })
    }
}

const PROJECTION_WAIT: std::time::Duration = std::time::Duration::from_secs(10);

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
        /// Payments, documents and answers that the party recorded.
        facts: Vec<CaseFact>,
    },
}

/// What this department keeps of cases.
pub(super) struct Papers(pub(super) Local);

impl CaseMaterials for Papers {
    fn load(&self, case: CaseId) -> Option<Value> {
        let (record, facts) = (self.0.case_record(case).ok()?, self.0.case_facts(case).ok()?);
        let parcel = match record {
            Some(record) if record.salt.is_none() => Parcel::Papers(record.materials),
            Some(record) => Parcel::All { papers: record.materials, form: Some(record.params), facts },
            None if facts.is_empty() => return None,
            None => Parcel::All { papers: Vec::new(), form: None, facts },
        };
        serde_json::to_value(parcel).ok()
    }
}
