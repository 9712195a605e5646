//! Rows of an answer as a table.

use serde_json::Value;

use crate::domain::catalog::Entry;

use super::words::Words;

/// Headings and cells. Columns stand in the order in which they come, under their items' titles.
pub fn table(t: Words, entry: Option<&Entry>, rows: &[Value]) -> (Vec<String>, Vec<Vec<String>>) {
    let mut names: Vec<&str> = Vec::new();
    for name in rows.iter().filter_map(Value::as_object).flat_map(|row| row.keys()) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let title = |name: &&str| {
        let item = entry.and_then(|entry| entry.items.iter().find(|item| item.name.as_str() == *name));
        item.map_or_else(|| (*name).to_owned(), |item| t.pick(&item.title).to_owned())
    };
    let cells = |row: &Value| names.iter().map(|name| cell(t, row.get(*name))).collect();
    (names.iter().map(title).collect(), rows.iter().map(cells).collect())
}

fn cell(t: Words, value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "–".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(yes)) => t.yes(yes),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_of_different_shape_share_a_table() {
        let rows = [json!({"name": "张*", "age": 3}), json!({"age": 4, "alive": true})];
        let (columns, cells) = table(Words::default(), None, &rows);
        assert_eq!(columns, ["name", "age", "alive"]);
        assert_eq!(cells, [["张*", "3", "–"], ["–", "4", "是"]]);
        assert_eq!(table(Words::default(), None, &[]), (vec![], vec![]));
    }
}
