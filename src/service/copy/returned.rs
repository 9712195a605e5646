//! Numbers under which a node must not take part in consensus any more, because what it had acknowledged under them may
//! be lost: it could vote twice, or let the city forget what it was told.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::storage::whole_file;

use super::CopyError;

/// Where it lies, relative to the node's folder.
pub const PATH: &str = "data/spent-numbers.json";
const FILE: &str = "spent-numbers.json";

/// A number that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spent {
    /// The number.
    pub number: u64,
    /// Why, for people.
    pub why: String,
    /// When.
    pub time: Millis,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Book {
    v: u32,
    spent: Vec<Spent>,
}

/// The numbers that were given up in a data folder.
///
/// # Errors
/// [`CopyError`]; a file that cannot be read is no reason to begin.
pub fn spent(data_dir: &Path) -> Result<Vec<Spent>, CopyError> {
    let path = data_dir.join(FILE);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(CopyError::Io { path, cause }),
    };
    let book: Book = serde_json::from_slice(&text)
        .map_err(|why| CopyError::NotValid(format!("{} cannot be read: {why}", path.display())))?;
    Ok(book.spent)
}

/// Gives a number up, durably.
///
/// # Errors
/// [`CopyError`].
pub fn give_up(data_dir: &Path, number: Spent) -> Result<(), CopyError> {
    let mut spent = spent(data_dir)?;
    spent.retain(|known| known.number != number.number);
    spent.push(number);
    let text = serde_json::to_vec_pretty(&Book { v: 1, spent }).map_err(CopyError::not_valid)?;
    Ok(whole_file::replace(&data_dir.join(FILE), &text)?)
}

/// Claims that a node may take part under a number.
///
/// # Errors
/// [`CopyError::Usage`] with what to do.
pub fn check(data_dir: &Path, number: u64) -> Result<(), CopyError> {
    let Some(known) = spent(data_dir)?.into_iter().find(|known| known.number == number) else { return Ok(()) };
    Err(CopyError::Usage(format!(
        "this node must not take part in consensus as number {number} again: {} ({}). What it acknowledged after that may \
         be lost here, so a second vote could make the city forget. Ask the authority to give this department's node a new \
         number (`mulu node replace`), write that as this department's node_id in node.toml, then start it again. Only when every node of the city is put back at the same time \
         does the old number stay: `mulu restore --whole-city`",
        known.why, known.time
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_given_up_stays_so_and_others_are_free() {
        let dir = tempfile::tempdir().unwrap();
        assert!(check(dir.path(), 3).is_ok());
        for number in [3, 5, 3] {
            let why = "it was restored from a backup".to_owned();
            give_up(dir.path(), Spent { number, why, time: Millis(number) }).unwrap();
        }
        let refused = check(dir.path(), 3).unwrap_err().to_string();
        assert!(refused.contains("number 3") && refused.contains("mulu node replace"), "{refused}");
        assert!(check(dir.path(), 5).is_err() && check(dir.path(), 4).is_ok());
        assert_eq!(spent(dir.path()).unwrap().len(), 2);
        std::fs::write(dir.path().join(FILE), b"{").unwrap();
        assert!(check(dir.path(), 4).is_err(), "what cannot be read must not be passed over");
    }
}
