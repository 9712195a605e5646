//! Sample data of the demo city, generated from a seed: the same seed gives the same bytes on every machine.

mod command;
mod enterprises;
mod examples;
mod health;
mod names;
mod people;
mod property;
mod residents;
mod rng;
mod shops;
mod streets;
mod table;
mod utilities;

use std::path::{Path, PathBuf};

pub use command::Sample;
use examples::{examples, examples_toml};
pub use rng::Rng;
use table::Table;

/// The seed of the data that is shipped in `departments/`.
const DEFAULT_SEED: u64 = 2026;

/// Why sample data cannot be written.
#[derive(Debug, thiserror::Error)]
enum SampleError {
    /// The file cannot be written.
    #[error("{path}: {cause}")]
    Write {
        /// Which.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A table does not fit its own columns.
    #[error("{0}")]
    Table(#[from] csv::Error),
}

/// Every table of every department.
fn tables(seed: u64) -> Vec<Table> {
    let homes = people::households(seed);
    let titles = property::titles(&homes, seed);
    let sales = property::sales(&titles, seed);
    let shops = shops::shops(&homes, seed);
    let enterprises = enterprises::registrations(&homes, seed);
    vec![
        residents::registrations(&homes, seed),
        residents::identities(&homes, seed),
        residents::vehicles(&homes, seed),
        residents::investigations(&homes, seed),
        residents::marriages(&homes, seed),
        property::title_table(&titles, &sales, &shops, seed),
        property::sale_table(&sales),
        shops::leases(&homes, &shops, seed),
        property::tax_table(&titles, &sales, &shops),
        health::cases(&homes, seed),
        health::records(&homes, seed),
        streets::bays(seed),
        utilities::gas(&titles, seed),
        utilities::power(&titles, seed),
        utilities::water(&titles, seed),
        enterprises::taxpayers(&enterprises, &homes, seed),
        enterprises::names(&enterprises),
        enterprises,
        streets::requests(&homes, seed),
    ]
}

/// Writes `<out>/<department>/data/<table>.csv` for every table, and `<out>/examples.toml`. Answers with
/// the files and their number of rows.
///
/// # Errors
/// [`SampleError`] naming the file.
fn write(out: &Path, seed: u64) -> Result<Vec<(PathBuf, usize)>, SampleError> {
    let mut written = Vec::new();
    for table in tables(seed) {
        let dir = out.join(table.department).join("data");
        let path = dir.join(format!("{}.csv", table.name));
        let failed = |cause| SampleError::Write { path: path.clone(), cause };
        std::fs::create_dir_all(&dir).map_err(failed)?;
        std::fs::write(&path, table.to_csv()?).map_err(failed)?;
        written.push((path, table.rows.len()));
    }
    let path = out.join("examples.toml");
    std::fs::write(&path, examples_toml(&examples(seed)))
        .map_err(|cause| SampleError::Write { path: path.clone(), cause })?;
    Ok(written)
}

#[cfg(test)]
#[path = "sample_tests.rs"]
mod tests;
