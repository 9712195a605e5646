//! `/catalog` as files: import into drafts, export of what is published, and many drafts in one call.

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::{Data, Json, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::catalog::{EntryState, Sharing};
use crate::ids::{DepartmentId, EntryName};
use crate::readmodel::PageRequest;
use crate::readmodel::catalog::EntryFilter;
use crate::readmodel::page::PAGE_SIZE_MAX;
use crate::service::Node;
use crate::web::extract::{ApiBody, Body, Caller, Filter, Wait, read_bytes};
use crate::web::language::Language;
use crate::web::portal::draft_document::fields;
use crate::web::portal::words::{Lang, Words};
use crate::web::problem::Problem;
use crate::web::sheets::import::{Fate, Outcome, import, import_documents};
use crate::web::sheets::{Codes, FILE_BYTES_MAX, Mark, Sheet, csv, tables, tables_of, workbook};

use super::dcat;
use super::views::catalog_files::{CodeListsAnswer, ImportAnswer, ManyAnswer, OneAnswer};

/// Entries of one export.
const EXPORT_MAX: usize = 2_000;
/// Drafts of one call.
const NAMES_MAX: usize = 200;
/// Media type of a workbook.
pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// How a file is read.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// What numbers mean that stand for sharing types in the file, as `1:unconditional,2:conditional,3:not_shared`. Systems
    /// disagree about them; without this, a number is a fault.
    sharing_codes: Option<String>,
    /// Answer with the file's marked copy (a workbook) when something is wrong with it.
    marked: Option<bool>,
}

/// A form of the catalog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FileForm {
    /// A list of documents.
    #[default]
    Json,
    /// A workbook with a sheet of entries and a sheet of items.
    Xlsx,
    /// Both as one table.
    Csv,
    /// DCAT-AP 3 in JSON-LD, with the tombstones of withdrawn entries.
    Dcat,
}

/// What to export.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Exporting {
    /// `json`, `xlsx`, `csv` or `dcat`; JSON when left out.
    #[param(value_type = Option<String>)]
    format: Option<FileForm>,
    /// Words that must all occur.
    q: Option<String>,
    /// Of this provider.
    provider: Option<DepartmentId>,
    /// Of this sharing type.
    sharing: Option<Sharing>,
    /// In this state.
    state: Option<EntryState>,
}

/// Names of drafts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    names: Vec<EntryName>,
}

impl ApiBody for Names {
    const SCHEMA: Option<&'static str> = Some("names");
}

/// The language of a file.
pub fn lang(request: &HttpRequest) -> Lang {
    match Language::of(request.headers()) {
        Language::Zh => Lang::Zh,
        Language::En => Lang::En,
    }
}

/// What numbers mean: `1:unconditional,2:conditional`.
///
/// # Errors
/// `invalid_parameter`.
pub fn codes(text: &str) -> Result<Codes, Problem> {
    let pair = |part: &str| {
        let (number, word) = part.split_once(':')?;
        let known = ["unconditional", "conditional", "not_shared"].contains(&word.trim());
        known.then(|| (number.trim().to_owned(), word.trim().to_owned()))
    };
    let wrong =
        || Problem::new("invalid_parameter").detail("sharing_codes is like 1:unconditional,2:conditional,3:not_shared");
    text.split(',').filter(|part| !part.trim().is_empty()).map(|part| pair(part).ok_or_else(wrong)).collect()
}

/// What a file may call itself; what it is, its first bytes tell.
const MEDIA: [&str; 4] = ["application/octet-stream", XLSX, "text/csv", "application/json"];

/// **Permissions**: clerk of the provider.
pub async fn take(
    node: Data<Node>,
    caller: Caller,
    query: Filter<Reading>,
    request: HttpRequest,
    body: Payload,
) -> Result<HttpResponse, Problem> {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = content_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if !MEDIA.contains(&media) {
        let detail = "send Content-Type: application/octet-stream, or the file's own";
        return Err(Problem::new("unsupported_media_type").detail(detail));
    }
    let numbers = codes(query.0.sharing_codes.as_deref().unwrap_or_default())?;
    let bytes = read_bytes(body.into_inner(), FILE_BYTES_MAX).await?;
    let lang = lang(&request);
    let begin = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if matches!(begin, Some(b'{' | b'[')) {
        return Ok(HttpResponse::Ok().json(ImportAnswer::of(import_documents(&node, &caller.0, &bytes).await?)));
    }
    let read = actix_web::web::block(move || tables(&bytes)).await.map_err(Problem::internal)?;
    let read = read.map_err(|error| Problem::new("malformed").detail(error.to_string()))?;
    let outcomes = import(&node, &caller.0, &read, &numbers, Words::of(lang)).await;
    if query.0.marked == Some(true) && outcomes.iter().any(|outcome| outcome.fate == Fate::Failed) {
        let marks: Vec<Mark> = outcomes.into_iter().flat_map(|outcome| outcome.marks).collect();
        let book = workbook(&read, &marks, lang).map_err(Problem::internal)?;
        return Ok(file(XLSX, "catalog-marked.xlsx", book));
    }
    Ok(HttpResponse::Ok().json(ImportAnswer::of(outcomes)))
}

