//! Tokens of departmental systems: issued, replaced, ended, and where each was seen.

use std::net::IpAddr;

use actix_web::http::StatusCode;

use crate::clock::{DAY_MS, Millis};
use crate::domain::schema::{Fault, FaultCode};
use crate::ids::EntryName;
use crate::readmodel::local::tokens::{TOKEN_DAYS_MAX, TOKEN_LIMITS_MAX, is_system_name};
use crate::readmodel::local::{SystemToken, TokenTerms};
use crate::web::problem::Problem;

use super::admin::shown_once;
use super::desk::Visitor;
use super::form::{Fields, Posted};
use super::render::{Answer, FAULTY};
use super::told::told;
use super::views::admin::{TokenRow, Tokens};
use super::views::{Choice, Faults};

const HOUR_MS: u64 = 3_600_000;
const OVERLAP_HOURS_MAX: u64 = 720;

/// All tokens, and the form for a new one.
pub async fn list(visitor: Visitor) -> Answer {
    page(&visitor, StatusCode::OK, &Fields::default(), Faults::default()).await
}

async fn page(visitor: &Visitor, status: StatusCode, sent: &Fields, faults: Faults) -> Answer {
    let tokens = visitor.node.system_tokens(&visitor.who).await?;
    let now = visitor.node.clock.now();
    let is_newest = |at: usize, token: &SystemToken| !tokens.iter().take(at).any(|other| other.name == token.name);
    let rows = tokens.iter().enumerate().map(|(at, token)| row(token, now, is_newest(at, token))).collect();
    let entries: Vec<Choice> = {
        let state = visitor.node.chain.state();
        let choice = |history: &crate::state::EntryHistory| {
            let entry = &history.current().entry;
            Choice { value: entry.name.to_string(), label: visitor.t.pick(&entry.title).to_owned(), chosen: false }
        };
        state.entries().take(ENTRIES_OFFERED).map(choice).collect()
    };
    let field = |name: &str| sent.get(name).to_owned();
    let view = Tokens {
        page: visitor.page_at("/admin/tokens"),
        t: visitor.t,
        rows,
        entries,
        system: field("system"),
        days: field("days"),
        chosen_entries: field("entries"),
        sources: field("sources"),
        faults,
    };
    visitor.show_as(status, &view)
}

/// Names of entries that the form offers; others can be typed.
const ENTRIES_OFFERED: usize = 200;

fn row(token: &SystemToken, now: Millis, newest: bool) -> TokenRow {
    let place = |at: Option<Millis>, from: Option<IpAddr>| {
        let from = from.map(|from| format!(" · {from}")).unwrap_or_default();
        at.map(|at| format!("{}{from}", at.local_text())).unwrap_or_default()
    };
    TokenRow {
        id: token.id,
        system: token.name.clone(),
        state: if token.terms.expires > now { "active" } else { "expired" },
        created: token.created.local_text(),
        expires: token.terms.expires.local_text(),
        entries: token.terms.entries.iter().map(ToString::to_string).collect(),
        sources: token.terms.sources.iter().map(ToString::to_string).collect(),
        submits: token.terms.submits,
        used: place(token.last_used, token.last_from),
        alarm: place(token.alarm_at, token.alarm_from),
        newest,
    }
}

/// The parts of a list that people write with commas, spaces or lines between.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '，' | '、' | ';')).filter(|part| !part.is_empty())
}

/// What the form says; or what is wrong with it.
fn terms(visitor: &Visitor, form: &Fields) -> Result<TokenTerms, Faults> {
    let mut faults = Faults::default();
    match form.get("system") {
        "" => faults.add(visitor.t, "system", "admin-system", "required"),
        name if !is_system_name(name) => faults.add(visitor.t, "system", "admin-system", "bad_user"),
        _ => {}
    }
    let days = days(form).unwrap_or_else(|| {
        faults.add(visitor.t, "days", "admin-token-days", "bad_number");
        1
    });
    let entries: Result<Vec<EntryName>, _> = parts(form.get("entries")).map(str::parse).collect();
    if entries.is_err() {
        faults.add(visitor.t, "entries", "admin-token-entries", "bad_entry");
    }
    let sources: Result<Vec<IpAddr>, _> = parts(form.get("sources")).map(str::parse).collect();
    if sources.is_err() {
        faults.add(visitor.t, "sources", "admin-token-sources", "bad_address");
    }
    for (field, label) in [("entries", "admin-token-entries"), ("sources", "admin-token-sources")] {
        if parts(form.get(field)).count() > TOKEN_LIMITS_MAX {
            let fault = Fault::of(FaultCode::MaxItems, field, "too many").naming(TOKEN_LIMITS_MAX);
            faults.tell(visitor.t, field, &visitor.t.say(label), &told(visitor.t, &fault, |_| None));
        }
    }
    match (entries, sources) {
        (Ok(entries), Ok(sources)) if faults.is_empty() => {
            let expires = visitor.node.clock.now().plus(days * DAY_MS);
            Ok(TokenTerms { expires, submits: !form.get("submits").is_empty(), entries, sources })
        }
        _ => Err(faults),
    }
}

fn days(form: &Fields) -> Option<u64> {
    form.get("days").parse().ok().filter(|days| (1..=TOKEN_DAYS_MAX).contains(days))
}

/// Issues a token, and shows it once.
pub async fn issue(Posted { visitor, form }: Posted) -> Answer {
    let terms = match terms(&visitor, &form) {
        Ok(terms) => terms,
        Err(faults) => return page(&visitor, FAULTY, &form, faults).await,
    };
    let system = form.get("system").to_owned();
    match visitor.node.issue_token(&visitor.who, &system, terms).await {
        Ok(token) => shown_once(&visitor, "token", system, token),
        Err(error) => Err(error.into()),
    }
}

/// Issues another in place of the present one, and shows it once.
pub async fn rotate(Posted { visitor, form }: Posted) -> Answer {
    let wrong = || Problem::new("invalid_parameter");
    let overlap: Option<u64> = form.get("overlap").parse().ok();
    let overlap = overlap.filter(|hours| *hours <= OVERLAP_HOURS_MAX).ok_or_else(wrong)?;
    let now = visitor.node.clock.now();
    let ends = (now.plus(days(&form).ok_or_else(wrong)? * DAY_MS), now.plus(overlap * HOUR_MS));
    let system = form.get("system").to_owned();
    let token = visitor.node.rotate_token(&visitor.who, &system, ends).await?;
    shown_once(&visitor, "token", system, token)
}

/// Ends a system's tokens.
pub async fn revoke(Posted { visitor, form }: Posted) -> Answer {
    visitor.node.revoke_token(&visitor.who, form.get("system")).await?;
    visitor.done("/admin/tokens", "token_revoked", None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_people_write_them() {
        let found: Vec<&str> = parts(" 10.0.0.1,10.0.0.2、::1\r\n10.0.0.3 ").collect();
        assert_eq!(found, ["10.0.0.1", "10.0.0.2", "::1", "10.0.0.3"]);
        assert_eq!(parts(" , ").count(), 0);
    }
}
