//! What the measured query needs: a connector to the service, an entry, and a grant on it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::cli::demo::client::{Session, http};
use crate::cli::demo::manifest::{Manifest, NodeEntry};
use crate::cli::error::CliError;
use crate::clock::{Clock as _, DAY_MS, SystemClock};
use crate::domain::Role;
use crate::domain::department_files::department::Part;
use crate::service::departments::load;

use super::load::PURPOSE;
use super::service::TEXTS;

/// Whose data is asked for.
pub const PROVIDER: &str = "public-security";
/// Who asks.
pub const CONSUMER: &str = "civil-affairs";
/// For what.
pub const ENTRY: &str = "public-security/bench-records";
const DEPARTMENT_FILE: &str = "department.toml";
/// Lists of the city that departments' files refer to.
const LISTS: [&str; 3] = ["purposes.toml", "calendar.toml", "code-lists.toml"];
const TERM_MS: u64 = DAY_MS;
/// The most that a grant allows in a day.
const DAILY_MAX: u32 = 10_000_000;
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(50);

/// Writes a folder of those departments that the measurement needs, whose provider asks the service of this port.
///
/// # Errors
/// The system's; a folder that is no city's.
pub fn departments(from: &Path, to: &Path, port: u16) -> Result<(), CliError> {
    for name in LISTS.iter().map(Path::new).filter(|name| from.join(name).exists()) {
        copy(&from.join(name), &to.join(name))?;
    }
    for folder in load(from)?.departments {
        let id = folder.file.id.as_str();
        if folder.file.part != Part::Member || [PROVIDER, CONSUMER].contains(&id) {
            copy(&folder.path.join(DEPARTMENT_FILE), &to.join(id).join(DEPARTMENT_FILE))?;
        }
    }
    let provider = to.join(PROVIDER);
    let entry = toml::to_string(&entry()).map_err(CliError::failed)?;
    write(&provider.join("catalog/bench-records.toml"), &entry)?;
    write(&provider.join("connector.toml"), &connector(port))
}

fn copy(from: &Path, to: &Path) -> Result<(), CliError> {
    write(to, &fs::read_to_string(from).map_err(|e| CliError::io(from, &e))?)
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::write(path, text)).map_err(|e| CliError::io(path, &e))
}

fn items() -> impl Iterator<Item = String> {
    std::iter::once("id_number".to_owned()).chain((1..=TEXTS).map(|n| format!("text_{n}")))
}

fn connector(port: u16) -> String {
    let places: Vec<String> = items().map(|item| format!("{item} = \"{item}\"")).collect();
    format!(
        "version = 1\n\n[[connector]]\nentry = \"{ENTRY}\"\nkind = \"http\"\n\
         url = \"http://127.0.0.1:{port}/records?id_number={{id_number}}&rows={{rows}}\"\nrow_max = 1000\n\
         timeout_ms = 8000\n\n[connector.paging]\nby = \"offset\"\nparam = \"offset\"\nsize_param = \"limit\"\n\n\
         [connector.items]\n{}\n",
        places.join("\n")
    )
}

fn entry() -> Value {
    let same = |text: &str| json!({ "zh": text, "en": text });
    let item = |name: String| json!({"name": name, "title": same(&name), "type": "string", "length": 100, "sensitive": true, "grade": 3});
    let mut answered: Map<String, Value> =
        items().map(|item| (item, json!({ "type": "string", "maxLength": 100 }))).collect();
    answered.insert("id_number".into(), json!({ "type": "string", "minLength": 18, "maxLength": 18 }));
    json!({
        "name": ENTRY, "version": "1.0", "level": "interface", "code": "306099901/000001",
        "title": same("Records of the bench"), "summary": same("Records of the bench"), "duty": same("bench"),
        "classification": { "class": same("bench"), "category": same("bench"), "topic": same("bench"), "detail": same("bench") },
        "provider_code": "11110000Y90000027M", "format": { "category": "interface", "type": "json" },
        "sharing": "conditional", "sharing_condition": same("bench"), "open": false, "update_cycle": "daily",
        "issue_date": "2026-01-05", "subject": "id_number", "items": items().map(item).collect::<Vec<_>>(),
        "request_schema": {
            "type": "object", "required": ["id_number", "rows"], "additionalProperties": false,
            "properties": {
                "id_number": { "type": "string", "maxLength": 18 },
                "rows": { "type": "integer", "minimum": 1, "maximum": 10_000_000 },
            },
        },
        "response_schema": { "type": "object", "properties": answered, "additionalProperties": false },
    })
}

