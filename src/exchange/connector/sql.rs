//! The text of a question to a database: names from the department's own file, values always bound.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::ids::ItemName;

use super::ConnectorError;
use super::config::{ConnectorConfig, is_identifier};

const QUERY_BYTES_MAX: usize = 16 * 1024;
const ORDER_MAX: usize = 8;

/// What is read: a table or view, or the rows of a given query.
#[derive(Clone, Copy, Debug)]
pub(super) struct Relation<'a> {
    pub table: Option<&'a str>,
    pub query: Option<&'a str>,
    /// Columns that together name a row, none of them NULL: pages follow them.
    pub order_by: &'a [String],
}

/// What differs between the databases.
pub(super) trait Dialect {
    /// Place of the value of a number, from 1; `column` is what it is compared with.
    fn place(&self, number: usize, column: Option<&str>) -> String;
    /// The items of a row as one JSON object.
    fn object(&self, items: &[(&ItemName, String)]) -> String;
    /// The columns of the order as one JSON array.
    fn array(&self, columns: &[String]) -> String;
}

/// One question, with its values apart from its text.
#[derive(Debug)]
pub(super) struct Question {
    pub sql: String,
    pub values: Vec<Bound>,
    pub row_max: usize,
}

/// A value of a question.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Bound {
    Null,
    Text(String),
    Integer(i64),
    Number(f64),
    Boolean(bool),
}

impl Relation<'_> {
    /// Whether the given query names a parameter.
    pub(super) fn takes(&self, param: &ItemName) -> bool {
        let parts = self.query.and_then(|query| parts(query).ok()).unwrap_or_default();
        parts.iter().any(|(_, named)| named.as_ref() == Some(param))
    }

    /// Checks what stands in the file. `needs_order`: the database has no order of its own.
    pub(super) fn check(&self, needs_order: bool) -> Result<(), String> {
        match (self.table, self.query) {
            (Some(table), None) if !is_table(table) => {
                return Err(format!("`{table}` is not a table: 1 to 63 of a-z, 0-9 and _, no leading digit"));
            }
            (Some(_), None) => {}
            (None, Some(query)) if query.len() > QUERY_BYTES_MAX => return Err("query is too long".into()),
            (None, Some(query)) => {
                parts(query)?;
            }
            _ => return Err("needs `table` or `query`, not both".into()),
        }
        if let Some(wrong) = self.order_by.iter().find(|name| !is_identifier(name)) {
            return Err(format!("`{wrong}` is not a column name: 1 to 63 of a-z, 0-9 and _, no leading digit"));
        }
        let needed = needs_order || self.query.is_some();
        if (needed && self.order_by.is_empty()) || self.order_by.len() > ORDER_MAX {
            return Err(format!(
                "needs order_by: 1 to {ORDER_MAX} columns that together name a row, none of them NULL"
            ));
        }
        Ok(())
    }
}

/// A name, or schema and name.
fn is_table(text: &str) -> bool {
    text.split('.').count() <= 2 && text.split('.').all(is_identifier)
}

/// A given query as pieces of text, each with the parameter whose value follows it.
fn parts(query: &str) -> Result<Vec<(&str, Option<ItemName>)>, String> {
    let mut found = Vec::new();
    let mut rest = query;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, left) = after.split_once('}').ok_or("a `{` in query has no end")?;
        let name: ItemName = name.parse().map_err(|_| format!("`{{{name}}}` in query names no parameter"))?;
        found.push((before, Some(name)));
        rest = left;
    }
    found.push((rest, None));
    Ok(found)
}

