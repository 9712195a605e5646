//! Sample data of the demo city, generated from a seed: the same seed gives the same bytes on every machine.

mod command;
mod enterprises;
mod health;
mod names;
mod people;
mod property;
mod residents;
mod rng;
mod streets;
mod table;
mod utilities;

use std::path::{Path, PathBuf};

use crate::domain::department_files::city::Examples;

pub use command::Sample;
use names::DISTRICTS;
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
    vec![
        residents::registrations(&homes, seed),
        residents::investigations(&homes, seed),
        residents::marriages(&homes, seed),
        property::title_table(&titles, &sales, seed),
        property::sale_table(&sales),
        property::tax_table(&titles, &sales),
        health::cases(&homes, seed),
        health::records(&homes, seed),
        streets::bays(seed),
        utilities::gas(&titles, seed),
        utilities::power(&titles, seed),
        utilities::water(&titles, seed),
        enterprises::registrations(&homes, seed),
        streets::requests(&homes, seed),
    ]
}

/// The worked example: a family that sells its home to another, the same for every seed.
fn examples(seed: u64) -> Examples {
    let homes = people::households(seed);
    let titles = property::titles(&homes, seed);
    let sales = property::sales(&titles, seed);
    let [here, ..] = DISTRICTS;
    let (seller, buyer) = (homes.first(), homes.get(1));
    let number = |person: Option<&people::Person>| person.map(|person| person.id_number.clone()).unwrap_or_default();
    Examples {
        seed,
        seller_id_number: number(seller.map(|home| &home.head)),
        spouse_id_number: number(seller.and_then(|home| home.spouse.as_ref())),
        buyer_id_number: number(buyer.map(|home| &home.head)),
        unit_number: seller.map(|home| home.unit_number.clone()).unwrap_or_default(),
        contract_number: sales.first().map(|sale| sale.contract_number.clone()).unwrap_or_default(),
        bay_id: streets::bay_id(here.code, 0, 0),
        uscc: enterprises::code(0),
    }
}

/// `examples.toml`.
fn examples_toml(examples: &Examples) -> String {
    let Examples {
        seed,
        seller_id_number,
        spouse_id_number,
        buyer_id_number,
        unit_number,
        contract_number,
        bay_id,
        uscc,
    } = examples;
    format!(
        "# The worked example of README and tests, written by `mulu sample`. All of it is invented.\n\
         seed = {seed}\n\
         # 周明远 owns the unit together with 许佳宁, his wife, and sells it.\n\
         seller_id_number = \"{seller_id_number}\"\n\
         spouse_id_number = \"{spouse_id_number}\"\n\
         # 沈若溪 buys it: the contract is filed and the deed tax paid.\n\
         buyer_id_number = \"{buyer_id_number}\"\n\
         unit_number = \"{unit_number}\"\n\
         contract_number = \"{contract_number}\"\n\
         bay_id = \"{bay_id}\"\n\
         # An enterprise that the seller represents.\n\
         uscc = \"{uscc}\"\n"
    )
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
