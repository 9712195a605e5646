//! `catalog/<name>.toml`: one catalog entry.

use serde_json::Value;

use crate::domain::catalog::Entry;
use crate::domain::entry_rules;
use crate::ids::DepartmentId;

use super::FileError;

/// The keys whose value may be the name of a JSON file instead of the schema itself.
const SCHEMAS: [&str; 2] = ["request_schema", "response_schema"];

/// Reads an entry of the department `provider`. Where a schema is given as a file's name, `open`
/// answers with that file's JSON.
///
/// # Errors
/// [`FileError`] with the keys at fault.
pub fn parse(
    file: &str,
    text: &str,
    provider: &DepartmentId,
    open: &dyn Fn(&str) -> Result<Value, String>,
) -> Result<Entry, FileError> {
    let mut document = super::document(file, text)?;
    for key in SCHEMAS {
        if let Some(name) = document.get(key).and_then(Value::as_str) {
            let schema = open(name).map_err(|why| FileError::new(file, format!("/{key}"), why))?;
            if let Some(object) = document.as_object_mut() {
                object.insert(key.to_owned(), schema);
            }
        }
    }
    super::check(file, "catalog-entry", &document)?;
    let entry: Entry = super::typed(file, document)?;
    FileError::unless_empty(file, entry_rules::check_parts(&entry))?;
    if &entry.name.provider != provider {
        return Err(FileError::new(file, "/name", format!("must begin with `{provider}/`, its department")));
    }
    Ok(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const FILE: &str = r#"
        name = "transport/parking-bay-status"
        version = "1.0"
        level = "interface"
        code = "203001001/000001"
        title = { zh = "泊位", en = "Bays" }
        summary = { zh = "泊位", en = "Bays" }
        provider_code = "11110000000021135M"
        duty = { zh = "停车", en = "Parking" }
        format = { category = "database", type = "sqlite" }
        sharing = "unconditional"
        open = true
        update_cycle = "real_time"
        issue_date = "2026-01-05"
        request_schema = "schemas/request.json"
        response_schema = { type = "object", properties = { status = { type = "string" } }, additionalProperties = false }
        items = [{ name = "status", title = { zh = "状态", en = "State" }, type = "string", length = 2, sensitive = false, grade = 1 }]
        [classification]
        class = { zh = "类", en = "" }
        category = { zh = "项", en = "" }
        topic = { zh = "目", en = "" }
        detail = { zh = "细目", en = "" }
    "#;

    fn open(name: &str) -> Result<Value, String> {
        match name {
            "schemas/request.json" => Ok(json!({"type": "object", "properties": {}, "additionalProperties": false})),
            _ => Err(format!("{name} does not exist")),
        }
    }

    #[test]
    fn a_schema_may_stand_in_its_own_file() {
        let provider = "transport".parse().unwrap();
        let entry = parse("a.toml", FILE, &provider, &open).unwrap();
        assert_eq!(entry.request_schema["additionalProperties"], false);
        for (from, to, said) in [
            ("schemas/request.json", "schemas/else.json", "/request_schema: schemas/else.json does not exist"),
            ("transport/parking", "water/parking", "/name: must begin with `transport/`"),
            ("open = true", "open = true\nopenness = true", "'openness' was unexpected"),
            ("name = \"status\"", "name = \"state\"", "`state` is missing in response_schema"),
            ("\"2026-01-05\"", "2026-01-05", "/issue_date"),
        ] {
            let error = parse("a.toml", &FILE.replacen(from, to, 1), &provider, &open).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
