//! The slip that an applicant takes home: what was accepted, until when, and how to see how it stands.

use std::collections::BTreeSet;

use actix_web::web::Path;

use crate::clock::Millis;
use crate::ids::CaseId;

use super::desk::Visitor;
use super::render::Answer;
use super::views::progress::SlipPage;

/// The slip, to be printed.
pub async fn show(visitor: Visitor, id: Path<CaseId>) -> Answer {
    let slip = visitor.node.case_slip(&visitor.who, *id).await?;
    let asked: BTreeSet<_> = slip.case.pulls.iter().map(|pull| &pull.pull).collect();
    let fetched = slip.workflow.pulls.iter().filter(|pull| asked.contains(&pull.name));
    let fetched =
        fetched.map(|pull| (visitor.t.pick(&pull.title).to_owned(), visitor.department(&pull.entry.provider)));
    visitor.show(&SlipPage {
        page: visitor.page(),
        t: visitor.t,
        id: slip.case.id.to_string(),
        matter: visitor.t.pick(&slip.workflow.title).to_owned(),
        department: visitor.department(&slip.case.owner),
        accepted_at: slip.case.opened_at.local_text(),
        accepted_by: slip.case.opened_by.user.clone(),
        due: slip.timing.due.map(Millis::date).unwrap_or_default(),
        fetched: fetched.collect(),
        number: slip.kept.number,
        code: slip.kept.code,
        url: slip.url,
        picture: slip.picture,
    })
}
