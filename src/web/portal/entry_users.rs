//! Who may use an entry: the grants in force on it.

use crate::domain::catalog::{Entry, Sharing};
use crate::domain::grant::GrantState;
use crate::ids::ItemName;
use crate::readmodel::PageRequest;
use crate::readmodel::grants::{ApprovalView, GrantFilter, GrantView};
use crate::web::problem::Problem;

use super::desk::Desk;
use super::views::catalog::UserRow;

/// Departments shown; the list of grants has the others.
const USERS_SHOWN: u32 = 20;

/// The newest grants in force on an entry, and whether there are more. One without conditions needs none.
///
/// # Errors
/// The database's.
pub async fn of(desk: &Desk, entry: &Entry) -> Result<(Vec<UserRow>, bool), Problem> {
    if entry.sharing != Sharing::Conditional {
        return Ok((Vec::new(), false));
    }
    let filter = GrantFilter {
        entry: Some(entry.name.clone()),
        state: Some(GrantState::Active),
        page: PageRequest { cursor: None, size: Some(USERS_SHOWN) },
        ..GrantFilter::default()
    };
    let page = desk.node.grants(filter).await?;
    let rows = page.items.iter().filter_map(|grant| Some(row(desk, entry, grant, grant.approval.as_ref()?)));
    Ok((rows.collect(), page.next_cursor.is_some()))
}

fn row(desk: &Desk, entry: &Entry, grant: &GrantView, approval: &ApprovalView) -> UserRow {
    let title = |name: &ItemName| {
        let item = entry.item(name);
        item.map_or_else(|| name.to_string(), |item| desk.t.pick(&item.title).to_owned())
    };
    let items: Vec<String> = approval.items.iter().map(|item| title(&item.name)).collect();
    UserRow {
        grant: grant.id.to_string(),
        consumer: desk.department(&grant.consumer),
        purpose: grant.request.purpose.to_string(),
        purpose_name: desk.purpose(&grant.request.purpose),
        items: items.join(&desk.t.say("list-comma")),
        until: approval.valid_until.date(),
    }
}
