//! A query by hand: choose an entry, state why, see rows or the refusal.

use actix_web::http::StatusCode;
use serde_json::{Map, Value};

use crate::domain::access::{CASE_ID_CHARS_MAX, CAUSE_CHARS_MAX};
use crate::domain::catalog::{Entry, EntryState, Sharing};
use crate::domain::grant::{Grant, GrantState};
use crate::domain::schema::Fault;
use crate::exchange::{QueryAnswer, QueryError};
use crate::ids::{EntryName, ItemName};
use crate::readmodel::PageRequest;
use crate::readmodel::catalog::{EntryFilter, EntrySummary};
use crate::service::ServiceError;
use crate::service::queries::QueryRequest;
use crate::web::problem::Problem;

use super::desk::{Desk, Visitor};
use super::entry_body::parameters;
use super::form::{Fields, Posted};
use super::grant_request::purposes;
use super::render::{Answer, FAULTY};
use super::rows::table;
use super::told::told;
use super::views::query::{QueryForm, QueryPage, QueryResult};
use super::views::{Choice, Faults, Field};
use super::words::Words;

/// Entries to choose from; the catalog leads to the others.
const ENTRIES_MAX: u32 = 200;

/// The form of an entry.
pub async fn new(visitor: Visitor) -> Answer {
    let wanted: Option<EntryName> = visitor.query.get("entry").parse().ok();
    let form = match &wanted {
        Some(name) => Some(form(&visitor, &entry(&visitor, name).await?, &Fields::default())),
        None => None,
    };
    page(&visitor, StatusCode::OK, wanted.as_ref(), form, Faults::default(), None).await
}

async fn entry(desk: &Desk, name: &EntryName) -> Result<Entry, Problem> {
    Ok(desk.node.entry(name.clone(), None).await?.entry)
}

/// Entries to choose from.
///
/// # Errors
/// The database's.
pub(super) async fn choices(
    desk: &Desk,
    chosen: Option<&EntryName>,
    is_offered: impl Fn(&EntrySummary) -> bool,
) -> Result<Vec<Choice>, Problem> {
    let filter = EntryFilter { page: PageRequest { cursor: None, size: Some(ENTRIES_MAX) }, ..EntryFilter::default() };
    let known = desk.node.entries(filter).await?.items;
    let choice = |entry: &EntrySummary| Choice {
        value: entry.id.to_string(),
        label: desk.t.pick(&entry.name).to_owned(),
        chosen: Some(&entry.id) == chosen,
    };
    Ok(known.iter().filter(|entry| is_offered(entry)).map(choice).collect())
}

async fn page(
    desk: &Desk,
    status: StatusCode,
    chosen: Option<&EntryName>,
    form: Option<QueryForm>,
    faults: Faults,
    result: Option<QueryResult>,
) -> Answer {
    let may_be_asked =
        |entry: &EntrySummary| entry.sharing != Sharing::NotShared && entry.state != EntryState::Withdrawn;
    let entries = choices(desk, chosen, may_be_asked).await?;
    let path = chosen.map_or_else(|| "/query".to_owned(), |name| format!("/query?entry={name}"));
    let view = QueryPage { page: desk.page_at(&path), t: desk.t, entries, form, faults, result };
    desk.show_whole(status, &view)
}

/// The grants under which this department may ask now, newest first.
fn active_grants(desk: &Desk, entry: &Entry) -> Vec<Grant> {
    let now = desk.node.clock.now();
    let state = desk.node.chain.state();
    let grants = state.grants_of(&desk.node.department, &entry.name);
    grants.filter(|grant| grant.state(now) == GrantState::Active).cloned().collect()
}

fn form(desk: &Desk, entry: &Entry, sent: &Fields) -> QueryForm {
    let (grants, now) = (active_grants(desk, entry), desk.node.clock.now());
    let given = grants.first().into_iter().flat_map(|grant| {
        let items = grant.approval().into_iter().flat_map(|approval| &approval.items);
        items.map(|item| &item.name).filter(move |name| grant.gives(name, now))
    });
    let granted: Vec<&ItemName> = given.collect();
    let mut purposes = purposes(desk);
    if !grants.is_empty() {
        purposes.retain(|purpose| grants.iter().any(|grant| *grant.request.purpose == *purpose.value));
    }
    let first_purpose = grants.first().map(|grant| grant.request.purpose.to_string());
    let typed = |name: &str| Some(sent.get(name).to_owned()).filter(|value| !value.is_empty());
    let item = |item: &crate::domain::catalog::Item| Choice {
        value: item.name.to_string(),
        label: desk.t.pick(&item.title).to_owned(),
        chosen: if sent.pairs().is_empty() {
            granted.is_empty() || granted.contains(&&item.name)
        } else {
            sent.all("items").any(|name| name == item.name.as_str())
        },
    };
    let offered = entry.items.iter().filter(|item| granted.is_empty() || granted.contains(&&item.name));
    QueryForm {
        entry: entry.name.to_string(),
        entry_title: desk.t.pick(&entry.title).to_owned(),
        sharing: entry.sharing.as_str().to_owned(),
        purposes,
        purpose: typed("purpose").or(first_purpose).unwrap_or_default(),
        cause: sent.get("cause").to_owned(),
        case_id: sent.get("case_id").to_owned(),
        params: params(desk, entry, sent),
        items: offered.map(item).collect(),
    }
}