impl Question {
    /// Writes the question for the page after `cursor`, which is the JSON array of the last row's order.
    pub(super) fn new(
        config: &ConnectorConfig,
        relation: Relation<'_>,
        dialect: &dyn Dialect,
        params: &Map<String, Value>,
        cursor: Option<&str>,
    ) -> Result<Self, ConnectorError> {
        let order: Vec<String> = match relation.order_by {
            [] => vec!["s.rowid".to_owned()],
            columns => columns.iter().map(|column| quoted(column)).collect::<Result<_, _>>()?,
        };
        let items = config.items.iter().map(|(item, column)| Ok((item, quoted(column)?)));
        let items: Vec<(&ItemName, String)> = items.collect::<Result<_, ConnectorError>>()?;
        let mut values = Vec::new();
        let from = from(relation, dialect, params, &mut values)?;
        let mut sql = format!(
            "SELECT CAST({} AS TEXT) AS found, CAST({} AS TEXT) AS at FROM {from} AS s",
            dialect.object(&items),
            dialect.array(&order)
        );
        let mut joint = "WHERE";
        for (name, value) in params {
            let Some(param) = name.parse::<ItemName>().ok() else { return Err(unknown(name)) };
            let value = Bound::from_json(value).ok_or_else(|| ConnectorError::Parameter(shown(name)))?;
            match config.params.get(&param) {
                Some(column) => {
                    values.push(value);
                    let column = quoted(column)?;
                    let _ = write!(sql, " {joint} {column} = {}", dialect.place(values.len(), Some(&column)));
                    joint = "AND";
                }
                // Its value stands in the given query already.
                None if relation.takes(&param) => {}
                None => return Err(unknown(name)),
            }
        }
        if let Some(cursor) = cursor {
            let mut places = Vec::with_capacity(order.len());
            for (column, value) in order.iter().zip(after(cursor, order.len())?) {
                values.push(value);
                places.push(dialect.place(values.len(), Some(column)));
            }
            let _ = write!(sql, " {joint} ({}) > ({})", order.join(", "), places.join(", "));
        }
        // One row more than the page tells whether there is a next page.
        let _ = write!(sql, " ORDER BY {} LIMIT {}", order.join(", "), u64::from(config.row_max) + 1);
        Ok(Self { sql, values, row_max: usize::try_from(config.row_max).unwrap_or(usize::MAX) })
    }
}

/// The relation as it stands after FROM; values of a given query are bound in the order of their places.
pub(super) fn from(
    relation: Relation<'_>,
    dialect: &dyn Dialect,
    params: &Map<String, Value>,
    values: &mut Vec<Bound>,
) -> Result<String, ConnectorError> {
    if let Some(table) = relation.table.filter(|table| is_table(table)) {
        let names: Vec<String> = table.split('.').map(|name| format!("\"{name}\"")).collect();
        return Ok(names.join("."));
    }
    let broken = || ConnectorError::Broken("connector.toml names neither table nor query".into());
    let mut sql = String::from("(");
    for (text, param) in parts(relation.query.ok_or_else(broken)?).map_err(ConnectorError::Broken)? {
        sql.push_str(text);
        if let Some(param) = param {
            // A parameter that the call leaves out is NULL there.
            let bound = params.get(param.as_str()).map_or(Some(Bound::Null), Bound::from_json);
            values.push(bound.ok_or_else(|| ConnectorError::Parameter(shown(param.as_str())))?);
            sql.push_str(&dialect.place(values.len(), None));
        }
    }
    // The given query may end in a comment.
    sql.push_str("\n)");
    Ok(sql)
}

/// The column of the relation, quoted: `s."name"`.
pub(super) fn quoted(name: &str) -> Result<String, ConnectorError> {
    if is_identifier(name) {
        Ok(format!("s.\"{name}\""))
    } else {
        Err(ConnectorError::Broken("connector.toml names a column that is none".into()))
    }
}

fn after(cursor: &str, length: usize) -> Result<Vec<Bound>, ConnectorError> {
    let values: Vec<Value> = serde_json::from_str(cursor).map_err(|_| ConnectorError::Cursor)?;
    let values: Option<Vec<Bound>> = values.iter().map(Bound::from_json).collect();
    values.filter(|values| values.len() == length).ok_or(ConnectorError::Cursor)
}

fn unknown(name: &str) -> ConnectorError {
    ConnectorError::UnknownParameter(shown(name))
}

/// The beginning of a caller's name, for an error.
pub(super) fn shown(name: &str) -> String {
    name.chars().take(64).collect()
}

impl Bound {
    fn from_json(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::Text(text.clone())),
            Value::Bool(flag) => Some(Self::Boolean(*flag)),
            Value::Number(number) => number.as_i64().map(Self::Integer).or_else(|| number.as_f64().map(Self::Number)),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// The value as PostgreSQL reads it from text.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Text(text) => Some(text.clone()),
            Self::Integer(number) => Some(number.to_string()),
            Self::Number(number) => Some(number.to_string()),
            Self::Boolean(flag) => Some(flag.to_string()),
        }
    }
}
