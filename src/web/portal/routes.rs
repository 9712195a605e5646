//! Every page and form of the portal, in one list.

use actix_web::http::header;
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::web::extract::path_problem;
use crate::web::middleware::halted::halted;
use crate::web::middleware::room::room;
use crate::web::problem::Problem;
use crate::web::root;

use super::{
    account, admin, admin_log, admin_settings, admin_tokens, assets, audit, audit_numbers, case_acts, case_page,
    case_slip, cases, catalog, certificates, cluster, draft_form, drafts, entrance, events, explorer, findings, frame,
    grant_acts, grant_request, grant_templates, grants, home, keys, ledger, membership, policy, policy_explain,
    preparations, progress, public_check, query, sheets, verification, workflows,
};

/// Registers the portal. It takes every address that nobody took before.
pub fn routes(config: &mut web::ServiceConfig) {
    let pages = web::scope("")
        // Coming in and going out
        .route("/sign-in", web::get().to(entrance::sign_in))
        .route("/sign-in", web::post().to(entrance::enter))
        .route("/sign-in/code", web::get().to(entrance::code))
        .route("/sign-in/code", web::post().to(entrance::enter_code))
        .route("/sign-out", web::post().to(entrance::leave))
        // One's own account
        .route("/account", web::get().to(account::show))
        .route("/account/password", web::post().to(account::change_password))
        .route("/account/second-factor", web::get().to(account::second_factor))
        .route("/account/second-factor", web::post().to(account::begin_second_factor))
        .route("/account/second-factor/confirm", web::post().to(account::confirm_second_factor))
        .route("/account/second-factor/remove", web::post().to(account::remove_second_factor))
        .route("/account/sessions/end", web::post().to(account::end_session))
        .route("/account/sessions/end-others", web::post().to(account::end_other_sessions))
        .route("/", web::get().to(home::home))
        // Tells an open page that something changed
        .route("/events", web::get().to(events::events))
        // The catalog
        .route("/catalog", web::get().to(catalog::catalog))
        .route("/catalog/classes", web::get().to(catalog::classes))
        .route("/catalog/{provider}/{name}", web::get().to(catalog::entry))
        .route("/catalog/{provider}/{name}/diff", web::get().to(catalog::diff))
        .route("/catalog/{provider}/{name}/deprecate", web::post().to(catalog::deprecate))
        .route("/catalog/{provider}/{name}/withdraw", web::post().to(catalog::withdraw))
        // Drafts of the department's own entries
        .route("/drafts", web::get().to(drafts::list))
        .route("/drafts", web::post().to(draft_form::create))
        .route("/drafts/new", web::get().to(draft_form::new))
        .route("/drafts/import", web::post().to(sheets::take))
        .route("/drafts/many", web::post().to(sheets::many))
        .route("/drafts/{name}", web::get().to(drafts::show))
        .route("/drafts/{name}", web::post().to(draft_form::change))
        .route("/drafts/{name}/edit", web::get().to(draft_form::edit))
        .route("/drafts/{name}/submit", web::post().to(drafts::submit))
        .route("/drafts/{name}/approve", web::post().to(drafts::approve))
        .route("/drafts/{name}/reject", web::post().to(drafts::reject))
        // Grants and queries
        .route("/grants", web::get().to(grants::list))
        .route("/grants", web::post().to(grant_request::ask))
        .route("/grants/new", web::get().to(grant_request::new))
        .route("/grants/templates", web::get().to(grant_templates::list))
        .route("/grants/templates/{code}", web::post().to(grant_templates::ask))
        .route("/grants/{id}", web::get().to(grants::show))
        .route("/grants/{id}/approve", web::post().to(grants::approve))
        .route("/grants/{id}/deny", web::post().to(grant_acts::deny))
        .route("/grants/{id}/revoke", web::post().to(grant_acts::revoke))
        .route("/grants/{id}/suspend", web::post().to(grant_acts::suspend))
        .route("/grants/{id}/resume", web::post().to(grant_acts::resume))
        .route("/grants/{id}/extend", web::post().to(grant_acts::extend))
        .route("/grants/{id}/appeal", web::post().to(grant_acts::appeal))
        .route("/grants/{id}/uphold", web::post().to(grant_acts::uphold))
        .route("/grants/{id}/dismiss", web::post().to(grant_acts::dismiss))
        .route("/grants/{id}/renew", web::post().to(grant_acts::renew))
        .route("/query", web::get().to(query::new))
        .route("/query", web::post().to(query::ask))
        // Cases and e-licences; the check of an e-licence is public
        .route("/cases", web::get().to(cases::list))
        .route("/cases", web::post().to(cases::open))
        .route("/cases/new", web::get().to(cases::new))
        .route("/cases/{id}", web::get().to(case_page::show))
        .route("/cases/{id}/slip", web::get().to(case_slip::show))
        .route("/cases/{id}/steps/{step}/sign-off", web::post().to(case_acts::sign_off))
        .route("/cases/{id}/steps/{step}/return", web::post().to(case_acts::give_back))
        .route("/cases/{id}/steps/{step}/assign", web::post().to(case_acts::assign))
        .route("/cases/{id}/retry", web::post().to(case_acts::retry))
        .route("/cases/{id}/resubmit", web::post().to(case_acts::resubmit))
        .route("/cases/{id}/withdraw", web::post().to(case_acts::withdraw))
        .route("/cases/{id}/complete", web::post().to(case_acts::complete))
        .route("/cases/{id}/certificate", web::post().to(case_acts::issue))
        .route("/workflows", web::get().to(workflows::list))
        .route("/workflows/{name}/publish", web::post().to(workflows::publish))
        .route("/certificates", web::get().to(certificates::list))
        .route("/certificates/types", web::get().to(preparations::types))
        .route("/certificates/types/{name}/publish", web::post().to(preparations::publish))
        .route("/certificates/new", web::get().to(preparations::new))
        .route("/certificates/prepared", web::post().to(preparations::prepare))
        .route("/certificates/prepared/{id}", web::get().to(preparations::show))
        .route("/certificates/prepared/{id}/issue", web::post().to(preparations::issue))
        .route("/certificates/prepared/{id}/discard", web::post().to(preparations::discard))
        .route("/certificates/{identifier}", web::get().to(certificates::show))
        .route("/certificates/{identifier}/credential", web::get().to(certificates::credential))
        .route("/certificates/{identifier}/paper", web::get().to(certificates::paper))
        .route("/certificates/{identifier}/annotations", web::post().to(certificates::annotate))
        .route("/certificates/{identifier}/status", web::post().to(certificates::set_status))
        .route("/progress", web::get().to(progress::ask))
        .route("/progress", web::post().to(progress::answer))
        .route("/verify", web::get().to(public_check::verify))
        .route("/verify", web::post().to(public_check::verify_copy))
        .route("/verify/{identifier}", web::get().to(public_check::verify_one))
        .route("/verify/{identifier}/receipt", web::get().to(public_check::receipt))
        // Audit
        .route("/audit", web::get().to(audit::list))
        .route("/audit/numbers", web::get().to(audit_numbers::show))
        .route("/audit/export", web::get().to(audit_numbers::export))
        .route("/audit/findings", web::get().to(findings::list))
        .route("/audit/{access_id}", web::get().to(audit::show))
        .route("/audit/{access_id}/open", web::post().to(audit::open))
        // Ledger and cluster
        .route("/ledger", web::get().to(ledger::ledger))
        .route("/ledger/find", web::get().to(ledger::find))
        .route("/ledger/checkpoint", web::get().to(ledger::checkpoint))
        .route("/ledger/trust", web::get().to(ledger::trust))
        .route("/ledger/blocks", web::get().to(explorer::blocks))
        .route("/ledger/blocks/{height}", web::get().to(explorer::block))
        .route("/ledger/transactions", web::get().to(explorer::transactions))
        .route("/ledger/transactions/{which}", web::get().to(explorer::transaction))
        .route("/ledger/transactions/{which}/verify", web::get().to(verification::verify))
        .route("/ledger/transactions/{which}/receipt", web::get().to(verification::receipt))
        .route("/cluster", web::get().to(cluster::cluster))
        .route("/cluster/voters", web::post().to(membership::voters))
        .route("/cluster/admit", web::post().to(membership::admit))
        .route("/cluster/place", web::post().to(membership::place))
        .route("/cluster/remove", web::post().to(membership::remove))
        // The rules
        .route("/policy", web::get().to(policy::show))
        .route("/policy/explain", web::get().to(policy_explain::explain))
        .route("/policy/propose", web::post().to(policy::propose))
        .route("/policy/rollback", web::post().to(policy::roll_back))
        .route("/policy/proposals/{id}/confirm", web::post().to(policy::confirm))
        .route("/policy/proposals/{id}/reject", web::post().to(policy::reject))
        // Administration
        .route("/admin", web::get().to(admin::list))
        .route("/admin/accounts", web::post().to(admin::create))
        .route("/admin/accounts/{user}", web::get().to(admin::show))
        .route("/admin/accounts/{user}/roles", web::post().to(admin::set_roles))
        .route("/admin/accounts/{user}/password", web::post().to(admin::reset_password))
        .route("/admin/accounts/{user}/disable", web::post().to(admin::disable))
        .route("/admin/accounts/{user}/enable", web::post().to(admin::enable))
        .route("/admin/accounts/{user}/unlock", web::post().to(admin::unlock))
        .route("/admin/accounts/{user}/second-factor", web::post().to(admin::reset_second_factor))
        .route("/admin/tokens", web::get().to(admin_tokens::list))
        .route("/admin/tokens", web::post().to(admin_tokens::issue))
        .route("/admin/tokens/rotate", web::post().to(admin_tokens::rotate))
        .route("/admin/tokens/revoke", web::post().to(admin_tokens::revoke))
        .route("/admin/settings", web::get().to(admin_settings::show))
        .route("/admin/settings", web::post().to(admin_settings::change))
        .route("/admin/log", web::get().to(admin_log::list))
        .route("/admin/log/export", web::get().to(admin_log::export))
        // Keys
        .route("/keys", web::get().to(keys::list))
        .route("/keys/rotate", web::post().to(keys::rotate))
        .route("/keys/{key}/revoke", web::post().to(keys::revoke))
        .app_data(web::PathConfig::default().error_handler(path_problem))
        .default_service(web::to(root::unknown))
        .wrap(from_fn(room))
        .wrap(from_fn(halted))
        .wrap(from_fn(frame::frame));
    config.route("/assets/{file}", web::get().to(asset)).service(pages);
}

