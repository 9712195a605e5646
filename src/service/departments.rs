//! The folder of departments, from disk: `departments/<id>/` and what stands beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use crate::domain::catalog::{Entry, ItemKind};
use crate::domain::certificate_type::CertificateType;
use crate::domain::department_files::calendar::{self, Calendar};
use crate::domain::department_files::certificate_type;
use crate::domain::department_files::city::{self, Examples, Purpose};
use crate::domain::department_files::code_lists::{self, CodeLists};
use crate::domain::department_files::department::{self, DepartmentFile, Part};
use crate::domain::department_files::grants::{self, GrantFile};
use crate::domain::department_files::templates::{self, GrantTemplate};
use crate::domain::department_files::workflow::{self, WorkflowFile};
use crate::domain::department_files::{FileError, check_text, entry};
use crate::domain::entry_rules;
use crate::exchange::connector::provider_database::{ProviderDatabaseError, Table, fill_from_csv};
use crate::exchange::connector::{ConnectorConfig, ConnectorFile};
use crate::ids::{DepartmentId, EntryName, Slug};

/// The longest of these files, in bytes.
const FILE_BYTES_MAX: u64 = 256 * 1024;
/// Files of one folder, at most.
const FILES_MAX: usize = 500;

/// Why a folder of departments cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DepartmentsError {
    /// A file or folder cannot be read.
    #[error("{path}: {cause}")]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A file's content is wrong.
    #[error(transparent)]
    File(#[from] FileError),
    /// The folders do not make a city.
    #[error("{path}: {why}")]
    City {
        /// The folder.
        path: PathBuf,
        /// What is missing or double.
        why: String,
    },
    /// Sample data cannot be put into a department's database.
    #[error(transparent)]
    Database(#[from] ProviderDatabaseError),
}

/// Everything in a folder of departments.
#[derive(Clone, Debug)]
pub struct City {
    /// The departments, in the order of their nodes.
    pub departments: Vec<DepartmentFolder>,
    /// Purposes that may be stated.
    pub purposes: Vec<Purpose>,
    /// The worked example, when the folder has one.
    pub examples: Option<Examples>,
}

impl City {
    /// A department's folder.
    pub fn department(&self, id: &DepartmentId) -> Option<&DepartmentFolder> {
        self.departments.iter().find(|folder| &folder.file.id == id)
    }

    /// The department with a part of which there is one.
    pub fn with_part(&self, part: Part) -> Option<&DepartmentFolder> {
        self.departments.iter().find(|folder| folder.file.part == part)
    }

    /// An entry of any department.
    pub fn entry(&self, name: &EntryName) -> Option<&Entry> {
        self.department(&name.provider)?.entries.iter().find(|entry| &entry.name == name)
    }
}

/// One department's folder.
#[derive(Clone, Debug)]
pub struct DepartmentFolder {
    /// Where it lies.
    pub path: PathBuf,
    /// Who the department is.
    pub file: DepartmentFile,
    /// What it publishes, by name.
    pub entries: Vec<Entry>,
    /// Where its rows lie.
    pub connectors: ConnectorFile,
    /// Its cases.
    pub workflows: Vec<WorkflowFile>,
    /// Types of certificates that it issues.
    pub certificate_types: Vec<CertificateType>,
    /// Grants that its cases need.
    pub grants: Vec<GrantFile>,
}

impl DepartmentFolder {
    /// Fills the databases that the connectors name, below `data_dir`, from `data/<table>.csv`. A
    /// database that exists already is the department's own and stays as it is. Answers with the rows written.
    ///
    /// # Errors
    /// [`DepartmentsError::Database`].
    pub fn fill_databases(&self, data_dir: &Path) -> Result<usize, DepartmentsError> {
        let mut by_file: BTreeMap<&Path, Vec<(&str, &ConnectorConfig)>> = BTreeMap::new();
        for connector in &self.connectors.connectors {
            if let Some((file, table)) = connector.sqlite_table() {
                by_file.entry(file).or_default().push((table, connector));
            }
        }
        let mut rows = 0;
        for (file, connectors) in by_file.into_iter().filter(|(file, _)| !data_dir.join(file).exists()) {
            // Written aside and renamed, so that a half-filled database is never taken for a whole one.
            let part = data_dir.join(file).with_extension("part");
            let failed = |cause| DepartmentsError::Read { path: part.clone(), cause };
            if part.exists() {
                std::fs::remove_file(&part).map_err(failed)?;
            }
            for (table, connector) in connectors {
                let csv = self.path.join("data").join(format!("{table}.csv"));
                if csv.exists() {
                    rows += fill_from_csv(&part, &self.table(table, connector), &csv)?;
                }
            }
            if part.exists() {
                std::fs::rename(&part, data_dir.join(file)).map_err(failed)?;
            }
        }
        Ok(rows)
    }

    fn table(&self, name: &str, connector: &ConnectorConfig) -> Table {
        let entry = self.entries.iter().find(|entry| entry.name == connector.entry);
        let kind = |item| entry.and_then(|entry| entry.item(item)).map_or(ItemKind::String, |item| item.kind);
        Table {
            name: name.to_owned(),
            kinds: connector.items.iter().map(|(item, column)| (column.clone(), kind(item))).collect(),
            indexed: connector.params.values().cloned().collect(),
        }
    }
}

/// Reads and checks a whole folder of departments.
///
/// # Errors
/// [`DepartmentsError`] naming file and key.
pub fn load(dir: &Path) -> Result<City, DepartmentsError> {
    let mut departments = Vec::new();
    for path in list(dir, |path| path.is_dir())? {
        departments.push(load_department(&path)?);
    }
    departments.sort_by_key(|folder| folder.file.order);
    let wrong = |why: String| DepartmentsError::City { path: dir.to_owned(), why };
    for part in [Part::Authority, Part::Auditor] {
        if departments.iter().filter(|folder| folder.file.part == part).count() != 1 {
            return Err(wrong(format!("exactly one department must have the part {part:?}").to_lowercase()));
        }
    }
    for pair in departments.windows(2) {
        if let [one, two] = pair
            && one.file.order == two.file.order
        {
            return Err(wrong(format!("{} and {} have the same order", one.file.id, two.file.id)));
        }
    }
    let purposes = load_purposes(dir)?;
    load_code_lists(dir)?;
    load_calendar(dir)?;
    check_templates(&load_templates(dir)?, &departments).map_err(wrong)?;
    let examples = match read_optional(&dir.join("examples.toml"))? {
        Some((name, text)) => Some(city::parse_examples(&name, &text)?),
        None => None,
    };
    Ok(City { departments, purposes, examples })
}

/// What templates name must be there, so that a clerk's form does not lead nowhere.
fn check_templates(templates: &[GrantTemplate], departments: &[DepartmentFolder]) -> Result<(), String> {
    let entries = || departments.iter().flat_map(|folder| &folder.entries);
    for (template, part) in templates.iter().flat_map(|one| one.grants.iter().map(move |part| (&one.code, part))) {
        let entry = entries().find(|entry| entry.name == part.entry);
        let entry = entry.ok_or_else(|| format!("the template {template} names {}, which nobody has", part.entry))?;
        if let Some(item) = part.items.iter().find(|item| entry.item(item).is_none()) {
            return Err(format!("the template {template} names the item {item}, which {} does not have", part.entry));
        }
    }
    Ok(())
}

/// Reads the purposes that grants and queries may state; none when there is no such file.
///
/// # Errors
/// [`DepartmentsError`] naming file and key.
pub fn load_purposes(dir: &Path) -> Result<Vec<Purpose>, DepartmentsError> {
    match read_optional(&dir.join("purposes.toml"))? {
        Some((name, text)) => Ok(city::parse_purposes(&name, &text)?),
        None => Ok(Vec::new()),
    }
}

/// Reads the formats and code tables that entries may name; empty lists, which allow everything, without such a file.
///
/// # Errors
/// [`DepartmentsError`] naming file and key.
pub fn load_code_lists(dir: &Path) -> Result<CodeLists, DepartmentsError> {
    match read_optional(&dir.join("code-lists.toml"))? {
        Some((name, text)) => Ok(code_lists::parse(&name, &text)?),
        None => Ok(CodeLists::default()),
    }
}

/// Reads the common matters; none when there is no such file.
///
/// # Errors
/// [`DepartmentsError`] naming file and key.
pub fn load_templates(dir: &Path) -> Result<Vec<GrantTemplate>, DepartmentsError> {
    match read_optional(&dir.join("templates.toml"))? {
        Some((name, text)) => Ok(templates::parse(&name, &text)?),
        None => Ok(Vec::new()),
    }
}

/// Reads the working days; those of a plain week when there is no such file.
///
/// # Errors
/// [`DepartmentsError`] naming file and key.
pub fn load_calendar(dir: &Path) -> Result<Calendar, DepartmentsError> {
    match read_optional(&dir.join("calendar.toml"))? {
        Some((name, text)) => Ok(calendar::parse(&name, &text)?),
        None => Ok(Calendar::default()),
    }
}

/// Reads and checks one department's folder.
///
/// # Errors
/// [`DepartmentsError`] naming file and key.
pub fn load_department(path: &Path) -> Result<DepartmentFolder, DepartmentsError> {
    let id: DepartmentId = stem(path)?;
    let (name, text) = read(&path.join("department.toml"))?;
    let file = department::parse(&name, &text, &id)?;
    let mut folder = DepartmentFolder {
        path: path.to_owned(),
        file,
        entries: Vec::new(),
        connectors: ConnectorFile { version: 1, connectors: Vec::new() },
        workflows: Vec::new(),
        certificate_types: load_certificate_types(path)?,
        grants: Vec::new(),
    };
    // Schemas are named from the folder that holds the folder of departments.
    let root = path.parent().and_then(Path::parent).unwrap_or(Path::new("."));
    for at in list(&path.join("catalog"), is_toml)? {
        let (name, text) = read(&at)?;
        let entry = entry::parse(&name, &text, &id, &|schema| open_schema(root, schema))?;
        if entry.name.name != stem::<Slug>(&at)? {
            return Err(FileError::new(&name, "/name", "must end with the name of its file").into());
        }
        folder.entries.push(entry);
    }
    for at in list(&path.join("workflows"), is_toml)? {
        let (name, text) = read(&at)?;
        folder.workflows.push(workflow::parse(&name, &text, &stem(&at)?)?);
    }
    if let Some((name, text)) = read_optional(&path.join("grants.toml"))? {
        folder.grants = grants::parse(&name, &text)?;
    }
    if let Some((name, text)) = read_optional(&path.join("connector.toml"))? {
        folder.connectors = connectors(&name, &text, &folder.entries)?;
    }
    Ok(folder)
}

/// Reads the types of certificates in a department's folder.
///
/// # Errors
/// [`DepartmentsError`] naming file and key.
pub fn load_certificate_types(path: &Path) -> Result<Vec<CertificateType>, DepartmentsError> {
    let mut types = Vec::new();
    for at in list(&path.join("certificates"), is_toml)? {
        let (name, text) = read(&at)?;
        types.push(certificate_type::parse(&name, &text, &stem(&at)?)?);
    }
    Ok(types)
}

fn connectors(name: &str, text: &str, entries: &[Entry]) -> Result<ConnectorFile, DepartmentsError> {
    check_text(name, "connector", text)?;
    let file = ConnectorFile::parse(text).map_err(|why| FileError::new(name, "", why))?;
    for (at, connector) in file.connectors.iter().enumerate() {
        let wrong = |key: String, why: &str| FileError::new(name, format!("/connector/{at}/{key}"), why);
        let entry = entries.iter().find(|entry| entry.name == connector.entry);
        let entry = entry.ok_or_else(|| wrong("entry".into(), "is not in this department's catalog"))?;
        if let Some(item) = connector.items.keys().find(|item| entry.item(item).is_none()) {
            return Err(wrong(format!("items/{item}"), "is not an item of the entry").into());
        }
        let params: BTreeSet<&str> = entry_rules::properties(&entry.request_schema);
        if let Some(param) = connector.params.keys().find(|param| !params.contains(param.as_str())) {
            return Err(wrong(format!("params/{param}"), "is not a parameter of the entry").into());
        }
    }
    Ok(file)
}

fn open_schema(root: &Path, name: &str) -> Result<Value, String> {
    let relative = Path::new(name);
    if !relative.starts_with("schemas") || !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(format!("`{name}` must lie in schemas/, beside the folder of departments"));
    }
    let (name, text) = read(&root.join(relative)).map_err(|e| e.to_string())?;
    serde_json::from_str(&text).map_err(|e| format!("{name}: {e}"))
}

fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml")
}

fn stem<T: std::str::FromStr<Err = crate::ids::IdError>>(path: &Path) -> Result<T, DepartmentsError> {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    stem.parse().map_err(|e| FileError::new(&shown(path), "", format!("the file's name: {e}")).into())
}

/// Paths in a folder, sorted; none when there is no such folder.
fn list(dir: &Path, wanted: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>, DepartmentsError> {
    let failed = |cause| DepartmentsError::Read { path: dir.to_owned(), cause };
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && dir.parent().is_some_and(Path::exists) => {
            return Ok(Vec::new());
        }
        Err(e) => return Err(failed(e)),
    };
    let mut paths = Vec::new();
    for entry in entries.take(FILES_MAX + 1) {
        paths.push(entry.map_err(failed)?.path());
    }
    if paths.len() > FILES_MAX {
        return Err(DepartmentsError::City { path: dir.to_owned(), why: format!("more than {FILES_MAX} files") });
    }
    paths.retain(|path| wanted(path));
    paths.sort();
    Ok(paths)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// A file's name for messages, and its text.
fn read(path: &Path) -> Result<(String, String), DepartmentsError> {
    let failed = |cause| DepartmentsError::Read { path: path.to_owned(), cause };
    if std::fs::metadata(path).map_err(failed)?.len() > FILE_BYTES_MAX {
        return Err(FileError::new(&shown(path), "", format!("is longer than {FILE_BYTES_MAX} bytes")).into());
    }
    Ok((shown(path), std::fs::read_to_string(path).map_err(failed)?))
}

fn read_optional(path: &Path) -> Result<Option<(String, String)>, DepartmentsError> {
    if path.exists() { read(path).map(Some) } else { Ok(None) }
}

#[cfg(test)]
#[path = "departments_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "workflows_tests.rs"]
mod workflows_tests;
