//! A department's own SQLite database, filled from a CSV file: how the demo's providers get their data.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Double, Nullable, Text};
use diesel::sqlite::{Sqlite, SqliteConnection};
use diesel::{Connection, RunQueryDsl};

use crate::domain::catalog::ItemKind;

use super::config::is_identifier;

/// Values bound in one statement; SQLite's bound is far above.
const VALUES_MAX: usize = 900;
/// Columns of a table, at most.
const COLUMNS_MAX: usize = 100;
/// Rows of a file, at most: sample data, not a migration.
const ROWS_MAX: usize = 200_000;

/// Why a table cannot be filled.
#[derive(Debug, thiserror::Error)]
pub enum ProviderDatabaseError {
    /// The CSV file cannot be read or does not fit.
    #[error("{path}: {why}")]
    Csv {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its line.
        why: String,
    },
    /// The database refuses.
    #[error("{path}: {why}")]
    Database {
        /// The file.
        path: PathBuf,
        /// What it said.
        why: String,
    },
}

/// A table to be made. Columns of the CSV file that `kinds` does not name are text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Kind of the values, by column.
    pub kinds: BTreeMap<String, ItemKind>,
    /// Columns by which it is asked; each gets an index.
    pub indexed: Vec<String>,
}

enum Cell {
    Text(Option<String>),
    Integer(Option<i64>),
    Number(Option<f64>),
}

/// Makes the table in the database file and fills it, all or nothing. The CSV file's first line names
/// the columns; an empty cell becomes NULL. Answers with the number of rows.
///
/// # Errors
/// [`ProviderDatabaseError`] naming the file, and the line when it is the CSV file's fault.
pub fn fill_from_csv(database: &Path, table: &Table, csv: &Path) -> Result<usize, ProviderDatabaseError> {
    let wrong = |why: String| ProviderDatabaseError::Csv { path: csv.to_owned(), why };
    let mut reader = csv::Reader::from_path(csv).map_err(|e| wrong(e.to_string()))?;
    let columns: Vec<String> = reader.headers().map_err(|e| wrong(e.to_string()))?.iter().map(str::to_owned).collect();
    if columns.is_empty() || columns.len() > COLUMNS_MAX {
        return Err(wrong(format!("needs 1 to {COLUMNS_MAX} columns")));
    }
    let named = columns.iter().chain(&table.indexed).chain([&table.name]);
    if let Some(name) = named.into_iter().find(|name| !is_identifier(name)) {
        return Err(wrong(format!("`{name}` is not a table or column name: 1 to 63 of a-z, 0-9 and _")));
    }
    if let Some(name) = table.kinds.keys().chain(&table.indexed).find(|name| !columns.contains(name)) {
        return Err(wrong(format!("has no column `{name}`")));
    }
    let kinds: Vec<ItemKind> =
        columns.iter().map(|column| table.kinds.get(column).copied().unwrap_or(ItemKind::String)).collect();
    let mut rows = Vec::new();
    for (at, record) in reader.records().enumerate() {
        let line = at + 2;
        let record = record.map_err(|e| wrong(e.to_string()))?;
        let cells: Result<Vec<Cell>, String> =
            record.iter().zip(&kinds).map(|(text, kind)| Cell::read(text, *kind)).collect();
        rows.push(cells.map_err(|why| wrong(format!("line {line}: {why}")))?);
        if rows.len() > ROWS_MAX {
            return Err(wrong(format!("more than {ROWS_MAX} rows")));
        }
    }
    write(database, table, &columns, &kinds, &rows)
        .map_err(|e| ProviderDatabaseError::Database { path: database.to_owned(), why: e.to_string() })?;
    Ok(rows.len())
}

impl Cell {
    fn read(text: &str, kind: ItemKind) -> Result<Self, String> {
        let some = (!text.is_empty()).then_some(text);
        let wrong = |what: &str| format!("`{}` is not {what}", text.chars().take(40).collect::<String>());
        match kind {
            ItemKind::String | ItemKind::Date => Ok(Self::Text(some.map(str::to_owned))),
            ItemKind::Integer => {
                some.map(str::parse).transpose().map(Self::Integer).map_err(|_| wrong("a whole number"))
            }
            ItemKind::Number => some.map(str::parse).transpose().map(Self::Number).map_err(|_| wrong("a number")),
            ItemKind::Boolean => match some {
                None => Ok(Self::Integer(None)),
                Some("true") => Ok(Self::Integer(Some(1))),
                Some("false") => Ok(Self::Integer(Some(0))),
                Some(_) => Err(wrong("true or false")),
            },
        }
    }
}

