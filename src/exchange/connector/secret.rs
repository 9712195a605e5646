//! Secrets of a department's sources: named in `connector.toml`, kept in files or the environment.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use zeroize::Zeroizing;

use super::ConnectorError;

const BYTES_MAX: usize = 8 * 1024;

/// Where a secret is kept. The file `connector.toml` can say no more than this.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a place of a secret, { file = \"...\" } or { env = \"...\" }: no secret stands in connector.toml"
)]
pub struct SecretPlace {
    /// A file, relative to the department's data folder; its last line break is left out.
    #[serde(default)]
    file: Option<PathBuf>,
    /// A variable of the node's environment.
    #[serde(default)]
    env: Option<String>,
    /// What stands before it, such as `Bearer `; no secret itself.
    #[serde(default)]
    prefix: String,
}

impl SecretPlace {
    /// Checks that there is one place.
    pub(super) fn check(&self, what: &str) -> Result<(), String> {
        if self.file.is_some() == self.env.is_some() {
            return Err(format!("{what} needs `file` or `env`, and not both"));
        }
        if self.prefix.len() > 64 || !self.prefix.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            return Err(format!("{what}: prefix is at most 64 visible ASCII characters"));
        }
        Ok(())
    }

    /// Reads it anew, so that a changed secret holds from the next question on. Blocks briefly.
    ///
    /// # Errors
    /// Names the place, never what stands there.
    pub(super) fn read(&self, base: &Path) -> Result<Zeroizing<String>, ConnectorError> {
        let unreadable = |place: String| ConnectorError::Broken(format!("the secret in {place} cannot be read"));
        let secret = match (&self.file, &self.env) {
            (Some(file), _) => {
                let place = || unreadable(format!("the file {}", file.display()));
                let secret = Zeroizing::new(std::fs::read_to_string(base.join(file)).map_err(|_| place())?);
                Zeroizing::new(secret.trim_end_matches(['\r', '\n']).to_owned())
            }
            (None, Some(name)) => {
                let found = std::env::var(name).map_err(|_| unreadable(format!("the variable {name}")))?;
                Zeroizing::new(found)
            }
            (None, None) => return Err(unreadable("no place".into())),
        };
        if secret.is_empty() || secret.len() > BYTES_MAX || secret.chars().any(char::is_control) {
            return Err(ConnectorError::Broken("a secret is empty, too long, or holds control characters".into()));
        }
        Ok(Zeroizing::new(format!("{}{}", self.prefix, secret.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> SecretPlace {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_secret_is_read_from_its_place_and_never_told() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("token"), "s3cret\n").unwrap();
        let token = place("file = \"token\"\nprefix = \"Bearer \"");
        assert_eq!(token.read(dir.path()).unwrap().as_str(), "Bearer s3cret");
        std::fs::write(dir.path().join("token"), "a\nb").unwrap();
        let error = token.read(dir.path()).unwrap_err().to_string();
        assert!(!error.contains('b') || error.contains("holds control characters"), "{error}");
        assert!(place("file = \"missing\"").read(dir.path()).unwrap_err().to_string().contains("missing"));
        assert!(place("").check("x").is_err() && place("file = \"a\"\nenv = \"B\"").check("x").is_err());
    }
}
