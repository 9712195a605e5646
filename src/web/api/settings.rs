//! `/settings`: what the department's administrator sets.

use actix_web::web::{Data, Json};

use crate::domain::settings::SettingsChange;
use crate::service::Node;
use crate::web::extract::{ApiBody, Body, Caller};
use crate::web::problem::Problem;

use super::views::settings::SettingsAnswer;

impl ApiBody for SettingsChange {
    const SCHEMA: Option<&'static str> = Some("settings");
}

/// **Permissions**: admin.
pub async fn show(node: Data<Node>, caller: Caller) -> Result<Json<SettingsAnswer>, Problem> {
    Ok(Json(node.settings(&caller.0)?.into()))
}

/// **Permissions**: admin.
pub async fn change(
    node: Data<Node>,
    caller: Caller,
    change: Body<SettingsChange>,
) -> Result<Json<SettingsAnswer>, Problem> {
    Ok(Json(node.change_settings(&caller.0, change.0).await?.into()))
}
