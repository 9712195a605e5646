//! Finds the departments' folders.

use std::path::{Path, PathBuf};

use super::error::CliError;

/// The folder given, or `./departments`, or the one of the source that this program was built from.
///
/// # Errors
/// No such folder.
pub fn find(given: Option<&Path>) -> Result<PathBuf, CliError> {
    let candidates = match given {
        Some(given) => vec![given.to_owned()],
        None => vec![PathBuf::from("departments"), Path::new(env!("CARGO_MANIFEST_DIR")).join("departments")],
    };
    let found = candidates.into_iter().find(|dir| dir.is_dir());
    let missing = || CliError::usage("there is no folder `departments` here: name it with --departments");
    let found = found.ok_or_else(|| match given {
        Some(given) => CliError::usage(format_args!("{} is not a folder", given.display())),
        None => missing(),
    })?;
    found.canonicalize().map_err(|e| CliError::io(&found, &e))
}
