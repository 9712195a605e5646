//! The form of a draft: begin, change, save.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use actix_web::web::Path;

use crate::domain::catalog::Entry;
use crate::domain::compatibility::unannounced;
use crate::domain::entry_rules;
use crate::domain::schema::{Fault, FaultCode};
use crate::ids::{EntryName, ItemName, Slug, Version};
use crate::readmodel::local::DraftState;
use crate::service::ServiceError;

use super::dates::start_of;
use super::desk::{Desk, Visitor};
use super::draft_document::{document, fields, told_at};
use super::drafts::own_entry;
use super::form::{Fields, Posted};
use super::render::{Answer, FAULTY};
use super::views::drafts::{DraftFields, DraftForm};
use super::views::{Choice, Faults};
use super::words::Words;

/// An empty form, or the form of a published entry's next version.
pub async fn new(visitor: Visitor) -> Answer {
    let from: Option<EntryName> = visitor.query.get("from").parse().ok();
    let draft = match from.filter(|name| visitor.is_own(&name.provider)) {
        None => DraftFields::starting(visitor.node.clock.now().date()),
        Some(name) => {
            let current = visitor.node.entry(name, None).await?.entry;
            let version = Version { minor: current.version.minor.saturating_add(1), ..current.version };
            fields(&Entry { version, ..current })
        }
    };
    form(&visitor, StatusCode::OK, "/drafts", draft, Faults::default())
}

/// The form of a draft.
pub async fn edit(visitor: Visitor, name: Path<Slug>) -> Answer {
    let name = own_entry(&visitor, name.into_inner());
    let draft = visitor.node.draft(&visitor.who, &name).await?;
    form(&visitor, StatusCode::OK, &format!("/drafts/{}", name.name), fields(&draft.entry), Faults::default())
}

fn form(desk: &Desk, status: StatusCode, action: &str, draft: DraftFields, faults: Faults) -> Answer {
    let known = draft.name.parse().is_ok_and(|name| {
        let state = desk.node.chain.state();
        state.entry(&own_entry(desk, name)).is_some()
    });
    let new = action == "/drafts" && !known;
    let path = if new { "/drafts/new".to_owned() } else { format!("/drafts/{}/edit", draft.name) };
    let page = if desk.path() == "/" { desk.page_at(&path) } else { desk.page() };
    let lists = desk.node.code_lists();
    let choice = |value: &str, label: &str| Choice { value: value.to_owned(), label: label.to_owned(), chosen: false };
    let view = DraftForm {
        page,
        t: desk.t,
        action: action.to_owned(),
        new,
        categories: lists.format.iter().map(|list| choice(&list.category, desk.t.pick(&list.name))).collect(),
        types: lists
            .format
            .iter()
            .flat_map(|list| list.types.iter().map(|kind| choice(kind, &list.category)))
            .collect(),
        tables: lists.table.iter().map(|table| choice(&table.name, desk.t.pick(&table.title))).collect(),
        draft,
        faults,
    };
    desk.show_as(status, &view)
}

/// Saves a new draft.
pub async fn create(Posted { visitor, form }: Posted) -> Answer {
    save(&visitor, "/drafts", DraftFields::read(form.pairs()), &form).await
}

/// Saves a draft that is there.
pub async fn change(Posted { visitor, form }: Posted, name: Path<Slug>) -> Answer {
    let draft = DraftFields { name: name.to_string(), ..DraftFields::read(form.pairs()) };
    save(&visitor, &format!("/drafts/{name}"), draft, &form).await
}

async fn save(visitor: &Visitor, action: &str, draft: DraftFields, sent: &Fields) -> Answer {
    if sent.get("action") == "add_rows" {
        return form(visitor, StatusCode::OK, action, draft.with_more_rows(), Faults::default());
    }
    let faults = match check(&draft, visitor.t) {
        faults if !faults.is_empty() => faults,
        _ => match write(visitor, &draft).await {
            Ok(name) => return visitor.done(&format!("/drafts/{name}"), "draft_saved", None),
            Err(ServiceError::Invalid(found)) => placed(visitor.t, &found, &draft),
            Err(ServiceError::Conflict { code, .. }) => {
                let field = if code == "code_taken" { "code" } else { "version" };
                let mut faults = Faults::default();
                faults
                    .0
                    .push(super::views::Fault { field: field.to_owned(), message: visitor.t.word("problem", code) });
                faults
            }
            Err(error) => return Err(error.into()),
        },
    };
    form(visitor, FAULTY, action, draft.with_more_rows(), faults)
}

