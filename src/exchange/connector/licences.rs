//! The department's own e-licences as a source: other departments look them up by identifier, or by holder.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::ids::{ItemName, Slug};

use super::{ConnectorConfig, ConnectorError, Page};

/// A licence's identifier as a parameter's place.
const IDENTIFIER: &str = "identifier";
/// The holder's code as a parameter's place.
const HOLDER: &str = "holder";

/// What `connector.toml` says beyond items and parameters.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LicencesConfig {
    /// Of this type only; without it of every type.
    #[serde(default, rename = "type")]
    pub kind: Option<Slug>,
}

impl LicencesConfig {
    pub(super) fn check(&self, params: impl Iterator<Item = impl AsRef<str>>) -> Result<(), String> {
        let places: Vec<String> = params.map(|place| place.as_ref().to_owned()).collect();
        match places.iter().find(|place| ![IDENTIFIER, HOLDER].contains(&place.as_str())) {
            Some(wrong) => Err(format!("`{wrong}` is no place: a parameter goes to `identifier` or `holder`")),
            None if places.is_empty() => Err("needs a parameter that goes to `identifier` or `holder`".into()),
            None => Ok(()),
        }
    }
}

/// What is looked for; every part that is there must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LicenceQuestion {
    /// Of this type.
    pub kind: Option<Slug>,
    /// With this identifier.
    pub identifier: Option<String>,
    /// Of whom this code names.
    pub holder: Option<String>,
}

/// Where the department's licences lie.
pub trait LicenceShelf: Send + Sync + 'static {
    /// The licences, newest first and no more than `max`, each with its record's members and fields by name. Blocks.
    ///
    /// # Errors
    /// Why they cannot be read; no data.
    fn find(&self, question: &LicenceQuestion, max: usize) -> Result<Vec<Map<String, Value>>, String>;
}

/// Asks the shelf, and gives each licence's items their names.
pub(super) fn ask(
    config: &ConnectorConfig,
    licences: &LicencesConfig,
    shelf: &Arc<dyn LicenceShelf>,
    params: &Map<String, Value>,
) -> Result<Page, ConnectorError> {
    let mut question = LicenceQuestion { kind: licences.kind.clone(), ..LicenceQuestion::default() };
    for (name, value) in params {
        let place = name.parse::<ItemName>().ok().and_then(|name| config.params.get(&name));
        let place = place.ok_or_else(|| ConnectorError::UnknownParameter(name.clone()))?;
        let text = value.as_str().ok_or_else(|| ConnectorError::Parameter(name.clone()))?.to_owned();
        match place.as_str() {
            IDENTIFIER => question.identifier = Some(text),
            _ => question.holder = Some(text),
        }
    }
    if question.identifier.is_none() && question.holder.is_none() {
        return Err(ConnectorError::Parameter(
            config.params.keys().next().map(ToString::to_string).unwrap_or_default(),
        ));
    }
    let max = usize::try_from(config.row_max).unwrap_or(usize::MAX);
    let found = shelf.find(&question, max).map_err(ConnectorError::Unreachable)?;
    let row = |licence: Map<String, Value>| {
        let items = config.items.iter();
        items.filter_map(|(item, place)| Some((item.to_string(), licence.get(place)?.clone()))).collect()
    };
    Ok(Page { rows: found.into_iter().map(row).collect(), next_cursor: None })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::exchange::connector::{ConnectorFile, Connectors};

    const FILE: &str = r#"
        version = 1
        [[connector]]
        entry = "housing/rental"
        kind = "certificates"
        type = "rental-filing"
        items = { licence = "identifier", status = "status", rooms = "rooms" }
        params = { identifier = "identifier", id_number = "holder" }
    "#;

    struct Told;

    impl LicenceShelf for Told {
        fn find(&self, question: &LicenceQuestion, max: usize) -> Result<Vec<Map<String, Value>>, String> {
            assert_eq!((question.kind.as_ref().map(Slug::as_str), max), (Some("rental-filing"), 1_000));
            let said = json!({"identifier": question.identifier, "status": "valid", "holder_code": "secret"});
            Ok(said.as_object().cloned().into_iter().filter(|_| question.holder.as_deref() != Some("nobody")).collect())
        }
    }

    fn params(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[tokio::test]
    async fn a_licence_is_looked_up_and_only_named_items_come() {
        let entry = "housing/rental".parse().unwrap();
        let base = std::path::Path::new("/");
        let closed = Connectors::new(ConnectorFile::parse(FILE).unwrap(), base);
        let one = params(json!({"identifier": "1.2"}));
        assert!(matches!(closed.fetch(&entry, &one, None).await, Err(ConnectorError::Unreachable(_))));
        let open = Connectors::new(ConnectorFile::parse(FILE).unwrap(), base).with_licences(Arc::new(Told));
        let page = open.fetch(&entry, &one, None).await.unwrap();
        assert_eq!(Value::from(page.rows), json!([{"licence": "1.2", "status": "valid"}]));
        let nobody = open.fetch(&entry, &params(json!({"id_number": "nobody"})), None).await.unwrap();
        assert!(nobody.rows.is_empty() && nobody.next_cursor.is_none());
        for wrong in [json!({}), json!({"identifier": 7}), json!({"name": "x"})] {
            assert!(open.fetch(&entry, &params(wrong), None).await.is_err());
        }
    }

    #[test]
    fn a_parameter_goes_to_the_identifier_or_the_holder() {
        for (from, to) in
            [("= \"holder\"", "= \"name\""), ("{ identifier = \"identifier\", id_number = \"holder\" }", "{}")]
        {
            assert!(
                ConnectorFile::parse(&FILE.replace(from, to))
                    .is_err_and(|why| why.contains("`identifier` or `holder`"))
            );
        }
        assert!(ConnectorFile::parse(&FILE.replace("type =", "table =")).is_err());
    }
}
