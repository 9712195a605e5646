//! Drafts of catalog entries: the list, one draft, and what is done with it.

use actix_web::web::Path;

use crate::domain::Role;
use crate::domain::entry_diff::differences;
use crate::ids::{EntryName, Slug};
use crate::readmodel::local::{Draft, DraftState};

use super::desk::{Desk, Visitor};
use super::entry_body::{body, change_row};
use super::form::Posted;
use super::render::Answer;
use super::views::drafts::{DraftPage, DraftRow, Drafts};

/// All open drafts of the department.
pub async fn list(visitor: Visitor) -> Answer {
    let drafts = visitor.node.drafts(&visitor.who).await?;
    let rows: Vec<DraftRow> = drafts.iter().map(|draft| row(&visitor, draft)).collect();
    visitor.show(&Drafts {
        page: visitor.page(),
        t: visitor.t,
        may_create: visitor.is(Role::Clerk),
        may_submit: rows.iter().any(|row| row.may_submit),
        may_review: rows.iter().any(|row| row.may_review),
        rows,
    })
}

/// The department's own entry of a name.
pub fn own_entry(desk: &Desk, name: Slug) -> EntryName {
    EntryName { provider: desk.node.department.clone(), name }
}

fn row(desk: &Desk, draft: &Draft) -> DraftRow {
    let mine = desk.is_user(&draft.drafted_by.user);
    let open = matches!(draft.state, DraftState::Draft | DraftState::Rejected);
    let touched = draft.decided_at.or(draft.submitted_at).unwrap_or(draft.drafted_at);
    DraftRow {
        name: draft.entry.name.name.to_string(),
        title: desk.t.pick(&draft.entry.title).to_owned(),
        version: draft.entry.version.to_string(),
        state: state_word(draft.state).to_owned(),
        drafted_by: draft.drafted_by.user.clone(),
        updated: touched.local_text(),
        note: draft.rejected_reason.clone().filter(|_| draft.state == DraftState::Rejected).unwrap_or_default(),
        may_edit: open && desk.is(Role::Clerk),
        may_submit: open && desk.is(Role::Clerk),
        may_review: draft.state == DraftState::Submitted && desk.is(Role::Reviewer) && !mine,
    }
}

/// What people call the state (DOMAIN: draft, under review, published or rejected).
fn state_word(state: DraftState) -> &'static str {
    match state {
        DraftState::Submitted => "under_review",
        other => other.as_str(),
    }
}

/// One draft; a published one lies in the catalog.
pub async fn show(visitor: Visitor, name: Path<Slug>) -> Answer {
    let name = own_entry(&visitor, name.into_inner());
    let draft = visitor.node.draft(&visitor.who, &name).await?;
    if draft.state == DraftState::Published {
        return Ok(visitor.go(&format!("/catalog/{name}")));
    }
    let changes = {
        let state = visitor.node.chain.state();
        let before = state.entry(&name).map(|history| &history.current().entry);
        before.map(|before| differences(before, &draft.entry)).unwrap_or_default()
    };
    let view = DraftPage {
        changes: changes.iter().map(|change| change_row(visitor.t, change)).collect(),
        page: visitor.page(),
        t: visitor.t,
        draft: row(&visitor, &draft),
        entry: body(&visitor, &draft.entry, state_word(draft.state)),
        unknown_codes: visitor.node.unknown_related(&draft.entry),
        own: visitor.is_user(&draft.drafted_by.user),
    };
    visitor.show(&view)
}

/// Hands a draft to a second person.
pub async fn submit(Posted { visitor, .. }: Posted, name: Path<Slug>) -> Answer {
    let name = own_entry(&visitor, name.into_inner());
    visitor.node.submit_entry(&visitor.who, &name).await?;
    visitor.done(&format!("/drafts/{}", name.name), "draft_submitted", None)
}

/// Publishes a draft.
pub async fn approve(Posted { visitor, .. }: Posted, name: Path<Slug>) -> Answer {
    let name = own_entry(&visitor, name.into_inner());
    let committed = visitor.node.approve_entry(&visitor.who, &name).await?;
    visitor.done(&format!("/catalog/{name}"), "draft_approved", Some(committed.transaction_id))
}

/// Sends a draft back.
pub async fn reject(Posted { visitor, form }: Posted, name: Path<Slug>) -> Answer {
    let name = own_entry(&visitor, name.into_inner());
    visitor.node.reject_entry(&visitor.who, &name, form.reason()?).await?;
    visitor.done(&format!("/drafts/{}", name.name), "draft_rejected", None)
}