fn file(content_type: &str, name: &str, bytes: Vec<u8>) -> HttpResponse {
    let disposition = format!("attachment; filename=\"{name}\"");
    HttpResponse::Ok().content_type(content_type).insert_header((CONTENT_DISPOSITION, disposition)).body(bytes)
}

/// **Permissions**: everybody signed in.
pub async fn export(
    node: Data<Node>,
    _: Caller,
    query: Filter<Exporting>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let Exporting { format, q, provider, sharing, state } = query.0;
    let filter = EntryFilter { q, provider, sharing, state, ..EntryFilter::default() };
    let entries = node.export(filter, EXPORT_MAX).await?;
    let lang = lang(&request);
    let written = || tables_of(&entries.iter().map(fields).collect::<Vec<_>>(), lang);
    match format.unwrap_or_default() {
        FileForm::Dcat => dcat_of(&node, &entries).await,
        FileForm::Json => Ok(HttpResponse::Ok().json(Exported { entries: &entries })),
        FileForm::Xlsx => Ok(file(XLSX, "catalog.xlsx", workbook(&written(), &[], lang).map_err(Problem::internal)?)),
        FileForm::Csv => {
            Ok(file("text/csv; charset=utf-8", "catalog.csv", csv(&written(), lang).map_err(Problem::internal)?))
        }
    }
}

async fn dcat_of(node: &Node, entries: &[crate::domain::catalog::Entry]) -> Result<HttpResponse, Problem> {
    let gone = node.tombstones(0, PageRequest { cursor: None, size: Some(PAGE_SIZE_MAX) }).await?;
    let state = node.chain.state();
    let names = |id: &DepartmentId| state.department(id).map(|known| known.name.clone()).unwrap_or_default();
    let (city, authority) =
        state.genesis().map(|genesis| (genesis.city.clone(), names(&genesis.authority))).unwrap_or_default();
    let document = dcat::catalog(&city, &authority, &node.config.web.public_url(), entries, &gone.items, &names);
    Ok(HttpResponse::Ok().content_type(dcat::LD_JSON).body(document.to_string()))
}

#[derive(Serialize)]
struct Exported<'a> {
    entries: &'a [crate::domain::catalog::Entry],
}

/// **Permissions**: everybody signed in.
pub async fn code_lists(node: Data<Node>, _: Caller) -> Json<CodeListsAnswer> {
    Json(CodeListsAnswer::of(node.code_lists()))
}

/// **Permissions**: everybody signed in.
pub async fn template(_: Caller, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let lang = lang(&request);
    let book = workbook(&tables_of(&[], lang), &[], lang).map_err(Problem::internal)?;
    Ok(file(XLSX, "catalog-template.xlsx", book))
}

/// **Permissions**: clerk of the provider.
pub async fn submit(
    node: Data<Node>,
    caller: Caller,
    _: Wait,
    names: Body<Names>,
) -> Result<Json<ManyAnswer>, Problem> {
    let mut items = Vec::new();
    for name in names.0.names.into_iter().take(NAMES_MAX) {
        let done = node.submit_entry(&caller.0, &name).await.map(|_| None);
        items.push(OneAnswer::of(name, done));
    }
    Ok(Json(ManyAnswer { items }))
}

/// **Permissions**: reviewer of the provider, not the drafts' author.
pub async fn approve(
    node: Data<Node>,
    caller: Caller,
    _: Wait,
    names: Body<Names>,
) -> Result<Json<ManyAnswer>, Problem> {
    let mut items = Vec::new();
    for name in names.0.names.into_iter().take(NAMES_MAX) {
        let done = node.approve_entry(&caller.0, &name).await.map(Some);
        items.push(OneAnswer::of(name, done));
    }
    Ok(Json(ManyAnswer { items }))
}

/// The number of outcomes of a fate.
pub fn count(outcomes: &[Outcome], fate: Fate) -> u64 {
    u64::try_from(outcomes.iter().filter(|outcome| outcome.fate == fate).count()).unwrap_or(u64::MAX)
}

/// The word for a table.
pub fn sheet_word(sheet: Sheet) -> &'static str {
    match sheet {
        Sheet::Entries => "entries",
        Sheet::Items => "items",
    }
}
