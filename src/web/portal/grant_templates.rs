//! Common matters: what each takes, and one form that asks for all of it.

use actix_web::http::StatusCode;
use actix_web::web::Path;

use crate::clock::DAY_MS;
use crate::domain::Role;
use crate::domain::department_files::templates::GrantTemplate;
use crate::ids::{EntryName, ItemName};
use crate::service::ServiceError;
use crate::service::grant_templates::{Asked, NotAsked, TemplateChoice};
use crate::web::problem::Problem;

use super::codes;
use super::dates::end_of;
use super::desk::{Desk, Visitor};
use super::form::{Fields, Posted};
use super::render::{Answer, FAULTY};
use super::told::told_of;
use super::views::Faults;
use super::views::grant_templates::{GrantTemplates, Part, TemplateCard, TemplateResult};

const TEXT_CHARS_MAX: usize = 200;

/// The matters.
pub async fn list(visitor: Visitor) -> Answer {
    page(&visitor, StatusCode::OK, Vec::new(), Faults::default())
}

fn page(desk: &Desk, status: StatusCode, results: Vec<TemplateResult>, faults: Faults) -> Answer {
    let view = GrantTemplates {
        page: desk.page_at("/grants/templates"),
        t: desk.t,
        may_ask: desk.is(Role::Clerk) || desk.is(Role::Reviewer),
        cards: desk.node.grant_templates().iter().map(|template| card(desk, template)).collect(),
        results,
        faults,
    };
    desk.show_as(status, &view)
}

fn card(desk: &Desk, template: &GrantTemplate) -> TemplateCard {
    let basis = [Some(&template.legal_basis), template.legal_clause.as_ref()];
    TemplateCard {
        code: template.code.to_string(),
        title: desk.t.pick(&template.title).to_owned(),
        purpose: template.purpose.clone(),
        purpose_text: template.purpose_text.clone().unwrap_or_default(),
        legal_basis: basis.into_iter().flatten().cloned().collect::<Vec<_>>().join(" "),
        matter: template.matter.clone(),
        valid_until: desk.node.clock.now().plus(u64::from(template.valid_days) * DAY_MS).date(),
        parts: template
            .grants
            .iter()
            .map(|part| Part {
                entry: part.entry.to_string(),
                title: desk.entry_title(&part.entry),
                items: items(desk, &part.entry, &part.items),
                mode: codes::word(&part.mode),
                daily_max: part.daily_max,
            })
            .collect(),
    }
}

/// Titles of an entry's items; the names of those that it no longer has.
fn items(desk: &Desk, entry: &EntryName, names: &[ItemName]) -> String {
    let state = desk.node.chain.state();
    let entry = state.entry(entry).map(|history| &history.current().entry);
    let title = |name: &ItemName| {
        let known = entry.and_then(|entry| entry.item(name));
        known.map_or_else(|| name.to_string(), |item| desk.t.pick(&item.title).to_owned())
    };
    names.iter().map(title).collect::<Vec<_>>().join(&desk.t.say("list-comma"))
}

/// Asks for all that a matter takes.
pub async fn ask(Posted { visitor, form }: Posted, code: Path<String>) -> Answer {
    let mut faults = Faults::default();
    let choice = choice(&visitor, &form, &mut faults);
    if !faults.is_empty() {
        return page(&visitor, FAULTY, Vec::new(), faults);
    }
    let asked = visitor.node.request_by_template(&visitor.who, &code, choice).await?;
    let results = asked.into_iter().map(|asked| result(&visitor, asked)).collect();
    page(&visitor, StatusCode::OK, results, Faults::default())
}

fn choice(desk: &Desk, form: &Fields, faults: &mut Faults) -> TemplateChoice {
    let t = desk.t;
    let mut text = |field: &str, label: &str| {
        let value = form.get(field);
        if value.chars().count() > TEXT_CHARS_MAX {
            faults.add(t, field, label, "too_long");
        }
        Some(value.to_owned()).filter(|value| !value.is_empty())
    };
    let (matter, assessment) = (text("matter", "matter"), text("assessment", "assessment"));
    let letter = form.get("letter").to_ascii_lowercase().parse().ok();
    if letter.is_none() && !form.get("letter").is_empty() {
        faults.add(t, "letter", "letter", "bad_digest");
    }
    let valid_until = end_of(form.get("valid_until"));
    match valid_until {
        None => faults.add(t, "valid_until", "valid-until", "bad_date"),
        Some(until) if until <= desk.node.clock.now() => faults.add(t, "valid_until", "valid-until", "past_date"),
        Some(_) => {}
    }
    TemplateChoice { matter, valid_until, letter, assessment }
}

fn result(desk: &Desk, asked: Asked) -> TemplateResult {
    let title = desk.entry_title(&asked.entry);
    let (mut id, mut why) = (String::new(), String::new());
    match asked.result {
        Ok(committed) => id = committed.transaction_id.to_string(),
        Err(NotAsked::NoNeed) => why = desk.t.say("template-no-need"),
        Err(NotAsked::Unavailable) => why = desk.t.say("template-unavailable"),
        Err(NotAsked::Refused(ServiceError::Invalid(found))) => {
            why = found.iter().map(|fault| told_of(desk.t, fault)).collect::<Vec<_>>().join(" ");
        }
        Err(NotAsked::Refused(error)) => {
            let text = error.to_string();
            let code = Problem::from(error).code().to_owned();
            why = desk.t.word_or("reason", &code, &text);
        }
    }
    TemplateResult { title, id, why }
}
