//! Drafts of catalog entries: the list, one draft, and what is done with it.

use actix_web::web::Path;

use crate::domain::Role;
use crate::domain::entry_diff::differences;
use crate::ids::{EntryName, Slug};
use crate::readmodel::local::{Draft, DraftState};
use crate::web::problem::Problem;

use super::desk::{Desk, Visitor};
use super::entry_body::{body, change_row};
use super::form::Posted;
use super::listing::{cursor, pager};
use super::render::Answer;
use super::views::drafts::{DraftPage, DraftRow, Drafts};

const PAGE_SIZE: usize = 30;

/// Open drafts of the department, with filters, those touched last first. A cursor is the number of drafts before.
pub async fn list(visitor: Visitor) -> Answer {
    let query = &visitor.query;
    let (q, state) = (query.get("q"), query.get("state"));
    let from = match cursor(query) {
        None => 0,
        Some(text) => text.parse::<usize>().map_err(|_| Problem::new("invalid_parameter"))?,
    };
    let drafts = visitor.node.drafts(&visitor.who).await?;
    let mut found = drafts.iter().filter(|draft| fits(draft, q, state)).skip(from);
    let rows: Vec<DraftRow> = found.by_ref().take(PAGE_SIZE).map(|draft| row(&visitor, draft)).collect();
    let next = found.next().map(|_| from.saturating_add(PAGE_SIZE).to_string());
    let (first_href, next_href) = pager("/drafts", query, &["q", "state"], next.as_deref());
    visitor.show(&Drafts {
        page: visitor.page(),
        t: visitor.t,
        any: !drafts.is_empty(),
        q: q.to_owned(),
        state: state.to_owned(),
        first_href,
        next_href,
        may_create: visitor.is(Role::Clerk),
        may_submit: rows.iter().any(|row| row.may_submit),
        may_review: rows.iter().any(|row| row.may_review),
        rows,
    })
}

/// Whether a draft is in a state, and bears a text in its name, titles or code.
fn fits(draft: &Draft, text: &str, state: &str) -> bool {
    let entry = &draft.entry;
    let text = text.to_lowercase();
    let bears = |part: &str| part.to_lowercase().contains(&text);
    (state.is_empty() || state_word(draft.state) == state)
        && [entry.name.name.as_str(), &entry.title.zh, &entry.title.en, &entry.code].into_iter().any(bears)
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::Millis;
    use crate::domain::Actor;

    #[test]
    fn drafts_are_found_by_state_and_by_words_of_either_language() {
        let text = json!({"zh": "供热账户", "en": "Heating accounts"});
        let schema = json!({"type": "object", "properties": {}, "additionalProperties": false});
        let entry = json!({
            "name": "urban-management/heating-account", "version": "1.0", "level": "duty", "code": "303001001/000001",
            "title": text, "summary": text, "provider_code": "11110000Y90000027M", "duty": text,
            "classification": {"class": text, "category": text, "topic": text, "detail": text},
            "format": {"category": "database", "type": "sqlite"}, "sharing": "conditional", "open": false,
            "update_cycle": "daily", "issue_date": "2026-11-21", "items": [],
            "request_schema": schema, "response_schema": schema,
        });
        let draft = Draft {
            entry: serde_json::from_value(entry).unwrap(),
            state: DraftState::Submitted,
            drafted_by: Actor { user: "li.na".into(), role: Role::Clerk },
            drafted_at: Millis(0),
            submitted_at: None,
            decided_by: None,
            decided_at: None,
            rejected_reason: None,
            transaction_id: None,
        };
        for (words, state) in [("", ""), ("供热", ""), ("HEATING", "under_review"), ("303001001", ""), ("g-acc", "")]
        {
            assert!(fits(&draft, words, state), "{words} {state}");
        }
        for (words, state) in [("供水", ""), ("", "draft"), ("heating", "rejected"), ("", "submitted")] {
            assert!(!fits(&draft, words, state), "{words} {state}");
        }
    }
}
