//! Papers of a case: each party's node gives what it keeps of the case to the other parties, and records it. The owner
//! keeps the form and what was pulled, a department that signs off keeps the payments, documents and answers that it recorded.
//!
//! They travel as a query of an entry that stands in no catalog, `<department>/case-materials`.

use serde_json::Value;

use crate::domain::access::CAUSE_CHARS_MAX;
use crate::domain::schema::{Fault, FaultCode};
use crate::domain::{Actor, Text};
use crate::ids::{CaseId, DepartmentId, EntryName, GrantId};

use super::answer::{AnswerError, Explanation, ReasonText};
use super::envelope::Request;
use super::{Exchange, Inner, QueryAnswer, QueryCall, QueryError};

/// Second half of the name under which materials are asked for and recorded.
pub const CASE_MATERIALS: &str = "case-materials";
const PURPOSE: &str = "case-sign-off";
const RULE: &str = "case-participant";

/// Where what the department keeps of cases lies.
pub trait CaseMaterials: Send + Sync + 'static {
    /// The papers of a case, as JSON; none when there are none. Called off the async workers.
    fn load(&self, case: CaseId) -> Option<Value>;
}

impl Exchange {
    /// Fetches what a party keeps of a case: the answer has one row. For the parties: its owner, and departments with a
    /// step in it.
    ///
    /// # Errors
    /// [`QueryError`]; [`QueryError::Unprocessable`] when the ledger has no such case.
    pub async fn case_materials(
        &self,
        actor: Actor,
        case: CaseId,
        keeper: DepartmentId,
        cause: &str,
    ) -> Result<QueryAnswer, QueryError> {
        let unknown = || {
            let fault = Fault::of(FaultCode::UnknownCase, "/case_id", "the ledger has no such case");
            QueryError::Unprocessable(vec![fault])
        };
        let is_known = self.inner.ledger.state().case(case).is_some();
        is_known.then_some(()).ok_or_else(unknown)?;
        let name = CASE_MATERIALS.parse().map_err(|_| unknown())?;
        let call = QueryCall {
            actor,
            entry: EntryName { provider: keeper, name },
            version: None,
            purpose: PURPOSE.to_owned(),
            cause: cause.chars().take(CAUSE_CHARS_MAX).collect(),
            case_id: Some(case.to_string()),
            params: Value::Object(serde_json::Map::new()),
            items: Vec::new(),
            cursor: None,
            access_id: None,
        };
        self.ask(call).await
    }
}

impl Request {
    /// Whether this asks for a case's papers.
    pub(super) fn is_for_materials(&self) -> bool {
        self.entry.name.as_str() == CASE_MATERIALS
    }
}

impl Inner {
    /// Decides by the case on the ledger: its parties may read what a party keeps.
    pub(super) fn may_read_materials(&self, request: &Request) -> Explanation {
        let state = self.ledger.state();
        let case = request.case_id.as_ref().and_then(|id| id.parse().ok()).and_then(|id| state.case(id));
        let allowed = case.is_some_and(|case| case.involves(&self.department) && case.involves(&request.from));
        let refused = ReasonText {
            code: "not_in_case".into(),
            text: Text {
                zh: "本部门不是该案件的办理或会签部门，不能查看案件材料。".into(),
                en: "Only the case's owner and the departments that sign it off may read its materials.".into(),
            },
        };
        Explanation {
            allowed,
            rule: RULE.to_owned(),
            reasons: if allowed { Vec::new() } else { vec![refused] },
            grant: None::<GrantId>,
            ledger_index: state.size(),
        }
    }

    /// The papers, as the one row of the answer. Blocks.
    pub(super) fn read_materials(&self, request: &Request) -> Result<Vec<Value>, AnswerError> {
        let case = request.case_id.as_ref().and_then(|id| id.parse().ok());
        let papers = case.and_then(|case| self.materials.load(case));
        papers.map(|papers| vec![papers]).ok_or_else(|| {
            AnswerError::new("provider_data_unavailable", "this department's node has no materials of the case")
        })
    }
}