fn params(desk: &Desk, entry: &Entry, sent: &Fields) -> Vec<Field> {
    let field = |row: super::views::catalog::ParameterRow| Field {
        value: sent.get(&format!("param-{}", row.name)).to_owned(),
        label: if row.description.is_empty() { row.name.clone() } else { row.description },
        hint: desk.t.word_or("fill", &row.kind, &desk.t.word("format", &row.kind)),
        required: row.required,
        name: row.name,
    };
    parameters(&entry.request_schema).into_iter().map(field).collect()
}

/// Asks, and shows what came of it.
pub async fn ask(Posted { visitor, form: sent }: Posted) -> Answer {
    let name: EntryName = sent.get("entry").parse().map_err(|_| Problem::new("unknown_entry"))?;
    let entry = entry(&visitor, &name).await?;
    let mut faults = check(&visitor, &entry, &sent);
    if faults.is_empty() {
        match visitor.node.query(&visitor.who, name.clone(), request(&entry, &sent)).await {
            Ok(answer) => return show(&visitor, StatusCode::OK, &entry, &sent, rows(&visitor, &entry, answer)).await,
            Err(ServiceError::Query(QueryError::Unprocessable(found))) => {
                let params = params(&visitor, &entry, &sent);
                found.iter().for_each(|fault| place(visitor.t, &params, fault, &mut faults));
            }
            Err(ServiceError::Query(error)) => {
                let result = refusal(&visitor, &name, error)?;
                return show(&visitor, StatusCode::FORBIDDEN, &entry, &sent, result).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    let form = form(&visitor, &entry, &sent);
    page(&visitor, FAULTY, Some(&name), Some(form), faults, None).await
}

async fn show(desk: &Desk, status: StatusCode, entry: &Entry, sent: &Fields, result: QueryResult) -> Answer {
    if desk.partial {
        return desk.show(&result);
    }
    page(desk, status, Some(&entry.name), Some(form(desk, entry, sent)), Faults::default(), Some(result)).await
}

fn check(desk: &Desk, entry: &Entry, sent: &Fields) -> Faults {
    let mut faults = Faults::default();
    for field in params(desk, entry, sent).iter().filter(|field| field.required && field.value.is_empty()) {
        faults.add_named(desk.t, &format!("param-{}", field.name), &field.label, "required");
    }
    for (field, label, max) in [("purpose", "purpose", 64), ("cause", "cause", CAUSE_CHARS_MAX)] {
        let length = sent.get(field).chars().count();
        if length == 0 || length > max {
            faults.add(desk.t, field, label, if length == 0 { "required" } else { "too_long" });
        }
    }
    if sent.get("case_id").chars().count() > CASE_ID_CHARS_MAX {
        faults.add(desk.t, "case_id", "case-number", "too_long");
    }
    faults
}

fn request(entry: &Entry, sent: &Fields) -> QueryRequest {
    let mut params = Map::new();
    for row in parameters(&entry.request_schema) {
        let typed = sent.get(&format!("param-{}", row.name));
        if !typed.is_empty() {
            params.insert(row.name, typed_value(&row.kind, typed));
        }
    }
    QueryRequest {
        version: None,
        purpose: sent.get("purpose").to_owned(),
        cause: sent.get("cause").to_owned(),
        case_id: Some(sent.get("case_id").to_owned()).filter(|id| !id.is_empty()),
        params: Value::Object(params),
        items: sent.all("items").filter_map(|name| name.parse().ok()).collect(),
        cursor: None,
    }
}

/// A typed value as the schema's type wants it; as text when it does not fit, which the schema then says.
fn typed_value(kind: &str, typed: &str) -> Value {
    let text = || Value::from(typed);
    match kind {
        "integer" => typed.parse::<i64>().map_or_else(|_| text(), Value::from),
        "number" => typed.parse::<f64>().map_or_else(|_| text(), Value::from),
        "boolean" => typed.parse::<bool>().map_or_else(|_| text(), Value::from),
        _ => text(),
    }
}

/// Tells a fault at its field, by the field's own label.
fn place(t: Words, params: &[Field], fault: &Fault, faults: &mut Faults) {
    let label = |name: &str| params.iter().find(|field| field.name == name).map(|field| field.label.clone());
    let (said, at) = (told(t, fault, label), fault.place());
    let mut parts = at.split('/').skip(1);
    let (field, label) = match (parts.next().unwrap_or_default(), parts.next()) {
        ("params", Some(name)) => (format!("param-{name}"), label(name).unwrap_or_else(|| name.to_owned())),
        ("cause", _) => ("cause".to_owned(), t.say("cause")),
        ("case_id", _) => ("case_id".to_owned(), t.say("case-number")),
        ("items", _) => ("items".to_owned(), t.say("query-items")),
        ("purpose", _) => ("purpose".to_owned(), t.say("purpose")),
        _ => ("purpose".to_owned(), t.say("entry-parameters")),
    };
    faults.tell(t, &field, &label, &said);
}

fn rows(desk: &Desk, entry: &Entry, answer: QueryAnswer) -> QueryResult {
    let (columns, rows) = table(desk.t, Some(entry), &answer.rows);
    QueryResult {
        t: desk.t,
        decision: "allowed".to_owned(),
        columns,
        rows,
        more: answer.next_cursor.is_some(),
        rule: answer.rule,
        grant_id: answer.grant_id.map(|id| id.to_string()).unwrap_or_default(),
        access_id: answer.access_id.to_string(),
        ledger_index: answer.ledger_index,
        entry: entry.name.to_string(),
        ..QueryResult::default()
    }
}

/// What a refusal shows. Failures that are no refusals are problems.
fn refusal(desk: &Desk, entry: &EntryName, error: QueryError) -> Result<QueryResult, Problem> {
    let refused = QueryResult {
        t: desk.t,
        decision: "refused".to_owned(),
        entry: entry.to_string(),
        ledger_index: desk.node.chain.size(),
        ..QueryResult::default()
    };
    match error {
        QueryError::Refused { access_id, explanation } => Ok(QueryResult {
            reasons: explanation.reasons.iter().map(|reason| reason.code.clone()).collect(),
            detail: unknown_reasons(desk, &explanation.reasons),
            rule: explanation.rule,
            grant_id: explanation.grant.map(|id| id.to_string()).unwrap_or_default(),
            access_id: access_id.to_string(),
            ledger_index: explanation.ledger_index,
            ..refused
        }),
        QueryError::QuotaExceeded { access_id, .. } => {
            Ok(QueryResult { reasons: vec!["quota_exceeded".to_owned()], access_id: access_id.to_string(), ..refused })
        }
        QueryError::RateExceeded { access_id, .. } => {
            Ok(QueryResult { reasons: vec!["rate_exceeded".to_owned()], access_id: access_id.to_string(), ..refused })
        }
        other => Err(other.into()),
    }
}

/// What the provider says of reasons that this portal has no words for.
fn unknown_reasons(desk: &Desk, reasons: &[crate::exchange::ReasonText]) -> String {
    let strange = reasons.iter().filter(|reason| desk.t.word("reason", &reason.code) == reason.code);
    strange.map(|reason| desk.t.pick(&reason.text)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::schema::{FaultCode, Schema};
    use crate::web::portal::told::tests::is_english;
    use crate::web::portal::words::Lang;

    fn told(lang: Lang, document: &Value) -> Vec<(String, String)> {
        let text = include_str!("../../../schemas/interfaces/planning-resources/real-estate-title.request.json");
        let schema: Value = serde_json::from_str(text).unwrap();
        let field = |row: crate::web::portal::views::catalog::ParameterRow| Field {
            name: row.name,
            label: row.description,
            ..Field::default()
        };
        let params: Vec<Field> = parameters(&schema).into_iter().map(field).collect();
        let mut faults = Faults::default();
        for fault in Schema::compile(&schema).unwrap().check(document) {
            place(Words::of(lang), &params, &fault.within("/params"), &mut faults);
        }
        faults.0.into_iter().map(|fault| (fault.field, fault.message)).collect()
    }

    #[test]
    fn a_mistyped_parameter_is_told_at_its_field_once() {
        let of = |lang, document: Value| told(lang, &document).swap_remove(0);
        let mistyped = || json!({"id_number": "340524198001010011"});
        let (field, text) = of(Lang::Zh, mistyped());
        assert_eq!(field, "param-id_number");
        assert_eq!(text, "公民身份号码：不是有效的公民身份号码：校验码不符，请与原件核对。");
        assert!(is_english(&of(Lang::En, mistyped()).1));
        // Too short is wrong in two ways, of which one is enough.
        assert_eq!(told(Lang::Zh, &json!({"id_number": "1"})).len(), 1);
        let (field, text) = of(Lang::Zh, json!({}));
        assert_eq!(field, "param-unit_number");
        assert_eq!(text, "不动产单元号：请至少填写其中一项：不动产单元号、公民身份号码。");
        let strange = json!({"id_number": 7, "unit_number": "1", "colour": "red"});
        for (field, text) in told(Lang::Zh, &strange) {
            assert!(!is_english(&text), "{field}: {text}");
        }
    }

    #[test]
    fn what_is_wrong_beside_the_parameters_stands_at_its_own_field() {
        let t = Words::of(Lang::Zh);
        let mut faults = Faults::default();
        for (code, pointer) in [
            (FaultCode::ControlCharacter, "/cause"),
            (FaultCode::NotOffered, "/items/3"),
            (FaultCode::UnknownCase, "/case_id"),
            (FaultCode::TooLong, ""),
        ] {
            place(t, &[], &Fault::of(code, pointer, "x"), &mut faults);
        }
        let fields: Vec<&str> = faults.all().iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["cause", "items", "case_id", "purpose"]);
        assert!(faults.all().iter().all(|fault| !is_english(&fault.message)));
    }
}
