//! What every bench of real nodes is told: of which departments the city is made, where it lies, how the result is shown.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::city::AlgorithmChoice;
use crate::cli::departments;
use crate::cli::error::CliError;
use crate::cli::init::Shape;
use crate::domain::department_files::department::Part;
use crate::ids::DepartmentId;
use crate::service::departments::load;

use super::Folder;

/// The city of a measurement.
#[derive(Args)]
pub struct Setting {
    #[command(flatten)]
    algorithms: AlgorithmChoice,
    /// Folder with one folder a department; default: ./departments
    #[arg(long, value_name = "DIR")]
    departments: Option<PathBuf>,
    /// Where to put the city for the time of the measurement [default: the system's temporary folder]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Setting {
    /// A fresh folder for the city, and the departments' own folder.
    ///
    /// # Errors
    /// The system's; no such folder.
    pub(super) fn folders(&self) -> Result<(Folder, PathBuf), CliError> {
        let given = departments::find(self.departments.as_deref())?;
        let folder = Folder::new(self.dir.clone());
        std::fs::create_dir_all(&folder.0).map_err(|e| CliError::io(&folder.0, &e))?;
        Ok((folder, given))
    }

    /// A city of these departments beside the authority's and the auditor's, with so many voters.
    pub(super) fn shape(&self, only: Vec<DepartmentId>, voters: usize) -> Shape {
        Shape {
            only,
            voters: Some(voters),
            cosignatures: None,
            base_port: Some(0),
            algorithms: self.algorithms.clone(),
        }
    }

    /// Prints a report for people, or its JSON.
    pub(super) fn tell(&self, report: impl Display, json: impl Display) {
        if self.json {
            println!("{json}");
        } else {
            println!("{report}");
        }
    }
}

/// The first departments that are neither the authority nor the auditor.
///
/// # Errors
/// A folder that is no city's.
pub(super) fn members(folders: &Path, count: usize) -> Result<Vec<DepartmentId>, CliError> {
    let mut files: Vec<_> = load(folders)?.departments.into_iter().map(|folder| folder.file).collect();
    files.sort_by_key(|file| file.order);
    Ok(files.into_iter().filter(|file| file.part == Part::Member).map(|file| file.id).take(count).collect())
}
