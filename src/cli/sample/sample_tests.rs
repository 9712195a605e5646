//! The sample data is what the departments' own files say it is, and tells one story across departments.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value, json};

use super::*;
use crate::domain::catalog::ItemKind;
use crate::domain::department_files::city::Examples;
use crate::domain::formats;
use crate::domain::schema::Schema;
use crate::service::departments::{City, load};

type Row = BTreeMap<&'static str, String>;

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("departments")
}

fn rows(tables: &[Table], name: &str) -> Vec<Row> {
    let table = tables.iter().find(|table| table.name == name).unwrap();
    table.rows.iter().map(|row| table.columns.iter().copied().zip(row.iter().cloned()).collect()).collect()
}

fn value(text: &str, kind: ItemKind) -> Value {
    match kind {
        ItemKind::Integer => json!(text.parse::<i64>().unwrap()),
        ItemKind::Number => json!(text.parse::<f64>().unwrap()),
        _ => json!(text),
    }
}

#[test]
fn the_shipped_files_are_what_the_seed_gives() {
    let dir = tempfile::tempdir().unwrap();
    let written = write(dir.path(), DEFAULT_SEED).unwrap();
    assert_eq!(written.len(), 19);
    let names = written.iter().map(|(path, _)| path.strip_prefix(dir.path()).unwrap().to_owned());
    for name in names.chain(["examples.toml".into()]) {
        let (fresh, kept) = (std::fs::read(dir.path().join(&name)).unwrap(), std::fs::read(shipped().join(&name)));
        assert!(kept.is_ok_and(|kept| kept == fresh), "{}: run `mulu sample` and commit", name.display());
        assert!(fresh.len() < 300_000, "{} has {} bytes", name.display(), fresh.len());
    }
}

#[test]
fn every_row_fits_the_schema_of_its_interface_for_any_seed() {
    let city: City = load(&shipped()).unwrap();
    for table in tables(DEFAULT_SEED).into_iter().chain(tables(7)) {
        let name = format!("{}/{}", table.department, table.name);
        assert!(table.rows.len() >= 1_000, "{name} has {} rows", table.rows.len());
        let folder = city.department(&table.department.parse().unwrap()).unwrap();
        let connector = folder
            .connectors
            .connectors
            .iter()
            .find(|connector| connector.sqlite_table().is_some_and(|(_, name)| name == table.name))
            .unwrap();
        let entry = city.entry(&connector.entry).unwrap();
        let schema = Schema::compile(&entry.response_schema).unwrap();
        for row in &table.rows {
            let cells: BTreeMap<&str, &String> = table.columns.iter().copied().zip(row).collect();
            let mut answer = Map::new();
            for (item, column) in &connector.items {
                let text = cells[column.as_str()];
                if !text.is_empty() {
                    answer.insert(item.to_string(), value(text, entry.item(item).unwrap().kind));
                    assert!(text.chars().count() <= entry.item(item).unwrap().length as usize, "{name} {item} {text}");
                }
            }
            let faults = schema.check(&Value::Object(answer));
            assert_eq!(faults, [], "{name}: {row:?}");
        }
        let columns: BTreeSet<&str> = table.columns.iter().copied().collect();
        assert!(connector.params.values().all(|column| columns.contains(column.as_str())), "{name}");
    }
}

#[test]
fn a_person_bears_one_name_in_every_department() {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut seen = 0;
    let pairs = [
        ("id_number", "name"),
        ("spouse_id_number", "spouse_name"),
        ("owner_id_number", "owner_name"),
        ("seller_id_number", "seller_name"),
        ("buyer_id_number", "buyer_name"),
        ("payer_id_number", "payer_name"),
        ("holder_id_number", "holder_name"),
        ("sfzh", "hm"),
        ("legal_representative_id_number", "legal_representative"),
        ("landlord_id_number", "landlord_name"),
        ("tenant_id_number", "tenant_name"),
    ];
    for table in tables(DEFAULT_SEED) {
        for row in rows(std::slice::from_ref(&table), table.name) {
            for (number, name) in pairs {
                if let (Some(number), Some(name)) = (row.get(number), row.get(name)) {
                    formats::check("id_number", number).unwrap();
                    assert_eq!(names.entry(number.clone()).or_insert(name.clone()), name, "{}", table.name);
                    seen += 1;
                }
            }
        }
    }
    assert_eq!(names.len(), 1_200);
    assert!(seen > 15_000, "{seen}");
}

