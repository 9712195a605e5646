//! Evidence of lies, one file each, in a folder beside the state: while one lies there, its alarm stands.

use std::path::{Path, PathBuf};

use crate::cli::error::CliError;
use crate::cli::receipt::read;
use crate::clock::Millis;
use crate::ledger::sighting::Sighting;
use crate::ledger::trust::TrustPolicy;
use crate::ledger::watch::Kind;
use crate::ledger::watcher::Alarm;
use crate::storage::whole_file;

/// More files than this say nothing new.
const FILES_MAX: usize = 256;

/// The folder.
pub struct Evidence {
    dir: PathBuf,
    policy: TrustPolicy,
}

impl Evidence {
    /// The folder that belongs to a state file: its name and `.evidence`.
    pub fn beside(state: &Path, policy: &TrustPolicy) -> Self {
        let mut name = state.file_name().map(ToOwned::to_owned).unwrap_or_default();
        name.push(".evidence");
        Self { dir: state.with_file_name(name), policy: policy.clone() }
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
        let evidence = Sighting {
            v: 1,
            chain: self.policy.chain().to_owned(),
            kind: alarm.kind,
            url: alarm.url.clone(),
            why: alarm.why.clone(),
            seen_ms: now,
            known: alarm.against.clone().unwrap_or_default(),
            seen: alarm.seen.clone().unwrap_or_default(),
            keys: self.policy.departments().clone(),
        };
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
    let place =
        format!("evidence in {}: read it with `mulu ledger evidence`, put it away with --accept", path.display());
    Ok(Some(match Sighting::parse(&text) {
        Ok(Sighting { kind, url, why, known, seen, .. }) => {
            Alarm { kind, url, why: format!("{why} ({place})"), seen: Some(seen), against: Some(known) }
        }
        // Somebody touched it: the gravest is assumed.
        Err(_) => Alarm { kind: Kind::Fork, url: String::new(), why: place, seen: None, against: None },
    }))
}
