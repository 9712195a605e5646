//! The catalog: search, one entry, its end.

use actix_web::web::Path;

use crate::domain::Role;
use crate::domain::catalog::{EntryState, Sharing};
use crate::ids::{DepartmentId, EntryName, Slug, Version};
use crate::readmodel::PageRequest;
use crate::readmodel::catalog::{EntryFilter, EntrySummary, EntryView};
use crate::service::catalog::EndingRequest;
use crate::web::problem::Problem;

use super::codes;
use super::desk::{Desk, Visitor};
use super::entry_body::body;
use super::form::{Fields, Posted};
use super::listing::{cursor, departments, pager};
use super::render::Answer;
use super::views::catalog::{Catalog, CatalogResults, Ending, EntryPage, EntryRow, VersionRow};

const PAGE_SIZE: u32 = 20;

/// Search and filters.
pub async fn catalog(visitor: Visitor) -> Answer {
    let results = results(&visitor).await?;
    if visitor.partial {
        return visitor.show(&results);
    }
    let query = &visitor.query;
    let view = Catalog {
        page: visitor.page(),
        t: visitor.t,
        q: query.get("q").to_owned(),
        providers: departments(&visitor, query.get("provider")),
        sharing: query.get("sharing").to_owned(),
        state: query.get("state").to_owned(),
        level: query.get("level").to_owned(),
        results,
    };
    visitor.show(&view)
}

async fn results(visitor: &Visitor) -> Result<CatalogResults, Problem> {
    let query = &visitor.query;
    let filter = EntryFilter {
        q: Some(query.get("q").to_owned()).filter(|q| !q.is_empty()),
        provider: query.get("provider").parse().ok(),
        sharing: codes::value(query.get("sharing")),
        state: codes::value(query.get("state")),
        level: codes::value(query.get("level")),
        page: PageRequest { cursor: cursor(query), size: Some(PAGE_SIZE) },
    };
    let page = visitor.node.entries(filter).await?;
    let fields = ["q", "provider", "sharing", "state", "level"];
    let (first_href, next_href) = pager("/catalog", query, &fields, page.next_cursor.as_deref());
    Ok(CatalogResults {
        t: visitor.t,
        rows: page.items.iter().map(|entry| row(visitor, entry)).collect(),
        ledger_index: page.ledger_index,
        first_href,
        next_href,
    })
}

fn row(desk: &Desk, entry: &EntrySummary) -> EntryRow {
    EntryRow {
        id: entry.id.to_string(),
        title: desk.t.pick(&entry.name).to_owned(),
        summary: desk.t.pick(&entry.summary).to_owned(),
        provider: desk.department(&entry.provider),
        version: entry.version.to_string(),
        state: entry.state.as_str().to_owned(),
        sharing: entry.sharing.as_str().to_owned(),
        level: codes::word(&entry.level),
        grade: entry.grade,
        updated: entry.published_at.date(),
    }
}

/// Reads the two parts of an entry's name in an address.
fn entry_name((provider, name): (DepartmentId, Slug)) -> EntryName {
    EntryName { provider, name }
}

/// One entry.
pub async fn entry(visitor: Visitor, path: Path<(DepartmentId, Slug)>) -> Answer {
    let name = entry_name(path.into_inner());
    let version = Some(visitor.query.get("version")).filter(|version| !version.is_empty());
    let version: Option<Version> =
        version.map(str::parse).transpose().map_err(|_| Problem::new("invalid_parameter"))?;
    let view = visitor.node.entry(name, version).await?;
    visitor.show(&entry_page(&visitor, &view))
}

fn entry_page(desk: &Desk, view: &EntryView) -> EntryPage {
    let entry = &view.entry;
    let own = desk.is_own(&entry.name.provider);
    let current = view.current_version == entry.version;
    let served = view.state != EntryState::Withdrawn;
    let clerks = desk.is(Role::Clerk) || desk.is(Role::Reviewer);
    let ending = view.ending.as_ref().map(|ending| Ending {
        reason: ending.reason.clone(),
        successor: ending.successor.as_ref().map(ToString::to_string),
        at: ending.at.local_text(),
    });
    let version = |known: &crate::readmodel::catalog::VersionView| VersionRow {
        version: known.version.to_string(),
        at: known.publication.published_at.local_text(),
        drafted_by: known.publication.drafted_by.user.clone(),
        approved_by: known.publication.approved_by.user.clone(),
        transaction: known.publication.transaction_id.to_string(),
        index: known.publication.ledger_index,
        shown: known.version == entry.version,
    };
    EntryPage {
        page: desk.page_at(&format!("/catalog/{}", entry.name)),
        t: desk.t,
        entry: body(desk, entry, view.state.as_str()),
        ending,
        versions: view.history.iter().map(version).collect(),
        may_request: clerks
            && !own
            && current
            && view.state == EntryState::Published
            && entry.sharing == Sharing::Conditional,
        may_query: desk.is(Role::Clerk) && served && current && entry.sharing != Sharing::NotShared,
        may_change: own && served && desk.is(Role::Clerk),
        may_end: own && served && current && desk.is(Role::Reviewer),
    }
}

fn ending(form: &Fields) -> Result<EndingRequest, Problem> {
    let successor = Some(form.get("successor")).filter(|successor| !successor.is_empty());
    let successor = successor.map(str::parse).transpose().map_err(|_| wrong("/successor", "is not provider/name"))?;
    Ok(EndingRequest { reason: form.reason()?, successor })
}

fn wrong(pointer: &str, message: &str) -> Problem {
    Problem::unprocessable(vec![crate::domain::schema::Fault::new(pointer, message)])
}

/// Points to something better.
pub async fn deprecate(Posted { visitor, form }: Posted, path: Path<(DepartmentId, Slug)>) -> Answer {
    let name = entry_name(path.into_inner());
    let committed = visitor.node.deprecate_entry(&visitor.who, &name, ending(&form)?).await?;
    visitor.done(&format!("/catalog/{name}"), "entry_deprecated", Some(committed.transaction_id))
}

/// Ends an entry.
pub async fn withdraw(Posted { visitor, form }: Posted, path: Path<(DepartmentId, Slug)>) -> Answer {
    let name = entry_name(path.into_inner());
    let committed = visitor.node.withdraw_entry(&visitor.who, &name, ending(&form)?).await?;
    visitor.done(&format!("/catalog/{name}"), "entry_withdrawn", Some(committed.transaction_id))
}
