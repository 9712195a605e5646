//! Fills a ready city as people would: clerks draft and submit, reviewers approve, all through the public API.
//! What stands on the ledger already is passed over.

use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::cli::error::CliError;
use crate::clock::{Clock as _, SystemClock};
use crate::domain::Role;
use crate::domain::catalog::Entry;
use crate::domain::certificate_type::CertificateType;
use crate::domain::department_files::city::ExampleLicence;
use crate::domain::department_files::grants::GrantFile;
use crate::ids::{DepartmentId, EntryName};
use crate::service::departments::{City, DepartmentFolder};

use super::client::{Answer, Session};
use super::manifest::{Manifest, NodeEntry};

/// How long a fresh transaction may take to reach another node.
const REACH_PATIENCE: Duration = Duration::from_secs(20);
const REACH_PAUSE: Duration = Duration::from_millis(100);

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Entries published now.
    pub entries: usize,
    /// Grants given now.
    pub grants: usize,
}

/// One department at its node, as a clerk and as a reviewer.
struct Desk<'a> {
    id: &'a DepartmentId,
    folder: &'a DepartmentFolder,
    clerk: Session,
    reviewer: Session,
    /// Index of the last transaction that the node had applied: listings that lack it, made anew at a start, are waited for.
    last: u64,
}

/// Publishes the catalogs and arranges the grants of all departments, at the same time.
///
/// # Errors
/// The first step that a node refused.
pub async fn publish(http: &Client, manifest: &Manifest, folders: &City) -> Result<Done, CliError> {
    let busy = manifest.nodes.iter().filter_map(|node| {
        let folder = folders.department(&node.department)?;
        let needed = !folder.entries.is_empty()
            || !folder.grants.is_empty()
            || !folder.workflows.is_empty()
            || !folder.certificate_types.is_empty();
        needed.then_some((node, folder))
    });
    let desks = try_join_all(busy.map(|(node, folder)| desk(http, node, folder))).await?;
    let entries = try_join_all(
        desks.iter().flat_map(|desk| desk.folder.entries.iter().map(move |entry| publish_entry(desk, entry))),
    );
    let entries = entries.await?.into_iter().filter(|published| *published).count();
    try_join_all(desks.iter().filter(|desk| !desk.folder.workflows.is_empty()).map(publish_workflows)).await?;
    try_join_all(
        desks.iter().flat_map(|desk| desk.folder.certificate_types.iter().map(move |kind| publish_type(desk, kind))),
    )
    .await?;
    let licences = folders.examples.iter().flat_map(|examples| &examples.licences);
    try_join_all(licences.map(|licence| issue_licence(&desks, licence))).await?;
    let wanted = desks.iter().flat_map(|desk| desk.folder.grants.iter().map(move |grant| (desk, grant)));
    let outcomes = join_all(wanted.map(|(desk, grant)| arrange_grant(desk, provider_of(&desks, grant), grant))).await;
    let mut grants = 0;
    for outcome in outcomes {
        grants += usize::from(outcome?);
    }
    Ok(Done { entries, grants })
}

async fn desk<'a>(http: &Client, node: &'a NodeEntry, folder: &'a DepartmentFolder) -> Result<Desk<'a>, CliError> {
    let missing = |role: &str| CliError::usage(format_args!("{} needs an account for a {role}", node.department));
    let clerk = node.account(Role::Clerk, Role::Reviewer).ok_or_else(|| missing("clerk"))?;
    let reviewer = node.account(Role::Reviewer, Role::Clerk).ok_or_else(|| missing("reviewer"))?;
    let clerk = Session::open(http, &node.url, &clerk.user, &clerk.password).await?;
    let cluster = clerk.get("/cluster").await?.ok("the cluster")?;
    Ok(Desk {
        id: &node.department,
        folder,
        clerk,
        last: cluster.get("ledger_size").and_then(Value::as_u64).unwrap_or_default().saturating_sub(1),
        reviewer: Session::open(http, &node.url, &reviewer.user, &reviewer.password).await?,
    })
}

fn provider_of<'a, 'b>(desks: &'a [Desk<'b>], grant: &GrantFile) -> Option<&'a Desk<'b>> {
    desks.iter().find(|desk| desk.id == &grant.entry.provider)
}

fn path(name: &EntryName) -> String {
    format!("/catalog/entries/{}/{}", name.provider, name.name)
}

/// Drafts, submits and approves one version; says whether that was needed.
async fn publish_entry(desk: &Desk<'_>, entry: &Entry) -> Result<bool, CliError> {
    let path = path(&entry.name);
    let at_version = format!("{path}?version={}", entry.version);
    if desk.clerk.get(&at_version).await?.status == 200 {
        return Ok(false);
    }
    let document = serde_json::to_value(entry).map_err(CliError::failed)?;
    // An earlier run may have ended half-way: a draft that is there already is a conflict, and goes on its way.
    let step = |answer: Answer, what: &str| {
        let conflict = answer.status == 409;
        if conflict { Ok(()) } else { answer.ok(&format!("{what} {}", entry.name)).map(|_| ()) }
    };
    step(desk.clerk.post("/catalog/entries", &document).await?, "drafting")?;
    step(desk.clerk.post(&format!("{path}/submit"), &json!({})).await?, "submitting")?;
    let approved = desk.reviewer.post(&format!("{path}/approve"), &json!({})).await?;
    approved.ok(&format!("approving {}", entry.name))?;
    Ok(true)
}

