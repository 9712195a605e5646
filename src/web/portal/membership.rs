//! What the cluster page's forms do: departments admitted, nodes placed, replaced and ended, voters chosen.

use crate::ids::DepartmentId;
use crate::service::membership::{Card, Changed, NodeWish};
use crate::web::problem::Problem;

use super::form::{Fields, Posted};
use super::render::Answer;

const PAGE: &str = "/cluster";

/// Says whose nodes vote.
pub async fn voters(Posted { visitor, form }: Posted) -> Answer {
    let departments: Result<Vec<DepartmentId>, Problem> = form.all("voter").map(id).collect();
    let changed = visitor.node.set_voters(&visitor.who, departments?).await?;
    visitor.done(PAGE, flash(&changed), Some(changed.committed.transaction_id))
}

/// Puts a department and its node on the ledger, by its card.
pub async fn admit(Posted { visitor, form }: Posted) -> Answer {
    let card: Card = serde_json::from_str(form.get("card"))
        .map_err(|e| Problem::new("invalid").detail(format!("this is not the card of a node: {e}")))?;
    let changed = visitor.node.admit(&visitor.who, card).await?;
    visitor.done(PAGE, flash(&changed), Some(changed.committed.transaction_id))
}

/// Moves or replaces a node.
pub async fn place(Posted { visitor, form }: Posted) -> Answer {
    let (raft, peer) = (form.get("raft").to_owned(), form.get("peer").to_owned());
    let wish = NodeWish { node_id: None, replace: !form.get("replace").is_empty(), raft, peer };
    let changed = visitor.node.set_node(&visitor.who, department(&form)?, wish).await?;
    visitor.done(PAGE, flash(&changed), Some(changed.committed.transaction_id))
}

/// Ends a node.
pub async fn remove(Posted { visitor, form }: Posted) -> Answer {
    let changed = visitor.node.remove_node(&visitor.who, department(&form)?).await?;
    visitor.done(PAGE, flash(&changed), Some(changed.committed.transaction_id))
}

fn department(form: &Fields) -> Result<DepartmentId, Problem> {
    id(form.get("department"))
}

fn id(text: &str) -> Result<DepartmentId, Problem> {
    text.parse().map_err(|_| Problem::new("invalid_parameter"))
}

fn flash(changed: &Changed) -> &'static str {
    if changed.settled { "members_changed" } else { "members_changing" }
}