async fn write(visitor: &Visitor, draft: &DraftFields) -> Result<Slug, ServiceError> {
    let name: Slug = draft.name.parse().map_err(|_| Fault::of(FaultCode::MemberName, "/name", "is not a name"))?;
    let full = own_entry(visitor, name.clone());
    let kept = visitor.node.draft(&visitor.who, &full).await;
    let kept = kept.ok().filter(|draft| draft.state != DraftState::Published).map(|draft| draft.entry);
    let (published, code) = {
        let state = visitor.node.chain.state();
        let published = state.entry(&full).map(|history| history.current().entry.clone());
        (published, state.department(&full.provider).map(|own| own.uscc.clone()).unwrap_or_default())
    };
    let breaking = published.clone();
    let document = document(draft, &full.provider, &code, kept.or(published).as_ref());
    let document = visitor.node.with_code(document).await?;
    // The rules beyond the schema are checked again on the ledger; here the author can still mend them.
    if let Ok(entry) = serde_json::from_value::<Entry>(document.clone()) {
        let faults = entry_rules::check(&entry);
        if !faults.is_empty() {
            return Err(ServiceError::Invalid(faults));
        }
        if breaking.is_some_and(|before| !unannounced(&before, &entry).is_empty()) {
            return Err(ServiceError::conflict("breaking", "raise the major version"));
        }
    }
    visitor.node.save_draft(&visitor.who, document).await?;
    Ok(name)
}

fn placed(t: Words, found: &[Fault], draft: &DraftFields) -> Faults {
    let mut faults = Faults::default();
    for fault in found {
        let (field, label, said) = told_at(t, fault, draft);
        faults.tell(t, &field, &label, &said);
    }
    faults
}

/// What can be said of a form before it is an entry: what is missing, misspelt or there twice.
fn check(draft: &DraftFields, t: Words) -> Faults {
    let mut faults = Faults::default();
    if draft.name.parse::<Slug>().is_err() {
        faults.add(t, "name", "draft-name", if draft.name.is_empty() { "required" } else { "bad_name" });
    }
    if draft.version.parse::<Version>().is_err() {
        faults.add(t, "version", "version", if draft.version.is_empty() { "required" } else { "bad_version" });
    }
    let needs_condition = draft.sharing != "unconditional";
    for (field, label, value) in [
        ("title_zh", "title-zh", &draft.title_zh),
        ("summary_zh", "summary-zh", &draft.summary_zh),
        ("duty_zh", "duty-zh", &draft.duty_zh),
        ("class_zh", "class-zh", &draft.class_zh),
        ("category_zh", "category-zh", &draft.category_zh),
        ("topic_zh", "topic-zh", &draft.topic_zh),
        ("detail_zh", "detail-zh", &draft.detail_zh),
        ("condition_zh", "condition-zh", &draft.condition_zh),
        ("format_category", "format-category", &draft.format_category),
        ("format_type", "format-type", &draft.format_type),
    ] {
        if value.is_empty() && (field != "condition_zh" || needs_condition) {
            faults.add(t, field, label, "required");
        }
    }
    if start_of(&draft.issue_date).is_none() {
        faults.add(t, "issue_date", "meta-issue-date", "bad_date");
    }
    check_rows(draft, t, &mut faults);
    faults
}

fn check_rows(draft: &DraftFields, t: Words, faults: &mut Faults) {
    let mut params = BTreeSet::new();
    for (at, row) in draft.parameters.iter().enumerate().filter(|(_, row)| !row.name.is_empty()) {
        name(t, faults, &format!("param-{at}-name"), "param-name", &row.name, &mut params);
    }
    if !draft.subject.is_empty() && !params.contains(draft.subject.as_str()) {
        faults.add(t, "subject", "draft-subject", "not_offered");
    }
    let mut items = BTreeSet::new();
    for (at, row) in draft.items.iter().enumerate().filter(|(_, row)| !row.name.is_empty()) {
        name(t, faults, &format!("item-{at}-name"), "item-name", &row.name, &mut items);
        if row.title_zh.is_empty() {
            faults.add(t, &format!("item-{at}-title_zh"), "title-zh", "required");
        }
        if row.length.parse::<u32>().is_err() {
            faults.add(t, &format!("item-{at}-length"), "item-length", "bad_number");
        }
    }
    if items.is_empty() && draft.level != "duty" {
        faults.add(t, "items", "entry-items", "no_items");
    }
}

fn name<'a>(t: Words, faults: &mut Faults, field: &str, label: &str, name: &'a str, seen: &mut BTreeSet<&'a str>) {
    if name.parse::<ItemName>().is_err() {
        faults.add(t, field, label, "bad_name");
    } else if !seen.insert(name) {
        faults.add(t, field, label, "repeated");
    }
}