#[test]
fn marriages_titles_and_sales_fit_together() {
    let tables = tables(DEFAULT_SEED);
    let sides: BTreeSet<(String, String)> = rows(&tables, "marriage_registration")
        .into_iter()
        .map(|row| (row["id_number"].clone(), row["spouse_id_number"].clone()))
        .collect();
    assert!(sides.iter().all(|(one, other)| one != other && sides.contains(&(other.clone(), one.clone()))));
    let owners: BTreeSet<(String, String)> = rows(&tables, "real_estate_title")
        .into_iter()
        .map(|row| (row["unit_number"].clone(), row["owner_id_number"].clone()))
        .collect();
    let paid: BTreeMap<(String, String), String> = rows(&tables, "deed_tax_payment")
        .into_iter()
        .map(|row| ((row["payer_id_number"].clone(), row["contract_number"].clone()), row["taxable_yuan"].clone()))
        .collect();
    for sale in rows(&tables, "sale_contract") {
        assert!(owners.contains(&(sale["unit_number"].clone(), sale["seller_id_number"].clone())), "{sale:?}");
        assert_ne!(sale["seller_id_number"], sale["buyer_id_number"]);
        if sale["contract_status"] == "已备案" {
            let key = (sale["buyer_id_number"].clone(), sale["contract_number"].clone());
            assert_eq!(paid[&key], sale["price_yuan"]);
        }
    }
    let left_behind = rows(&tables, "gas_account")
        .into_iter()
        .filter(|row| !owners.contains(&(row["unit_number"].clone(), row["holder_id_number"].clone())))
        .count();
    assert!((20..40).contains(&left_behind), "{left_behind} bills still bear a former owner's name");
    for lease in rows(&tables, "lease_record") {
        assert!(owners.contains(&(lease["unit_number"].clone(), lease["landlord_id_number"].clone())), "{lease:?}");
        assert_ne!(lease["tenant_id_number"], lease["landlord_id_number"]);
    }
}

#[test]
fn the_worked_example_is_told_by_every_department() {
    let tables = tables(DEFAULT_SEED);
    let family = examples(DEFAULT_SEED);
    assert_eq!(examples(99), Examples { seed: 99, ..family.clone() }, "another seed, another family");
    assert!(family.cases.iter().all(|case| case.form.values().all(|value| value != "" && !value.is_null())));
    let only = |table: &str, column: &str, value: &str| -> Vec<Row> {
        rows(&tables, table).into_iter().filter(|row| row[column] == value).collect()
    };
    for number in [&family.seller_id_number, &family.spouse_id_number, &family.buyer_id_number] {
        assert_eq!(only("household_registration", "id_number", number).len(), 1);
        assert_eq!(only("marriage_registration", "id_number", number).len(), 1);
    }
    let owners = only("real_estate_title", "unit_number", &family.unit_number);
    let owners: Vec<&String> = owners.iter().map(|row| &row["owner_id_number"]).collect();
    assert_eq!(owners, [&family.seller_id_number, &family.spouse_id_number]);
    let contract = &only("sale_contract", "party_id_number", &family.buyer_id_number)
        .into_iter()
        .find(|row| row["unit_number"] == family.unit_number)
        .unwrap();
    assert_eq!(contract["contract_number"], family.contract_number);
    assert_eq!((contract["party_role"].as_str(), contract["contract_status"].as_str()), ("买方", "已备案"));
    let tax = &only("deed_tax_payment", "contract_number", &family.contract_number)[0];
    assert_eq!((&tax["payer_id_number"], tax["status"].as_str()), (&family.buyer_id_number, "已完税"));
    assert_eq!(only("water_account", "bdcdyh", &family.unit_number).len(), 2);
    assert_eq!(only("parking_bay_status", "bay_id", &family.bay_id).len(), 1);
    let firm = &only("enterprise_registration", "uscc", &family.uscc)[0];
    assert_eq!(firm["legal_representative_id_number"], family.seller_id_number);
    let city = load(&shipped()).unwrap();
    assert_eq!(city.examples, Some(family));
}
