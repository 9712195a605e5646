//! The catalog as DCAT-AP 3 in JSON-LD, for harvesters: datasets, the services that answer, and records of both, those of
//! withdrawn entries too, so that copies drop them.

use serde_json::{Value, json};

use crate::domain::Text;
use crate::domain::catalog::{Entry, Level, UpdateCycle};
use crate::readmodel::tombstones::Tombstone;

/// Media type of JSON-LD.
pub const LD_JSON: &str = "application/ld+json";

/// Who publishes, by department.
pub type Names<'a> = &'a dyn Fn(&crate::ids::DepartmentId) -> Text;

/// The catalog of a city. `base` is where its API is reached.
pub fn catalog(
    city: &Text,
    publisher: &Text,
    base: &str,
    entries: &[Entry],
    gone: &[Tombstone],
    names: Names<'_>,
) -> Value {
    let datasets: Vec<Value> = entries.iter().map(|entry| dataset(entry, names)).collect();
    let served = entries.iter().filter(|entry| entry.level == Level::Interface);
    let services: Vec<Value> = served.map(|entry| service(entry, base)).collect();
    let live = entries.iter().map(|entry| {
        json!({"@type": "dcat:CatalogRecord", "foaf:primaryTopic": {"@id": id(&entry.name)}, "dct:modified": entry.issue_date})
    });
    let ended = gone.iter().map(|tombstone| {
        json!({
            "@type": "dcat:CatalogRecord",
            "foaf:primaryTopic": {"@id": id(&tombstone.entry.id)},
            "dct:modified": tombstone.ending.at.date(),
            // The publications office' list of dataset statuses.
            "adms:status": {"@id": "http://publications.europa.eu/resource/authority/dataset-status/WITHDRAWN"},
            "rdfs:comment": tombstone.ending.reason,
        })
    });
    json!({
        "@context": {
            "dcat": "http://www.w3.org/ns/dcat#",
            "dct": "http://purl.org/dc/terms/",
            "foaf": "http://xmlns.com/foaf/0.1/",
            "adms": "http://www.w3.org/ns/adms#",
            "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
        },
        "@id": "urn:mulu:catalog",
        "@type": "dcat:Catalog",
        "dct:title": text(city),
        "dct:description": text(city),
        "dct:publisher": agent(publisher),
        "dcat:dataset": datasets,
        "dcat:service": services,
        "dcat:record": live.chain(ended).collect::<Vec<_>>(),
    })
}

fn id(name: &crate::ids::EntryName) -> String {
    format!("urn:mulu:entry:{name}")
}

fn text(text: &Text) -> Value {
    let one = |language: &str, value: &str| json!({"@language": language, "@value": value});
    let mut all = vec![one("zh", &text.zh)];
    if !text.en.is_empty() {
        all.push(one("en", &text.en));
    }
    Value::Array(all)
}

fn agent(name: &Text) -> Value {
    json!({"@type": "foaf:Agent", "foaf:name": text(name)})
}

fn dataset(entry: &Entry, names: Names<'_>) -> Value {
    let theme: Vec<Value> = entry
        .classification
        .parts()
        .into_iter()
        .flat_map(|part| text(part).as_array().cloned().unwrap_or_default())
        .collect();
    json!({
        "@id": id(&entry.name),
        "@type": "dcat:Dataset",
        "dct:identifier": entry.code,
        "dct:title": text(&entry.title),
        "dct:description": text(&entry.summary),
        "dct:publisher": agent(&names(&entry.name.provider)),
        "dct:issued": entry.issue_date,
        "dcat:version": entry.version,
        "dcat:keyword": theme,
        "dct:accrualPeriodicity": {"@id": frequency(entry.update_cycle)},
        "dct:isPartOf": entry.parent.as_ref().map(|parent| json!({"@id": id(parent)})),
        "dct:accessRights": {"@id": if entry.open { access("PUBLIC") } else { access("RESTRICTED") }},
    })
}

fn service(entry: &Entry, base: &str) -> Value {
    json!({
        "@type": "dcat:DataService",
        "dct:title": text(&entry.title),
        "dcat:endpointURL": {"@id": format!("{base}/api/v1/query/{}", entry.name)},
        "dcat:servesDataset": {"@id": id(&entry.name)},
    })
}

fn access(code: &str) -> String {
    format!("http://publications.europa.eu/resource/authority/access-right/{code}")
}

/// The publications office' list of frequencies.
fn frequency(cycle: UpdateCycle) -> String {
    let code = match cycle {
        UpdateCycle::RealTime => "UPDATE_CONT",
        UpdateCycle::Daily => "DAILY",
        UpdateCycle::Weekly => "WEEKLY",
        UpdateCycle::Monthly => "MONTHLY",
        UpdateCycle::Quarterly => "QUARTERLY",
        UpdateCycle::Yearly => "ANNUAL",
        UpdateCycle::Irregular => "IRREG",
    };
    format!("http://publications.europa.eu/resource/authority/frequency/{code}")
}
