//! `/accounts`: who of the department may sign in, and as what.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};
use serde::Deserialize;

use crate::domain::Role;
use crate::service::staff::{NewPerson, StaffAct};
use crate::service::{Node, Principal};
use crate::web::extract::{ApiBody, Body, Caller, Empty};
use crate::web::problem::Problem;

use super::views::accounts::{AccountAnswer, PasswordOnce};

/// A person who shall have an account.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    user: String,
    #[serde(default)]
    display: String,
    roles: Vec<Role>,
    #[serde(default)]
    lang: Option<String>,
}

impl ApiBody for Person {
    const SCHEMA: Option<&'static str> = Some("account");
}

/// Other roles.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    roles: Vec<Role>,
}

impl ApiBody for Roles {
    const SCHEMA: Option<&'static str> = Some("roles");
}

/// **Permissions**: admin.
pub async fn list(node: Data<Node>, caller: Caller) -> Result<Json<Vec<AccountAnswer>>, Problem> {
    let staff = node.staff(&caller.0).await?;
    Ok(Json(staff.into_iter().map(AccountAnswer::from).collect()))
}

/// **Permissions**: admin.
pub async fn show(node: Data<Node>, caller: Caller, user: Path<String>) -> Result<Json<AccountAnswer>, Problem> {
    one(&node, &caller.0, &user).await.map(Json)
}

async fn one(node: &Node, who: &Principal, user: &str) -> Result<AccountAnswer, Problem> {
    let found = node.staff(who).await?.into_iter().find(|staff| staff.account.user == user);
    found.map(AccountAnswer::from).ok_or_else(|| Problem::new("not_found"))
}

/// **Permissions**: admin.
pub async fn create(node: Data<Node>, caller: Caller, person: Body<Person>) -> Result<HttpResponse, Problem> {
    let Person { user, display, roles, lang } = person.0;
    let lang = lang.unwrap_or_else(|| "zh".to_owned());
    let person = NewPerson { user: user.clone(), display, roles, lang };
    let password = node.create_account(&caller.0, person).await?;
    Ok(HttpResponse::Created().json(PasswordOnce { user, password }))
}

/// **Permissions**: admin; never of one's own account.
pub async fn reset_password(
    node: Data<Node>,
    caller: Caller,
    user: Path<String>,
    _: Body<Empty>,
) -> Result<Json<PasswordOnce>, Problem> {
    let user = user.into_inner();
    let password = node.reset_password(&caller.0, &user).await?;
    Ok(Json(PasswordOnce { user, password }))
}

async fn change(node: &Node, who: &Principal, user: &str, act: StaffAct) -> Result<Json<AccountAnswer>, Problem> {
    node.change_account(who, user, act).await?;
    one(node, who, user).await.map(Json)
}

/// **Permissions**: admin; never of one's own account.
pub async fn set_roles(
    node: Data<Node>,
    caller: Caller,
    user: Path<String>,
    roles: Body<Roles>,
) -> Result<Json<AccountAnswer>, Problem> {
    change(&node, &caller.0, &user, StaffAct::Roles(roles.0.roles)).await
}

/// **Permissions**: admin; never of one's own account.
pub async fn disable(
    node: Data<Node>,
    caller: Caller,
    user: Path<String>,
    _: Body<Empty>,
) -> Result<Json<AccountAnswer>, Problem> {
    change(&node, &caller.0, &user, StaffAct::Disable).await
}

/// **Permissions**: admin.
pub async fn enable(
    node: Data<Node>,
    caller: Caller,
    user: Path<String>,
    _: Body<Empty>,
) -> Result<Json<AccountAnswer>, Problem> {
    change(&node, &caller.0, &user, StaffAct::Enable).await
}

/// **Permissions**: admin.
pub async fn unlock(
    node: Data<Node>,
    caller: Caller,
    user: Path<String>,
    _: Body<Empty>,
) -> Result<Json<AccountAnswer>, Problem> {
    change(&node, &caller.0, &user, StaffAct::Unlock).await
}

/// **Permissions**: admin; never of one's own account.
pub async fn reset_second_factor(
    node: Data<Node>,
    caller: Caller,
    user: Path<String>,
    _: Body<Empty>,
) -> Result<Json<AccountAnswer>, Problem> {
    change(&node, &caller.0, &user, StaffAct::ResetSecondFactor).await
}
