//! `mulu sample`: writes the sample data anew.

use std::path::PathBuf;

use crate::cli::error::CliError;

use super::{DEFAULT_SEED, write};

/// The command's arguments.
#[derive(clap::Args)]
pub struct Sample {
    /// The folder of departments, where `<department>/data/<table>.csv` and `examples.toml` are written
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The same seed gives the same bytes
    #[arg(long, value_name = "N", default_value_t = DEFAULT_SEED)]
    seed: u64,
}

impl Sample {
    /// Writes the files and tells their number of rows.
    pub fn run(self) -> Result<(), CliError> {
        if !self.out.is_dir() {
            return Err(CliError::usage(format_args!("{} is not a folder", self.out.display())));
        }
        for (path, rows) in write(&self.out, self.seed).map_err(CliError::failed)? {
            println!("{rows:>6} rows  {}", path.display());
        }
        Ok(())
    }
}
