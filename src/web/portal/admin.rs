//! Accounts of the department's people: made, changed, freed, put to rest.

use actix_web::ResponseError as _;
use actix_web::http::StatusCode;
use actix_web::web::Path;

use crate::domain::Role;
use crate::readmodel::PageRequest;
use crate::readmodel::local::acts::ActFilter;
use crate::service::ServiceError;
use crate::service::staff::{NewPerson, StaffAccount, StaffAct};
use crate::web::problem::Problem;

use super::admin_log::row as act_row;
use super::codes;
use super::desk::Visitor;
use super::form::{Fields, Posted};
use super::render::Answer;
use super::views::admin::{AccountPage, AccountRow, Accounts, Secret};
use super::views::{Choice, Fault, Faults};

const PEOPLE: [Role; 4] = [Role::Clerk, Role::Reviewer, Role::Admin, Role::Auditor];
const ACTS_SHOWN: u32 = 20;

/// All accounts, and the form for a new one.
pub async fn list(visitor: Visitor) -> Answer {
    page(&visitor, StatusCode::OK, &Fields::default(), Faults::default()).await
}

async fn page(visitor: &Visitor, status: StatusCode, sent: &Fields, faults: Faults) -> Answer {
    let staff = visitor.node.staff(&visitor.who).await?;
    let chosen: Vec<&str> = sent.all("roles").collect();
    let view = Accounts {
        page: visitor.page_at("/admin"),
        t: visitor.t,
        rows: staff.iter().map(|one| row(visitor, one)).collect(),
        roles: choices(visitor, |role| chosen.contains(&role.as_str())),
        user: sent.get("user").to_owned(),
        display: sent.get("display").to_owned(),
        faults,
    };
    visitor.show_as(status, &view)
}

fn choices(visitor: &Visitor, is_chosen: impl Fn(Role) -> bool) -> Vec<Choice> {
    let choice = |role: Role| Choice {
        value: role.as_str().to_owned(),
        label: visitor.t.word("role", role.as_str()),
        chosen: is_chosen(role),
    };
    PEOPLE.into_iter().map(choice).collect()
}

fn row(visitor: &Visitor, staff: &StaffAccount) -> AccountRow {
    let account = &staff.account;
    let roles: Vec<String> = account.roles.iter().map(|role| visitor.t.word("role", role.as_str())).collect();
    let (state, when) = match (account.disabled, staff.locked_until) {
        (Some(since), _) => ("disabled", since.local_text()),
        (None, Some(until)) => ("locked", until.local_text()),
        (None, None) if account.must_change => ("must_change", String::new()),
        (None, None) => ("active", String::new()),
    };
    AccountRow {
        user: account.user.clone(),
        display: account.display_name.clone(),
        roles: roles.join(" · "),
        created: account.created.local_text(),
        state,
        when,
        has_second_factor: staff.has_second_factor,
        own: visitor.is_user(&account.user),
    }
}

/// One account, what can be done with it, and what was.
pub async fn show(visitor: Visitor, user: Path<String>) -> Answer {
    let staff = visitor.node.staff(&visitor.who).await?;
    let found = staff.iter().find(|one| one.account.user == *user).ok_or_else(|| Problem::new("not_found"))?;
    let page = PageRequest { cursor: None, size: Some(ACTS_SHOWN) };
    let filter = ActFilter { about: Some(user.clone()), page, ..ActFilter::default() };
    let acts = visitor.node.acts(&visitor.who, filter).await?.items;
    visitor.show(&AccountPage {
        page: visitor.page(),
        t: visitor.t,
        account: row(&visitor, found),
        roles: choices(&visitor, |role| found.account.roles.contains(&role)),
        acts: acts.into_iter().map(act_row).collect(),
    })
}

fn roles(form: &Fields) -> Result<Vec<Role>, Problem> {
    let role = |word: &str| codes::value(word).ok_or_else(|| Problem::new("invalid_parameter"));
    form.all("roles").map(role).collect()
}

/// Makes an account, and shows its password once.
pub async fn create(Posted { visitor, form }: Posted) -> Answer {
    let person = NewPerson {
        user: form.get("user").to_owned(),
        display: form.get("display").to_owned(),
        roles: roles(&form)?,
        lang: visitor.lang().code().to_owned(),
    };
    if person.roles.is_empty() {
        let mut faults = Faults::default();
        faults.add(visitor.t, "new-role-clerk", "admin-roles", "no_items");
        return page(&visitor, StatusCode::UNPROCESSABLE_ENTITY, &form, faults).await;
    }
    let of = person.user.clone();
    match visitor.node.create_account(&visitor.who, person).await {
        Ok(secret) => shown_once(&visitor, "password", of, secret),
        Err(error @ (ServiceError::Conflict { .. } | ServiceError::Malformed(_))) => {
            let code = if matches!(error, ServiceError::Conflict { .. }) { "user_taken" } else { "bad_user" };
            let message = visitor.t.fault("user", code);
            let faults = Faults(vec![Fault { field: "user".to_owned(), message }]);
            page(&visitor, Problem::from(error).status_code(), &form, faults).await
        }
        Err(error) => Err(error.into()),
    }
}

/// A page that shows a secret once.
pub(super) fn shown_once(visitor: &Visitor, kind: &'static str, of: String, secret: String) -> Answer {
    let back = if kind == "token" { "/admin/tokens" } else { "/admin" };
    visitor.show(&Secret { page: visitor.page_at(back), t: visitor.t, kind, of, secret, back })
}

/// Gives an account a password for one sign-in.
pub async fn reset_password(Posted { visitor, .. }: Posted, user: Path<String>) -> Answer {
    let secret = visitor.node.reset_password(&visitor.who, &user).await?;
    shown_once(&visitor, "password", user.into_inner(), secret)
}

/// Gives an account other roles.
pub async fn set_roles(Posted { visitor, form }: Posted, user: Path<String>) -> Answer {
    let roles = roles(&form)?;
    act(&visitor, &user, StaffAct::Roles(roles)).await
}

/// Puts an account to rest.
pub async fn disable(Posted { visitor, .. }: Posted, user: Path<String>) -> Answer {
    act(&visitor, &user, StaffAct::Disable).await
}

/// Lets it be used again.
pub async fn enable(Posted { visitor, .. }: Posted, user: Path<String>) -> Answer {
    act(&visitor, &user, StaffAct::Enable).await
}

/// Forgets failures at signing in.
pub async fn unlock(Posted { visitor, .. }: Posted, user: Path<String>) -> Answer {
    act(&visitor, &user, StaffAct::Unlock).await
}

/// Takes the second factor away.
pub async fn reset_second_factor(Posted { visitor, .. }: Posted, user: Path<String>) -> Answer {
    act(&visitor, &user, StaffAct::ResetSecondFactor).await
}

async fn act(visitor: &Visitor, user: &str, act: StaffAct) -> Answer {
    visitor.node.change_account(&visitor.who, user, act).await?;
    // A name that may be an account's needs no encoding.
    visitor.done(&format!("/admin/accounts/{user}"), "account_changed", None)
}
