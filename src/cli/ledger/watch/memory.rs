//! What a watch keeps on disk: the checkpoint it trusts, what each place has shown, and evidence of lies.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cli::error::CliError;
use crate::cli::receipt::read;
use crate::clock::Millis;
use crate::ledger::trust::TrustPolicy;
use crate::ledger::watch::Vouched;
use crate::ledger::watcher::{Source, Watcher};
use crate::storage::whole_file;

/// The state file, JSON.
#[derive(PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    v: u32,
    chain: String,
    /// The signed note.
    trusted: Option<String>,
    sources: Vec<SourceForm>,
}

#[derive(PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceForm {
    url: String,
    size: u64,
    heard_ms: Millis,
}

/// What was known when the last watch ended.
#[derive(Default)]
pub struct Known {
    /// The checkpoint that was trusted.
    pub trusted: Option<Vouched>,
    sources: Vec<SourceForm>,
}

impl Known {
    /// What is known of a place: the largest size that it has shown, and when it was last heard.
    pub fn source(&self, url: &str) -> Option<(u64, Millis)> {
        self.sources.iter().find(|source| source.url == url).map(|source| (source.size, source.heard_ms))
    }
}

/// The state file. One process at a time writes it.
pub struct Memory {
    path: PathBuf,
    chain: String,
    written: Option<Form>,
}

impl Memory {
    /// Reads a state file; one that is absent knows nothing.
    ///
    /// # Errors
    /// What is wrong with it, or a checkpoint that the policy does not trust (any more).
    pub fn open(path: &Path, policy: &TrustPolicy) -> Result<(Self, Known), CliError> {
        let mut memory = Self { path: path.to_owned(), chain: policy.chain().to_owned(), written: None };
        if !path.try_exists().map_err(|e| CliError::io(path, &e))? {
            return Ok((memory, Known::default()));
        }
        let wrong = |why: String| CliError::usage(format_args!("the state {}: {why}", path.display()));
        let form: Form = serde_json::from_str(&read(path)?).map_err(|e| wrong(e.to_string()))?;
        if form.v != 1 || form.chain != memory.chain {
            return Err(wrong(format!(
                "of chain {} in version {}, the policy is of {}",
                form.chain, form.v, memory.chain
            )));
        }
        let trusted = form.trusted.as_deref().map(|note| Vouched::check(note, policy)).transpose();
        let trusted = trusted.map_err(|e| wrong(format!("its checkpoint is not trusted by this policy: {e}")))?;
        let sources = form.sources.iter();
        let sources = sources.map(|s| SourceForm { url: s.url.clone(), ..*s }).collect();
        memory.written = Some(form);
        Ok((memory, Known { trusted, sources }))
    }

    /// Makes durable what the watcher knows. Places that are not asked any more are forgotten.
    ///
    /// # Errors
    /// The disk's.
    pub fn keep(&mut self, watcher: &Watcher) -> Result<(), CliError> {
        let source = |s: &Source| SourceForm { url: s.url.clone(), size: s.size, heard_ms: s.heard };
        let form = Form {
            v: 1,
            chain: self.chain.clone(),
            trusted: watcher.trusted().map(Vouched::note),
            sources: watcher.sources().iter().map(source).collect(),
        };
        if self.written.as_ref() != Some(&form) {
            let text = serde_json::to_vec_pretty(&form).map_err(CliError::failed)?;
            whole_file::replace(&self.path, &text)?;
            self.written = Some(form);
        }
        Ok(())
    }
}
