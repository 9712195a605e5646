//! The catalog: search, one entry, its end.

use actix_web::web::Path;

use crate::domain::Role;
use crate::domain::catalog::{EntryState, Sharing};
use crate::domain::schema::{Fault, FaultCode};
use crate::ids::{DepartmentId, EntryName, Slug, Version};
use crate::readmodel::PageRequest;
use crate::readmodel::catalog::{EntryFilter, EntrySummary, EntryView};
use crate::readmodel::classes::ClassGroup;
use crate::service::catalog::EndingRequest;
use crate::web::problem::Problem;

use super::codes;
use super::desk::{Desk, Visitor};
use super::entry_body::{body, change_row};
use super::entry_users;
use super::form::{Fields, Posted};
use super::href::href;
use super::listing::{cursor, departments, pager};
use super::render::Answer;
use super::search::{FIELDS, class_names, facet_rows, parts};
use super::views::catalog::{
    Catalog, CatalogResults, ChangeRow, ClassRow, Classes, DiffPage, Ending, EntryPage, EntryRow, UserRow, VersionRow,
};

const PAGE_SIZE: u32 = 20;
/// Versions to choose from, newest first.
const VERSIONS_SHOWN: usize = 100;
/// Fields of a place of the classification, from the widest.
const CLASSES: [&str; 4] = ["class", "category", "topic", "detail"];

/// Search and filters.
pub async fn catalog(visitor: Visitor) -> Answer {
    let results = results(&visitor).await?;
    if visitor.partial {
        return visitor.show(&results);
    }
    let query = &visitor.query;
    let place = class_place(query);
    let names =
        class_names(&visitor, (1..=place.len()).filter_map(|depth| place.get(..depth)).map(<[_]>::to_vec).collect());
    let names = names.await?;
    let view = Catalog {
        page: visitor.page(),
        t: visitor.t,
        q: query.get("q").to_owned(),
        providers: departments(&visitor, query.get("provider")),
        sharing: query.get("sharing").to_owned(),
        state: query.get("state").to_owned(),
        level: query.get("level").to_owned(),
        classes: CLASSES.into_iter().zip(place).zip(names).map(|((field, key), name)| (field, key, name)).collect(),
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
        classes: class_place(query),
        grade: query.get("grade").parse().ok(),
        update_cycle: codes::value(query.get("update_cycle")),
        page: PageRequest { cursor: cursor(query), size: Some(PAGE_SIZE) },
        ..EntryFilter::default()
    };
    let words: Vec<String> = query.get("q").split_whitespace().map(str::to_owned).collect();
    let facets = visitor.node.facets(filter.clone()).await?;
    let page = visitor.node.entries(filter).await?;
    let (first_href, next_href) = pager("/catalog", query, &FIELDS, page.next_cursor.as_deref());
    Ok(CatalogResults {
        t: visitor.t,
        rows: page.items.iter().map(|entry| row(visitor, entry, &words)).collect(),
        total: facets.as_ref().map(|facets| facets.total),
        facets: match &facets {
            Some(facets) => facet_rows(visitor, facets).await?,
            None => Vec::new(),
        },
        ledger_index: page.ledger_index,
        first_href,
        next_href,
    })
}

fn row(desk: &Desk, entry: &EntrySummary, words: &[String]) -> EntryRow {
    EntryRow {
        id: entry.id.to_string(),
        title: parts(desk.t.pick(&entry.name), words),
        summary: parts(desk.t.pick(&entry.summary), words),
        provider: desk.department(&entry.provider),
        version: entry.version.to_string(),
        state: entry.state.as_str().to_owned(),
        sharing: entry.sharing.as_str().to_owned(),
        level: codes::word(&entry.level),
        grade: entry.grade,
        updated: entry.published_at.date(),
    }
}

