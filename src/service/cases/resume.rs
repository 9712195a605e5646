//! Cases whose pulls were being made when the node stopped go on after its start.

use std::time::Duration;

use crate::domain::case::CaseState;
use crate::ids::CaseId;
use crate::service::Node;
use crate::service::blocking::blocking;
use crate::service::error::ServiceError;

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// An opening that has not come to the ledger by then never will: its id is out of time.
const OPENING_MS_MAX: u64 = 660_000;

/// Carries on what an earlier run of the node left, each case once.
pub(in crate::service) async fn go_on(node: Node) {
    let local = node.local.clone();
    let mut left = match blocking(move || local.running_cases()).await {
        Ok(cases) => cases,
        Err(error) => {
            tracing::error!(%error, "the cases that were under way cannot be read");
            return;
        }
    };
    while !left.is_empty() {
        tokio::time::sleep(LOOK_EVERY).await;
        // The ledger as it was at the stop is applied anew first; until then nobody knows how far a case got.
        if node.catch_up().await.is_err() {
            continue;
        }
        let mut again = Vec::new();
        for case in left {
            match settle(&node, case).await {
                Ok(true) => {}
                Ok(false) => again.push(case),
                Err(error) => tracing::warn!(%case, %error, "a case that was under way could not go on: retry it"),
            }
        }
        left = again;
    }
}

/// Whether nothing more is to be done about a case here.
async fn settle(node: &Node, id: CaseId) -> Result<bool, ServiceError> {
    let known = node.chain.state().case(id).cloned();
    match known {
        Some(case) if case.state() == CaseState::Waiting => {
            tracing::info!(case = %id, "a case that was under way goes on");
            node.run_case(&case.opened_by, id, false).await?;
        }
        None if node.clock.now().since(id.time()) < OPENING_MS_MAX => return Ok(false),
        _ => {
            let local = node.local.clone();
            blocking(move || local.set_running(id, false)).await?;
        }
    }
    Ok(true)
}
