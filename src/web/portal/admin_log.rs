//! The log of sign-ins and settings: looked through, and taken along as CSV.

use actix_web::HttpResponse;
use actix_web::http::header;

use crate::ids::TxId;
use crate::readmodel::PageRequest;
use crate::readmodel::local::acts::ActFilter;
use crate::readmodel::local::{ActKind, ActView};
use crate::web::problem::Problem;

use super::dates::{end_of, start_of};
use super::desk::Visitor;
use super::form::Fields;
use super::href::href;
use super::listing::{cursor, pager};
use super::render::Answer;
use super::views::admin::{ActRow, Log};

const PAGE_SIZE: u32 = 50;
/// Lines of one file.
const CSV_LINES_MAX: usize = 10_000;
const FIELDS: [&str; 4] = ["kind", "about", "from", "to"];

fn wanted(query: &Fields, page: PageRequest) -> Result<ActFilter, Problem> {
    // A filter that cannot be read must not widen the listing.
    let wrong = || Problem::new("invalid_parameter");
    let given = |name: &str| Some(query.get(name).to_owned()).filter(|value| !value.is_empty());
    Ok(ActFilter {
        kind: given("kind").map(|word| ActKind::of(&word).ok_or_else(wrong)).transpose()?,
        about: given("about"),
        from: given("from").map(|day| start_of(&day).ok_or_else(wrong)).transpose()?,
        to: given("to").map(|day| end_of(&day).ok_or_else(wrong)).transpose()?,
        page,
    })
}

/// The page.
pub async fn list(visitor: Visitor) -> Answer {
    let query = &visitor.query;
    let filter = wanted(query, PageRequest { cursor: cursor(query), size: Some(PAGE_SIZE) })?;
    let found = visitor.node.acts(&visitor.who, filter).await?;
    let (first_href, next_href) = pager("/admin/log", query, &FIELDS, found.next_cursor.as_deref());
    let field = |name: &str| query.get(name).to_owned();
    visitor.show(&Log {
        page: visitor.page(),
        t: visitor.t,
        kinds: ActKind::WORDS,
        kind: field("kind"),
        about: field("about"),
        from: field("from"),
        to: field("to"),
        rows: found.items.into_iter().map(row).collect(),
        csv_href: href("/admin/log/export", &FIELDS.map(|name| (name, query.get(name)))),
        first_href,
        next_href,
    })
}

/// A line as pages show it.
pub(super) fn row(act: ActView) -> ActRow {
    ActRow {
        id: act.id,
        at: act.at.local_text(),
        is_transaction: act.detail.parse::<TxId>().is_ok(),
        kind: act.kind,
        user: act.user,
        from: act.from.map(|from| from.to_string()).unwrap_or_default(),
        subject: act.subject,
        detail: act.detail,
    }
}

/// The lines as a file.
pub async fn export(visitor: Visitor) -> Answer {
    let mut lines = csv::Writer::from_writer(Vec::new());
    let head = ["line", "time", "kind", "user", "from", "subject", "detail", "digest"];
    lines.write_record(head).map_err(Problem::internal)?;
    let (mut next, mut written) = (None, 0);
    while written < CSV_LINES_MAX {
        let filter = wanted(&visitor.query, PageRequest { cursor: next, size: Some(200) })?;
        let found = visitor.node.acts(&visitor.who, filter).await?;
        for act in found.items {
            let from = act.from.map(|from| from.to_string()).unwrap_or_default();
            let texts = [act.kind, act.user, from, act.subject, act.detail, act.digest];
            let line = [act.id.to_string(), act.at.to_string()].into_iter().chain(texts.map(|text| harmless(&text)));
            lines.write_record(line).map_err(Problem::internal)?;
            written += 1;
        }
        next = found.next_cursor;
        if next.is_none() {
            break;
        }
    }
    let bytes = lines.into_inner().map_err(|e| Problem::internal(e.to_string()))?;
    let name = format!("attachment; filename=\"{}-log.csv\"", visitor.node.department);
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, name))
        .body(bytes))
}

/// A table program reads what begins so as a formula.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_the_file_is_a_formula() {
        for (text, expected) in [("=1+1", "'=1+1"), ("@SUM(A1)", "'@SUM(A1)"), ("li.na", "li.na"), ("", "")] {
            assert_eq!(harmless(text), expected);
        }
    }
}
