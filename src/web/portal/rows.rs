//! Rows of an answer as a table.

use serde_json::Value;

use crate::clock::Millis;
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
        Some(Value::String(text)) => moment(text).unwrap_or_else(|| text.clone()),
        Some(Value::Bool(yes)) => t.yes(yes),
        Some(other) => other.to_string(),
    }
}

/// A moment (RFC 3339, 5.6) in the city's time, as every moment on these pages; any other text is none.
fn moment(text: &str) -> Option<String> {
    let (date, time) = text.split_once('T')?;
    let is_whole = date.len() == 10 && time.len() >= 9;
    is_whole.then(|| Millis::parse(text).ok()).flatten().map(Millis::local_text)
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

    #[test]
    fn a_moment_is_told_in_the_city_s_time_and_nothing_else_is_touched() {
        let told = |text: &str| cell(Words::default(), Some(&json!(text)));
        assert_eq!(told("2026-10-30T09:12:00+08:00"), "2026-10-30 09:12:00");
        assert_eq!(told("2026-10-30T01:12:00Z"), "2026-10-30 09:12:00");
        for text in ["2026-10-30", "T", "2026-10-30T", "2026-10-30T09:12", "2026-13-30T09:12:00Z", "京AT0001", "张T三"]
        {
            assert_eq!(told(text), text);
        }
    }
}