fn sql_type(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::String | ItemKind::Date => "TEXT",
        ItemKind::Integer | ItemKind::Boolean => "INTEGER",
        ItemKind::Number => "REAL",
    }
}

fn write(
    database: &Path,
    table: &Table,
    columns: &[String],
    kinds: &[ItemKind],
    rows: &[Vec<Cell>],
) -> Result<(), Box<dyn std::error::Error>> {
    let mut connection = SqliteConnection::establish(database.to_str().ok_or("the path is not UTF-8")?)?;
    // Names were checked to be identifiers, so quoting them is enough.
    let typed: Vec<String> =
        columns.iter().zip(kinds).map(|(column, kind)| format!("\"{column}\" {}", sql_type(*kind))).collect();
    let name = &table.name;
    connection.transaction(|connection| {
        connection.batch_execute(&format!("CREATE TABLE \"{name}\" ({})", typed.join(", ")))?;
        for chunk in rows.chunks((VALUES_MAX / columns.len()).max(1)) {
            insert(connection, name, columns.len(), chunk)?;
        }
        for column in &table.indexed {
            connection.batch_execute(&format!(
                "CREATE INDEX IF NOT EXISTS \"{name}_by_{column}\" ON \"{name}\" (\"{column}\")"
            ))?;
        }
        diesel::QueryResult::Ok(())
    })?;
    Ok(())
}

fn insert(
    connection: &mut SqliteConnection,
    name: &str,
    columns: usize,
    rows: &[Vec<Cell>],
) -> diesel::QueryResult<usize> {
    let row = format!("({})", vec!["?"; columns].join(", "));
    let sql = format!("INSERT INTO \"{name}\" VALUES {}", vec![row.as_str(); rows.len()].join(", "));
    let mut query = diesel::sql_query(sql).into_boxed::<Sqlite>();
    for cell in rows.iter().flatten() {
        query = match cell {
            Cell::Text(text) => query.bind::<Nullable<Text>, _>(text.clone()),
            Cell::Integer(number) => query.bind::<Nullable<BigInt>, _>(*number),
            Cell::Number(number) => query.bind::<Nullable<Double>, _>(*number),
        };
    }
    query.execute(connection)
}

#[cfg(test)]
mod tests {
    use super::*;
    use diesel::QueryableByName;

    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        row: String,
    }

    fn table() -> Table {
        let kinds = [("size", ItemKind::Number), ("n", ItemKind::Integer)];
        Table {
            name: "homes".into(),
            kinds: kinds.into_iter().map(|(column, kind)| (column.to_owned(), kind)).collect(),
            indexed: vec!["id".into()],
        }
    }

    #[test]
    fn values_keep_their_kind_and_empty_cells_are_null() {
        let dir = tempfile::tempdir().unwrap();
        let csv = dir.path().join("homes.csv");
        let mut text = String::from("id,name,size,n\n");
        for n in 0..1000 {
            text.push_str(&format!("01{n},\"王, \"\"x\"\"\",,{n}\n"));
        }
        text.push_str("last,李,1.5,\n");
        std::fs::write(&csv, text).unwrap();
        let database = dir.path().join("homes.db");
        assert_eq!(fill_from_csv(&database, &table(), &csv).unwrap(), 1001);
        let mut connection = SqliteConnection::establish(database.to_str().unwrap()).unwrap();
        let rows: Vec<Row> = diesel::sql_query(
            "SELECT json_array(id, name, size, n) AS row FROM homes INDEXED BY homes_by_id WHERE id IN ('017', 'last') ORDER BY id",
        )
        .load(&mut connection)
        .unwrap();
        let rows: Vec<&str> = rows.iter().map(|row| row.row.as_str()).collect();
        assert_eq!(rows, ["[\"017\",\"王, \\\"x\\\"\",null,7]", "[\"last\",\"李\",1.5,null]"]);
    }

    #[test]
    fn a_bad_file_leaves_no_table_and_names_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let csv = dir.path().join("homes.csv");
        for (text, said) in [
            ("id,size,n\na,1,2\nb,x,3\n", "line 3: `x` is not a number"),
            ("id,size,n\na,1,2.5\n", "line 2: `2.5` is not a whole number"),
            ("id,size\na,1\n", "has no column `n`"),
            ("id,size,n,N\"; --\n", "is not a table or column name"),
            ("id,size,n\na,1\n", "found record with 2 fields"),
        ] {
            std::fs::write(&csv, text).unwrap();
            let database = dir.path().join("homes.db");
            let error = fill_from_csv(&database, &table(), &csv).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
            assert!(!database.exists());
        }
    }
}