/// Publishes the workflows that never were; a changed file waits for a reviewer.
async fn publish_workflows(desk: &Desk<'_>) -> Result<(), CliError> {
    let listed = desk.reviewer.get("/workflows").await?.ok("the workflows")?;
    let items = listed.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is_new = |item: &&Value| item.get("version").is_none_or(Value::is_null);
    for name in items.iter().filter(is_new).filter_map(|item| item.get("name")?.as_str()) {
        let answer = desk.reviewer.post(&format!("/workflows/{name}/publish"), &json!({})).await?;
        // A ledger of an older edition goes on without: its authority raises it first.
        if answer.status != 409 {
            answer.ok(&format!("publishing the workflow {name}"))?;
        }
    }
    Ok(())
}

/// Publishes a type of certificates, unless its version stands on the ledger.
async fn publish_type(desk: &Desk<'_>, kind: &CertificateType) -> Result<(), CliError> {
    let path = format!("/certificate-types/{}/{}", desk.id, kind.name);
    let known = desk.reviewer.get(&path).await?.ok(&path)?;
    if known.get("version").and_then(Value::as_u64) == Some(u64::from(kind.version)) {
        return Ok(());
    }
    let published = desk.reviewer.post(&format!("{path}/publish"), &json!({})).await?;
    published.ok(&format!("publishing the type {}", kind.name)).map(|_| ())
}

/// Prepares and issues a licence, as a clerk and a reviewer do at the window, unless its holder has one.
async fn issue_licence(desks: &[Desk<'_>], licence: &ExampleLicence) -> Result<(), CliError> {
    let Some(desk) = desks.iter().find(|desk| desk.id == &licence.department) else { return Ok(()) };
    let what = format!("a licence {} of {}", licence.kind, licence.department);
    let listing = format!("/certificates?type={}&holder={}&min_index={}", licence.kind, licence.holder_code, desk.last);
    let listed = desk.clerk.get(&listing).await?.ok(&what)?;
    if listed.get("items").and_then(Value::as_array).is_some_and(|items| !items.is_empty()) {
        return Ok(());
    }
    let body = json!({
        "type": licence.kind,
        "operation": "new",
        "holder": { "code": licence.holder_code, "name": licence.holder_name },
        "fields": licence.fields,
    });
    let prepared = desk.clerk.post("/certificate-preparations", &body).await?;
    // A ledger of an older edition knows no types: its authority raises it first.
    if [404, 409].contains(&prepared.status) {
        return Ok(());
    }
    let prepared = prepared.ok(&format!("preparing {what}"))?;
    let id = prepared.get("id").and_then(Value::as_str).unwrap_or_default();
    let issued = desk.reviewer.post(&format!("/certificate-preparations/{id}/issue"), &json!({})).await?;
    issued.ok(&format!("issuing {what}")).map(|_| ())
}

/// Asks for a grant and has the provider approve it; says whether that was needed.
async fn arrange_grant(consumer: &Desk<'_>, provider: Option<&Desk<'_>>, grant: &GrantFile) -> Result<bool, CliError> {
    // A city of fewer departments goes without the grants of those it leaves out.
    let Some(provider) = provider else { return Ok(false) };
    let what = format!("the grant of {} to {}", grant.entry, consumer.id);
    let listing =
        format!("/grants?consumer={}&entry={}&page_size=200&min_index={}", consumer.id, grant.entry, consumer.last);
    let listed = consumer.clerk.get(&listing).await?.ok(&what)?;
    let items = listed.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let in_state =
        |state: &str| items.iter().find(|item| is_for(item, grant) && item.get("state") == Some(&state.into()));
    if in_state("active").is_some() {
        return Ok(false);
    }
    let asked = match in_state("requested") {
        Some(item) => item.clone(),
        None => {
            reach(&consumer.clerk, &path(&grant.entry)).await?;
            consumer.clerk.post("/grants", &request(grant)).await?.ok(&what)?
        }
    };
    let id =
        asked.get("id").and_then(Value::as_str).ok_or_else(|| CliError::failed(format_args!("{what} has no id")))?;
    reach(&provider.reviewer, &format!("/grants/{id}")).await?;
    let approved = provider.reviewer.post(&format!("/grants/{id}/approve"), &limits(grant)).await?;
    approved.ok(&format!("approving {what}"))?;
    Ok(true)
}

fn is_for(item: &Value, grant: &GrantFile) -> bool {
    item.pointer("/request/purpose").and_then(Value::as_str) == Some(grant.purpose.as_str())
}

fn request(grant: &GrantFile) -> Value {
    json!({
        "entry": grant.entry,
        "version": grant.version,
        "purpose": grant.purpose,
        "legal_basis": grant.legal_basis,
        "matter": grant.matter,
        "items": grant.items,
        "mode": grant.mode,
        "daily_max": grant.daily_max,
        "valid_until": grant.valid_until(SystemClock.now()).to_string(),
    })
}

/// All that was asked for, with the masking that the file wants.
fn limits(grant: &GrantFile) -> Value {
    let item = |name| match grant.masking.get(name) {
        Some(masking) => json!({ "name": name, "masking": masking }),
        None => json!({ "name": name }),
    };
    json!({ "items": grant.items.iter().map(item).collect::<Vec<_>>() })
}

/// Waits until a node knows what another one has put on the ledger.
async fn reach(session: &Session, path: &str) -> Result<(), CliError> {
    let deadline = Instant::now() + REACH_PATIENCE;
    loop {
        let answer = session.get(path).await?;
        if answer.status != 404 || Instant::now() >= deadline {
            return answer.ok(path).map(|_| ());
        }
        sleep(REACH_PAUSE).await;
    }
}
