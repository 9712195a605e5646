//! A department's part of a case as its page shows it, and the form of what it records.

use serde_json::Value;

use crate::clock::Millis;
use crate::domain::Role;
use crate::domain::case::{CaseState, StepKind};
use crate::readmodel::cases::CaseStepView;
use crate::service::cases::{CaseDetail, FactContent};

use super::case_page::Sent;
use super::desk::Desk;
use super::form::Fields;
use super::span::span;
use super::views::Faults;
use super::views::cases::{CaseField, StepView};

/// What a fact says, and how it is filled in.
fn fields_of(kind: StepKind) -> &'static [(&'static str, &'static str)] {
    match kind {
        StepKind::SignOff => &[],
        StepKind::Payment => &[("amount_yuan", "number"), ("number", "text"), ("paid_on", "date")],
        StepKind::Document => &[("title", "text"), ("number", "text")],
        StepKind::Answer => &[("text", "area")],
    }
}

/// The part of a department.
pub fn step_view(desk: &Desk, detail: &CaseDetail, step: &CaseStepView, sent: Sent<'_>) -> StepView {
    let (case, word) = (&detail.case, step.word.as_ref());
    let due = case.is_due(step);
    let state = match word {
        Some(word) if word.agreed => "agreed",
        Some(_) => "disagreed",
        None if step.returned.is_some() => "returned",
        None if due => "waiting",
        None => "later",
    };
    let is_person = step.user.as_ref().is_none_or(|user| desk.is_user(user));
    let has_role = desk.is(Role::Reviewer) || step.role == Some(Role::Clerk) && desk.is(Role::Clerk);
    let open = matches!(case.state, CaseState::Waiting | CaseState::InProgress | CaseState::Returned);
    let assigns = open && word.is_none() && case.version.is_some() && desk.is(Role::Reviewer);
    let nothing = Fields::default();
    let sent = match sent {
        Sent::Word(of, fields) if *of == step.step => fields,
        _ => &nothing,
    };
    let may_sign = desk.is_own(&step.department) && has_role && is_person && due;
    let recorded = detail.facts.iter().find(|fact| fact.step == step.step);
    let content = recorded.and_then(|fact| fact.content.as_ref()).and_then(Value::as_object);
    let pair = |(name, value): (&String, &Value)| {
        (desk.t.word_or("fact", name, name), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let title = |name: &crate::ids::Slug| {
        let known = case.steps.iter().find(|other| &other.step == name);
        known.map_or_else(|| name.to_string(), |known| desk.t.pick(&known.title).to_owned())
    };
    StepView {
        step: step.step.to_string(),
        title: desk.t.pick(&step.title).to_owned(),
        department: desk.department(&step.department),
        kind: step.kind.as_str(),
        state,
        user: step.user.clone().unwrap_or_default(),
        after: step.after.iter().map(title).collect::<Vec<_>>().join(" · "),
        by: word.map(|word| word.by.user.clone()).unwrap_or_default(),
        at: word.map(|word| word.at.local_text()).unwrap_or_default(),
        took: word.zip(step.since).map(|(word, since)| span(desk.t, word.at.since(since))).unwrap_or_default(),
        due: detail.timing.steps.get(&step.step).copied().map(Millis::date).unwrap_or_default(),
        late: detail.timing.late.contains(&step.step),
        note: word.map(|word| word.note.clone()).or_else(|| step.returned.clone()).unwrap_or_default(),
        index: word.map(|word| word.ledger_index),
        fact: content.into_iter().flatten().map(pair).collect(),
        fact_digest: word.and_then(|word| word.fact.as_ref()).map(|fact| fact.digest.to_string()).unwrap_or_default(),
        fact_fits: recorded.is_some_and(|fact| fact.fits || fact.content.is_none()),
        fact_missing: recorded.and_then(|fact| fact.missing.clone()).unwrap_or_default(),
        fact_fields: if may_sign {
            fields_of(step.kind).iter().enumerate().map(|(at, field)| fact_field(desk, *field, at == 0, sent)).collect()
        } else {
            Vec::new()
        },
        agreed: sent.get("agreed").to_owned(),
        said: sent.get("note").to_owned(),
        may_sign,
        may_assign: assigns && desk.is_own(&step.department),
        may_delegate: assigns && desk.is_own(&case.owner),
    }
}

fn fact_field(desk: &Desk, (name, kind): (&'static str, &'static str), if_agreed: bool, sent: &Fields) -> CaseField {
    CaseField {
        name: name.to_owned(),
        label: desk.t.word("fact", name),
        value: sent.get(&format!("fact-{name}")).to_owned(),
        kind,
        // Not by the browser: who does not agree records nothing.
        required: false,
        if_agreed,
        ..CaseField::default()
    }
}

/// What was filled in to record.
pub fn fact_of(kind: StepKind, sent: &Fields) -> Option<FactContent> {
    let value = |(name, _): &(&str, &str)| {
        let text = sent.get(&format!("fact-{name}"));
        (!text.is_empty()).then(|| ((*name).to_owned(), Value::from(text)))
    };
    let content: FactContent = fields_of(kind).iter().filter_map(value).collect();
    (!content.is_empty()).then_some(content)
}

/// Names the first field of what must be recorded, when it is empty: the others may be left out.
pub fn missing_fact(desk: &Desk, kind: StepKind, step: &str, sent: &Fields, faults: &mut Faults) {
    let first = fields_of(kind).first();
    if let Some((name, _)) = first.filter(|(name, _)| sent.get(&format!("fact-{name}")).is_empty()) {
        faults.add_named(desk.t, &format!("fact-{step}-{name}"), &desk.t.word("fact", name), "required");
    }
}
