//! Many drafts at once: a file with entries, and drafts that are chosen in the list.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::ids::Slug;
use crate::web::api::catalog_files::{XLSX, codes, count};
use crate::web::problem::Problem;
use crate::web::sheets::import::{Fate, Outcome, import};
use crate::web::sheets::{Mark, Sheet, tables, workbook};

use super::drafts::own_entry;
use super::form::Posted;
use super::render::{Answer, FAULTY};
use super::upload::Uploaded;
use super::views::drafts::{ImportPage, ImportRow};
use actix_web::http::StatusCode;

/// Drafts of one form.
const CHOSEN_MAX: usize = 200;

/// Takes a file in, and shows what became of each entry.
pub async fn take(uploaded: Uploaded) -> Answer {
    let numbers = codes(uploaded.get("sharing_codes"))?;
    let Uploaded { visitor, file, .. } = uploaded;
    let read = actix_web::web::block(move || tables(&file)).await.map_err(Problem::internal)?;
    let read = read.map_err(|error| Problem::new("malformed").detail(error.to_string()))?;
    let outcomes = import(&visitor.node, &visitor.who, &read, &numbers, visitor.t).await;
    let failed = count(&outcomes, Fate::Failed);
    let marked = if failed == 0 {
        None
    } else {
        let marks: Vec<Mark> = outcomes.iter().flat_map(|outcome| outcome.marks.clone()).collect();
        let book = workbook(&read, &marks, visitor.lang()).map_err(Problem::internal)?;
        Some(format!("data:{XLSX};base64,{}", BASE64.encode(book)))
    };
    let status = if failed == 0 { StatusCode::OK } else { FAULTY };
    let view = ImportPage {
        page: visitor.page_at("/drafts"),
        t: visitor.t,
        rows: outcomes.iter().map(|outcome| row(&visitor, outcome)).collect(),
        failed,
        marked,
    };
    visitor.show_as(status, &view)
}

fn row(desk: &super::desk::Desk, outcome: &Outcome) -> ImportRow {
    let place = |mark: &Mark| {
        let sheet = match mark.sheet {
            Sheet::Entries => desk.t.say("sheet-entries"),
            Sheet::Items => desk.t.say("sheet-items"),
        };
        format!("{sheet} {}: {}", mark.row, mark.message)
    };
    ImportRow {
        name: outcome.name.clone(),
        row: outcome.row,
        fate: outcome.fate.as_str(),
        faults: outcome.marks.iter().map(place).collect(),
    }
}

/// Submits or approves the drafts that are chosen; the first that cannot be stops it with its reason.
pub async fn many(Posted { visitor, form }: Posted) -> Answer {
    let approves = form.get("action") == "approve";
    for name in form.all("name").take(CHOSEN_MAX) {
        let name: Slug = name.parse().map_err(|_| Problem::new("not_found"))?;
        let name = own_entry(&visitor, name);
        if approves {
            visitor.node.approve_entry(&visitor.who, &name).await?;
        } else {
            visitor.node.submit_entry(&visitor.who, &name).await?;
        }
    }
    visitor.done("/drafts", if approves { "draft_approved" } else { "draft_submitted" }, None)
}
