//! Parts of every listing: its pages, and departments to choose from.

use crate::domain::department::Department;

use super::desk::Desk;
use super::form::Fields;
use super::href::href;
use super::views::Choice;

/// Every department, to choose from.
pub fn departments(desk: &Desk, chosen: &str) -> Vec<Choice> {
    let state = desk.node.chain.state();
    let choice = |department: &Department| Choice {
        value: department.id.to_string(),
        label: desk.t.pick(&department.name).to_owned(),
        chosen: department.id.as_str() == chosen,
    };
    state.departments().map(choice).collect()
}

/// The cursor in a listing's address.
pub fn cursor(query: &Fields) -> Option<String> {
    Some(query.get("cursor").to_owned()).filter(|cursor| !cursor.is_empty())
}

/// Addresses of a listing's first and next page. `fields` are its filters.
pub fn pager(path: &str, query: &Fields, fields: &[&str], next: Option<&str>) -> (Option<String>, Option<String>) {
    let mut kept: Vec<(&str, &str)> = fields.iter().map(|field| (*field, query.get(field))).collect();
    let first = cursor(query).map(|_| href(path, &kept));
    let next = next.map(|next| {
        kept.push(("cursor", next));
        href(path, &kept)
    });
    (first, next)
}
