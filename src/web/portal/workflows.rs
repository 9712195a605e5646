//! Workflows of the department: what is in force, where the file differs, and putting it into force.

use actix_web::web::Path;

use crate::domain::Role;
use crate::ids::Slug;
use crate::service::workflows::WorkflowStanding;

use super::desk::{Desk, Visitor};
use super::form::Posted;
use super::render::Answer;
use super::views::cases::{WorkflowRow, Workflows};

/// Every workflow.
pub async fn list(visitor: Visitor) -> Answer {
    let standings = visitor.node.workflow_standings()?;
    let view = Workflows {
        page: visitor.page(),
        t: visitor.t,
        rows: standings.iter().filter_map(|one| row(&visitor, one)).collect(),
        may_publish: visitor.is(Role::Reviewer),
    };
    visitor.show(&view)
}

fn row(desk: &Desk, standing: &WorkflowStanding) -> Option<WorkflowRow> {
    let workflow = standing.workflow()?;
    let in_force = standing.in_force.as_ref();
    Some(WorkflowRow {
        name: workflow.name.to_string(),
        title: desk.t.pick(&workflow.title).to_owned(),
        version: in_force.map(|one| one.version),
        by: in_force.map(|one| one.by.user.clone()).unwrap_or_default(),
        at: in_force.map(|one| one.at.local_text()).unwrap_or_default(),
        differs: standing.differs,
    })
}

/// Puts a file into force.
pub async fn publish(Posted { visitor, .. }: Posted, name: Path<Slug>) -> Answer {
    let (_, committed) = visitor.node.publish_workflow(&visitor.who, &name).await?;
    visitor.done("/workflows", "workflow_published", Some(committed.transaction_id))
}
