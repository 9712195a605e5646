//! Evidence of lies, one file each, in a folder beside the state: while one lies there, its alarm stands.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cli::error::CliError;
use crate::cli::receipt::read;
use crate::clock::Millis;
use crate::ledger::watch::Kind;
use crate::ledger::watcher::Alarm;
use crate::storage::whole_file;

/// More files than this say nothing new.
const FILES_MAX: usize = 256;

/// The folder.
pub struct Evidence {
    dir: PathBuf,
}

impl Evidence {
    /// The folder that belongs to a state file: its name and `.evidence`.
    pub fn beside(state: &Path) -> Self {
        let mut name = state.file_name().map(ToOwned::to_owned).unwrap_or_default();
        name.push(".evidence");
        Self { dir: state.with_file_name(name) }
    }

    /// The alarms whose evidence nobody has put away.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn standing(&self) -> Result<Vec<Alarm>, CliError> {
        self.files()?.iter().filter_map(|path| alarm(path).transpose()).collect()
    }

    /// Keeps a grave alarm's notes, unless a file of the same kind and place is there already.
    ///
    /// # Errors
    /// The disk's.
    pub fn keep(&self, now: Millis, alarm: &Alarm) -> Result<(), CliError> {
        let standing = self.standing()?;
        let is_known = standing.iter().any(|old| (old.kind, &old.url) == (alarm.kind, &alarm.url));
        if is_known || standing.len() >= FILES_MAX {
            return Ok(());
        }
        let evidence = json!({
            "v": 1,
            "kind": alarm.kind.name(),
            "url": alarm.url,
            "why": alarm.why,
            "at_ms": now,
            "notes": [alarm.against, alarm.seen],
        });
        let text = serde_json::to_vec_pretty(&evidence).map_err(CliError::failed)?;
        let free = |n: &u64| !self.path(now.plus(*n), alarm.kind).exists();
        let path = self.path(now.plus((0..).find(free).unwrap_or_default()), alarm.kind);
        Ok(whole_file::replace(&path, &text)?)
    }

    fn path(&self, at: Millis, kind: Kind) -> PathBuf {
        self.dir.join(format!("{}-{}.json", at.0, kind.name()))
    }

    fn files(&self) -> Result<Vec<PathBuf>, CliError> {
        let entries = match std::fs::read_dir(&self.dir) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|e| CliError::io(&self.dir, &e))?,
        };
        let paths: Result<Vec<PathBuf>, _> = entries.take(2 * FILES_MAX).map(|entry| entry.map(|e| e.path())).collect();
        let mut paths = paths.map_err(|e| CliError::io(&self.dir, &e))?;
        paths.retain(|path| path.extension().is_some_and(|end| end == "json"));
        paths.sort();
        Ok(paths)
    }
}

/// The alarm of a file; none when it was put away meanwhile.
fn alarm(path: &Path) -> Result<Option<Alarm>, CliError> {
    let text = match read(path) {
        Err(_) if !path.exists() => return Ok(None),
        text => text?,
    };
    let evidence: Value = serde_json::from_str(&text).unwrap_or_default();
    let text = |key| evidence.get(key).and_then(Value::as_str).unwrap_or_default();
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == text("kind"));
    let note = |n| evidence.pointer(&format!("/notes/{n}")).and_then(Value::as_str).map(ToOwned::to_owned);
    Ok(Some(Alarm {
        // Somebody touched it: the gravest is assumed.
        kind: kind.unwrap_or(Kind::Fork),
        url: text("url").to_owned(),
        why: format!("{} (evidence in {}: look into it, then put it away)", text("why"), path.display()),
        seen: note(1),
        against: note(0),
    }))
}
