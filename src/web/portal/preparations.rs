//! Certificates by hand: a clerk fills in the form that the type makes, a reviewer issues; and the types themselves.

use actix_web::http::StatusCode;
use actix_web::web::Path;
use serde_json::{Map, Value};

use crate::domain::Role;
use crate::domain::certificate::Operation;
use crate::domain::certificate_type::CertificateType;
use crate::domain::schema;
use crate::ids::{Slug, TxId};
use crate::readmodel::local::preparations::PreparationState;
use crate::service::ServiceError;
use crate::service::certificates::Holder;
use crate::service::certificates::preparations::{PreparationView, Preparing};
use crate::web::problem::Problem;

use super::codes;
use super::desk::{Desk, Visitor};
use super::form::{Fields, Posted};
use super::render::{Answer, FAULTY};
use super::told::told;
use super::views::certificate::{CertificateForm, PreparationRow, PreparedPage, TypeRow, TypesPage};
use super::views::{Fault, Faults, Field};
use super::words::Words;

/// What waits for a reviewer; nothing for who may not see it.
pub(super) async fn waiting(visitor: &Visitor) -> Result<Vec<PreparationRow>, Problem> {
    match visitor.node.certificate_preparations(&visitor.who).await {
        Ok(waiting) => Ok(waiting.iter().map(|view| row(visitor, view)).collect()),
        Err(ServiceError::Refused(_)) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

fn row(desk: &Desk, view: &PreparationView) -> PreparationRow {
    let kind = published(desk, &view.body.kind);
    PreparationRow {
        id: view.kept.id.to_string(),
        type_name: kind.map_or_else(|| view.body.kind.to_string(), |kind| desk.t.pick(&kind.title).to_owned()),
        operation: view.body.operation.as_str().to_owned(),
        holder: view.body.holder.name.clone(),
        prepared_by: view.kept.prepared_by.user.clone(),
        prepared_at: view.kept.prepared_at.local_text(),
    }
}

fn published(desk: &Desk, name: &Slug) -> Option<CertificateType> {
    let state = desk.node.chain.state();
    state.certificate_type_newest(&desk.node.department, name).map(|known| known.document.clone())
}

/// The form of a type; filled with what its predecessor says, where it has one.
pub async fn new(visitor: Visitor) -> Answer {
    let query = &visitor.query;
    let predecessor = query.get("predecessor");
    let mut sent = Fields::default();
    let mut kind = query.get("type").to_owned();
    if !predecessor.is_empty() {
        let detail = visitor.node.certificate(&visitor.who, predecessor).await?;
        kind = detail.certificate.issue.details.map(|details| details.kind.name.to_string()).unwrap_or_default();
        let subject = detail.document.as_ref().and_then(|document| document.get("credentialSubject"));
        sent = of_document(subject.unwrap_or(&Value::Null));
    }
    let kind = kind.parse().ok().and_then(|name| published(&visitor, &name));
    let kind = kind.ok_or_else(|| Problem::new("not_found"))?;
    let operation = codes::value(query.get("operation")).unwrap_or(Operation::New);
    form(&visitor, StatusCode::OK, &kind, operation, predecessor, &sent, Faults::default())
}

fn of_document(subject: &Value) -> Fields {
    let holder = |name: &str| subject.get("holder").and_then(|holder| holder.get(name)?.as_str()).unwrap_or_default();
    let mut pairs =
        vec![("holder_code".to_owned(), holder("code").to_owned()), ("holder_name".into(), holder("name").into())];
    for (name, value) in subject.get("fields").and_then(Value::as_object).into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        pairs.push((format!("field-{name}"), text));
    }
    Fields::of(pairs)
}

fn form(
    desk: &Desk,
    status: StatusCode,
    kind: &CertificateType,
    operation: Operation,
    predecessor: &str,
    sent: &Fields,
    faults: Faults,
) -> Answer {
    let required = |name: &str| {
        let names = kind.fields.get("required").and_then(Value::as_array);
        names.is_some_and(|names| names.iter().any(|one| one == name))
    };
    let field = |name: &str| {
        let schema = kind.fields.get("properties")?.get(name)?;
        let format = schema.get("format").or_else(|| schema.get("type"))?.as_str()?;
        Some(Field {
            name: name.to_owned(),
            label: desk.t.pick(&kind.field_title(name)?).to_owned(),
            hint: desk.t.word_or("format", format, ""),
            value: sent.get(&format!("field-{name}")).to_owned(),
            required: required(name),
        })
    };
    let names = kind.sections.iter().flat_map(|section| &section.fields);
    let view = CertificateForm {
        page: desk.page_at("/certificates/new"),
        t: desk.t,
        kind: kind.name.to_string(),
        type_name: desk.t.pick(&kind.title).to_owned(),
        operation: operation.as_str().to_owned(),
        predecessor: predecessor.to_owned(),
        code_title: desk.t.pick(&kind.holder_kind.title()).to_owned(),
        holder_code: sent.get("holder_code").to_owned(),
        holder_name: sent.get("holder_name").to_owned(),
        fields: names.filter_map(|name| field(name.as_str())).collect(),
        faults,
    };
    desk.show_as(status, &view)
}

/// Keeps what a clerk filled in.
pub async fn prepare(Posted { visitor, form: sent }: Posted) -> Answer {
    let kind = sent.get("type").parse().ok().and_then(|name| published(&visitor, &name));
    let kind = kind.ok_or_else(|| Problem::new("not_found"))?;
    let operation = codes::value(sent.get("operation")).unwrap_or(Operation::New);
    let predecessor = Some(sent.get("predecessor").to_owned()).filter(|text| !text.is_empty());
    let body = Preparing {
        kind: kind.name.clone(),
        operation,
        predecessor: predecessor.clone(),
        holder: Holder { code: sent.get("holder_code").to_owned(), name: sent.get("holder_name").to_owned() },
        fields: values(&kind, &sent),
    };
    let faults = match visitor.node.prepare_certificate(&visitor.who, body).await {
        Ok(view) => {
            let href = format!("/certificates/prepared/{}", view.kept.id);
            return visitor.done(&href, "certificate_prepared", None);
        }
        Err(ServiceError::Invalid(faults)) => faults,
        Err(error) => return Err(error.into()),
    };
    let faults = Faults(faults.iter().map(|fault| shown(visitor.t, &kind, fault)).collect());
    form(&visitor, FAULTY, &kind, operation, predecessor.as_deref().unwrap_or_default(), &sent, faults)
}

/// What is written into a field, as its schema wants it; what does not fit stays text and is refused.
fn values(kind: &CertificateType, sent: &Fields) -> Map<String, Value> {
    let mut values = Map::new();
    let fields = kind.fields.get("properties").and_then(Value::as_object);
    for (name, schema) in fields.into_iter().flatten() {
        let text = sent.get(&format!("field-{name}"));
        if text.is_empty() {
            continue;
        }
        let value = match schema.get("type").and_then(Value::as_str) {
            Some("integer") => text.parse::<i64>().map_or_else(|_| text.into(), Value::from),
            Some("boolean") => text.parse::<bool>().map_or_else(|_| text.into(), Value::from),
            _ => text.into(),
        };
        values.insert(name.clone(), value);
    }
    values
}

/// A fault at its field, by the field's own label.
fn shown(t: Words, kind: &CertificateType, fault: &schema::Fault) -> Fault {
    let label = |field: &str| kind.field_title(field).map(|title| t.pick(&title).to_owned());
    let place = fault.place();
    let (field, called) = match place.as_str() {
        "/holder/code" => ("holder_code".to_owned(), t.pick(&kind.holder_kind.title()).to_owned()),
        "/holder/name" => ("holder_name".to_owned(), t.say("certificate-holder-name")),
        "/predecessor" => {
            ("holder_name".to_owned(), t.say("certificate-predecessor").trim_end_matches(['：', ':', ' ']).to_owned())
        }
        _ => {
            let field = place.strip_prefix("/fields/").and_then(|rest| rest.split('/').next()).unwrap_or_default();
            (format!("field-{field}"), label(field).unwrap_or_else(|| field.to_owned()))
        }
    };
    Fault { field, message: format!("{called}{}{}", t.say("colon"), told(t, fault, label)) }
}

/// A preparation, to be looked through and issued.
pub async fn show(visitor: Visitor, id: Path<TxId>) -> Answer {
    let view = visitor.node.certificate_preparation(&visitor.who, *id).await?;
    let kind = published(&visitor, &view.body.kind);
    let own = visitor.is_user(&view.kept.prepared_by.user);
    let open = view.kept.state == PreparationState::Prepared;
    let code_title = kind.as_ref().map(|kind| visitor.t.pick(&kind.holder_kind.title()).to_owned());
    let mut fields = vec![
        (visitor.t.say("certificate-holder-name"), view.body.holder.name.clone()),
        (code_title.unwrap_or_default(), view.body.holder.code.clone()),
    ];
    for (name, value) in &view.body.fields {
        let title = kind.as_ref().and_then(|kind| kind.field_title(name));
        let title = title.map_or_else(|| name.clone(), |title| visitor.t.pick(&title).to_owned());
        fields.push((title, value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
    }
    visitor.show(&PreparedPage {
        page: visitor.page(),
        t: visitor.t,
        row: row(&visitor, &view),
        state: view.kept.state.as_str().to_owned(),
        predecessor: view.body.predecessor.clone(),
        fields,
        identifier: view.kept.identifier.clone(),
        may_issue: open && !own && visitor.is(Role::Reviewer),
        own: open && own,
    })
}

/// Issues it.
pub async fn issue(Posted { visitor, .. }: Posted, id: Path<TxId>) -> Answer {
    let issued = visitor.node.issue_preparation(&visitor.who, *id).await?;
    let href = format!("/certificates/{}", issued.identifier);
    visitor.done(&href, "certificate_issued", Some(issued.committed.transaction_id))
}

/// Puts it aside.
pub async fn discard(Posted { visitor, .. }: Posted, id: Path<TxId>) -> Answer {
    visitor.node.discard_preparation(&visitor.who, *id).await?;
    visitor.done("/certificates", "certificate_discarded", None)
}

/// Types of the city.
pub async fn types(visitor: Visitor) -> Answer {
    let types = visitor.node.certificate_types().await?;
    let row = |view: crate::service::certificates::types::TypeView| TypeRow {
        name: view.document.name.to_string(),
        title: visitor.t.pick(&view.document.title).to_owned(),
        department: visitor.department(&view.department),
        type_code: view.document.type_code.clone(),
        version: view.version.map(|version| version.to_string()).unwrap_or_default(),
        may_publish: view.waiting.is_some() && visitor.is(Role::Reviewer),
        waiting: view.waiting.map(|file| file.version.to_string()).unwrap_or_default(),
    };
    let rows = types.into_iter().map(row).collect();
    visitor.show(&TypesPage { page: visitor.page(), t: visitor.t, rows })
}

/// Publishes what the department's file says of a type.
pub async fn publish(Posted { visitor, .. }: Posted, name: Path<Slug>) -> Answer {
    let committed = visitor.node.publish_certificate_type(&visitor.who, &name).await?;
    visitor.done("/certificates/types", "certificate_type_published", Some(committed.transaction_id))
}