/// Style, script and icon. Their addresses name their content, so browsers keep them.
async fn asset(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let asset = assets::find(request.path()).ok_or_else(|| Problem::new("not_found"))?;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, assets::CACHE_CONTROL)).content_type(asset.content_type);
    match asset.gzip {
        Some(gzip) => {
            response.insert_header((header::VARY, "Accept-Encoding"));
            if takes_gzip(&request) {
                return Ok(response.insert_header((header::CONTENT_ENCODING, "gzip")).body(gzip));
            }
            Ok(response.body(asset.bytes))
        }
        None => Ok(response.body(asset.bytes)),
    }
}

/// Whether the browser takes what is compressed (RFC 9110, 12.5.3).
fn takes_gzip(request: &HttpRequest) -> bool {
    let accept = request.headers().get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let named = accept.unwrap_or_default().split(',').find_map(|one| one.trim().strip_prefix("gzip"));
    let weight = |rest: &str| rest.split_once("q=").map_or(Ok(1.0), |(_, q)| q.trim().parse::<f32>());
    named.is_some_and(|rest| weight(rest).is_ok_and(|weight| weight > 0.0))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_who_takes_compressed_files_gets_them() {
        let takes =
            |accept| takes_gzip(&TestRequest::get().insert_header(("accept-encoding", accept)).to_http_request());
        assert!(takes("gzip, deflate, br, zstd") && takes("br;q=1.0, gzip;q=0.8") && takes("gzip"));
        assert!(!takes("br") && !takes("") && !takes("gzip;q=0") && !takes("identity"));
        assert!(!takes_gzip(&TestRequest::get().to_http_request()));
    }
}