/// Publishes the entry and arranges the grant, as clerks and reviewers.
///
/// # Errors
/// The first step that a node refused.
pub async fn publish(manifest: &Manifest) -> Result<(), CliError> {
    let (clerk, reviewer) = (session(manifest, PROVIDER, Role::Clerk), session(manifest, PROVIDER, Role::Reviewer));
    let (clerk, reviewer, asking) = tokio::try_join!(clerk, reviewer, session(manifest, CONSUMER, Role::Clerk))?;
    let path = format!("/catalog/entries/{ENTRY}");
    clerk.post("/catalog/entries", &entry()).await?.ok("drafting")?;
    clerk.post(&format!("{path}/submit"), &json!({})).await?.ok("submitting")?;
    reviewer.post(&format!("{path}/approve"), &json!({})).await?.ok("approving")?;
    reach(&asking, &path).await?;
    let asked = json!({
        "entry": ENTRY, "version": "1.0", "purpose": PURPOSE, "legal_basis": "bench", "matter": "bench",
        "items": items().collect::<Vec<_>>(), "mode": "query", "daily_max": DAILY_MAX,
        "valid_until": SystemClock.now().plus(TERM_MS).to_string(),
    });
    let grant = asking.post("/grants", &asked).await?.ok("asking for the grant")?;
    let id = grant.get("id").and_then(Value::as_str).ok_or_else(|| CliError::failed("the grant has no id"))?;
    let path = format!("/grants/{id}");
    reach(&reviewer, &path).await?;
    let granted: Vec<Value> = items().map(|name| json!({ "name": name })).collect();
    let approved = reviewer.post(&format!("{path}/approve"), &json!({ "items": granted })).await?;
    approved.ok("approving the grant")?;
    let active = |body: &Value| body.get("state") == Some(&"active".into());
    let deadline = Instant::now() + PATIENCE;
    while !active(&asking.get(&path).await?.body) {
        if Instant::now() >= deadline {
            return Err(CliError::failed("the grant did not reach the consumer's node"));
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

async fn session(manifest: &Manifest, department: &str, role: Role) -> Result<Session, CliError> {
    let node: Option<&NodeEntry> = manifest.nodes.iter().find(|node| node.department.as_str() == department);
    let other = if role == Role::Clerk { Role::Reviewer } else { Role::Clerk };
    let found = node.and_then(|node| Some((node, node.account(role, other)?)));
    let missing = || CliError::usage(format_args!("{department} needs an account for a {}", role.as_str()));
    let (node, account) = found.ok_or_else(missing)?;
    Session::open(&http()?, &node.url, &account.user, &account.password).await
}

async fn reach(session: &Session, path: &str) -> Result<(), CliError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = session.get(path).await?;
        if answer.status != 404 || Instant::now() >= deadline {
            return answer.ok(path).map(|_| ());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::connector::ConnectorFile;

    #[test]
    fn entry_and_connector_are_sound_and_fit_each_other() {
        let entry: crate::domain::catalog::Entry = serde_json::from_value(entry()).unwrap();
        assert_eq!(crate::domain::entry_rules::check(&entry), []);
        let file = ConnectorFile::parse(&connector(8080)).unwrap();
        assert_eq!(file.connectors[0].items.len(), entry.items.len());
        assert_eq!(file.connectors[0].entry, entry.name);
        let dir = tempfile::tempdir().unwrap();
        departments(Path::new("departments"), dir.path(), 8080).unwrap();
        let city = load(dir.path()).unwrap();
        assert_eq!(city.departments.len(), 4);
        assert_eq!(city.entry(&entry.name), Some(&entry), "as nodes read it");
    }
}