/// The place of the classification that a query string names.
fn class_place(query: &Fields) -> Vec<String> {
    let parts = CLASSES.iter().map(|field| query.get(field)).take_while(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

/// The catalog by classification.
pub async fn classes(visitor: Visitor) -> Answer {
    let place = class_place(&visitor.query);
    let address = |path: &str, place: &[String]| {
        let fields: Vec<(&str, &str)> = CLASSES.iter().copied().zip(place.iter().map(String::as_str)).collect();
        href(path, &fields)
    };
    let row = |group: &ClassGroup| {
        let mut below = place.clone();
        below.push(group.name.zh.clone());
        // Below the narrowest group there are entries only.
        let path = if below.len() < CLASSES.len() { "/catalog/classes" } else { "/catalog" };
        ClassRow { name: visitor.t.pick(&group.name).to_owned(), href: address(path, &below), entries: group.entries }
    };
    let groups = visitor.node.classes(place.clone()).await?;
    let outer: Vec<&[String]> = (1..=place.len()).filter_map(|depth| place.get(..depth)).collect();
    let mut names = class_names(&visitor, outer.iter().map(|place| place.to_vec()).collect()).await?;
    let name = names.pop().unwrap_or_default();
    let top = (!place.is_empty()).then(|| (visitor.t.say("classes-title"), address("/catalog/classes", &[])));
    let above = outer.iter().zip(names).map(|(place, name)| (name, address("/catalog/classes", place)));
    visitor.show(&Classes {
        page: visitor.page(),
        t: visitor.t,
        above: top.into_iter().chain(above).collect(),
        name,
        entries_href: address("/catalog", &place),
        groups: groups.iter().map(row).collect(),
    })
}

/// What differs between two versions.
pub async fn diff(visitor: Visitor, path: Path<(DepartmentId, Slug)>) -> Answer {
    let name = entry_name(path.into_inner());
    let version = |field: &str| -> Result<Option<Version>, Problem> {
        let text = Some(visitor.query.get(field)).filter(|text| !text.is_empty());
        text.map(str::parse).transpose().map_err(|_| Problem::new("invalid_parameter"))
    };
    let difference = visitor.node.difference(&name, version("from")?, version("to")?)?;
    let versions = {
        let state = visitor.node.chain.state();
        let history = state.entry(&name);
        let versions = history.into_iter().flat_map(|history| history.versions().rev());
        versions.map(|known| known.entry.version.to_string()).take(VERSIONS_SHOWN).collect()
    };
    let rows: Vec<ChangeRow> = difference.changes.iter().map(|change| change_row(visitor.t, change)).collect();
    visitor.show(&DiffPage {
        page: visitor.page(),
        t: visitor.t,
        title: visitor.entry_title(&name),
        id: name.to_string(),
        from: difference.from.to_string(),
        to: difference.to.to_string(),
        versions,
        breaking: rows.iter().any(|row| !row.breaking.is_empty()),
        rows,
    })
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
    let users = entry_users::of(&visitor, &view.entry).await?;
    visitor.show(&entry_page(&visitor, &view, users))
}

fn entry_page(desk: &Desk, view: &EntryView, (users, more_users): (Vec<UserRow>, bool)) -> EntryPage {
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
        comparable: view.history.last().is_some_and(|oldest| oldest.version != known.version),
    };
    let has_data = !entry.items.is_empty();
    EntryPage {
        page: desk.page_at(&format!("/catalog/{}", entry.name)),
        t: desk.t,
        entry: body(desk, entry, view.state.as_str()),
        ending,
        versions: view.history.iter().map(version).collect(),
        users,
        more_users,
        may_request: clerks
            && !own
            && current
            && has_data
            && view.state == EntryState::Published
            && entry.sharing == Sharing::Conditional,
        may_query: desk.is(Role::Clerk) && has_data && served && current && entry.sharing != Sharing::NotShared,
        may_change: own && served && desk.is(Role::Clerk),
        may_end: own && served && current && desk.is(Role::Reviewer),
    }
}

fn ending(form: &Fields) -> Result<EndingRequest, Problem> {
    let successor = Some(form.get("successor")).filter(|successor| !successor.is_empty());
    let successor = successor.map(str::parse).transpose().map_err(|_| unread_successor())?;
    Ok(EndingRequest { reason: form.reason()?, successor })
}

fn unread_successor() -> Problem {
    Problem::unprocessable(vec![Fault::of(FaultCode::BadEntry, "/successor", "is not provider/name")])
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
