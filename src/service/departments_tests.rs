//! The shipped departments are read as users copy them, and a slip in one is named.

use super::*;
use crate::clock::Millis;
use crate::domain::catalog::Sharing;
use crate::ids::TxId;

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("departments")
}

#[test]
fn the_shipped_city_is_whole() {
    let city = load(&shipped()).unwrap();
    let ids: Vec<&str> = city.departments.iter().map(|folder| folder.file.id.as_str()).collect();
    assert_eq!(ids.len(), 13);
    assert_eq!(ids[..5], ["data-bureau", "public-security", "civil-affairs", "planning-resources", "housing"]);
    let sharing = |name: &str| city.entry(&name.parse().unwrap()).unwrap().sharing;
    assert_eq!(sharing("transport/parking-bay-status"), Sharing::Unconditional);
    assert_eq!(sharing("public-security/case-investigation"), Sharing::NotShared);
    let entries: Vec<&Entry> = city.departments.iter().flat_map(|folder| &folder.entries).collect();
    assert_eq!(entries.len(), 20);
    assert_eq!(entries.iter().filter(|entry| entry.sharing == Sharing::Conditional).count(), 17);
    let codes: BTreeSet<&str> = entries.iter().map(|entry| entry.code.as_str()).collect();
    assert_eq!(codes.len(), entries.len());
    for folder in &city.departments {
        let id = &folder.file.id;
        assert_eq!(folder.connectors.connectors.len(), folder.entries.len(), "{id}");
        assert!(folder.entries.iter().all(|entry| entry.provider_code == folder.file.uscc), "{id}");
        let roles: BTreeSet<&str> =
            folder.file.accounts.iter().flat_map(|account| &account.roles).map(|role| role.as_str()).collect();
        assert!(roles.is_superset(&["admin", "clerk", "reviewer"].into()), "{id}");
        assert_eq!(roles.contains("auditor"), folder.file.part == Part::Auditor, "{id}");
    }
    let related = entries.iter().flat_map(|entry| &entry.related_codes);
    assert_eq!(related.filter(|code| !codes.contains(code.as_str())).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn every_workflow_can_be_done_with_the_grants_beside_it() {
    let city = load(&shipped()).unwrap();
    let workflows = city.departments.iter().flat_map(|folder| folder.workflows.iter().map(move |one| (folder, one)));
    for (folder, workflow) in workflows {
        let name = &workflow.name;
        assert!(city.purposes.iter().any(|purpose| purpose.code == workflow.purpose), "{name}");
        for pull in &workflow.pulls {
            let entry = city.entry(&pull.entry).unwrap_or_else(|| panic!("{name}: {}", pull.entry));
            let params = entry_rules::properties(&entry.request_schema);
            assert!(pull.params.keys().all(|param| params.contains(param.as_str())), "{name}: {}", pull.name);
            for item in &pull.items {
                assert!(entry.item(item).is_some(), "{name}: {item}");
            }
            if pull.entry.provider == folder.file.id || entry.sharing == Sharing::Unconditional {
                continue;
            }
            let of_pull = |grant: &&GrantFile| grant.entry == pull.entry && grant.purpose == workflow.purpose;
            let grant =
                folder.grants.iter().find(of_pull).unwrap_or_else(|| panic!("{name}: no grant of {}", pull.entry));
            let request = grant.request(Millis(0));
            assert_eq!(request.version, entry.version);
            let approval = grant.approval(TxId::new(Millis(0)).into(), &request, entry);
            for item in &pull.items {
                assert!(approval.items.iter().any(|granted| &granted.name == item), "{name}: {item} is not granted");
            }
        }
        for department in workflow.sign_offs.iter().filter_map(|step| step.department.as_ref()) {
            assert!(city.department(department).is_some(), "{name}: {department}");
        }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { std::fs::copy(&path, &target).map(drop).unwrap() }
    }
}

#[test]
fn a_slip_is_named_with_file_and_key() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("departments");
    copy(&shipped().join("water"), &dir.join("water"));
    copy(&shipped().join("../schemas/interfaces/water"), &temporary.path().join("schemas/interfaces/water"));
    let water = dir.join("water");
    load_department(&water).unwrap();
    for (file, from, to, said) in [
        ("department.toml", "order = ", "oder = ", "'oder' was unexpected"),
        ("connector.toml", "status = ", "state = ", "/connector/0/items/state: is not an item"),
        ("connector.toml", "[connector.params]", "[connector.params]\nshoe = \"hh\"", "/connector/0/params/shoe"),
        ("connector.toml", "\"hh\"", "\"h h\"", "/connector/0/items/account_number"),
        ("catalog/water-account.toml", "schemas/interfaces", "schemas/../../etc", "must lie in schemas/"),
        ("catalog/water-account.toml", "grade = 3", "grade = 7", "/grade"),
        ("catalog/water-account.toml", "\"water/water-account\"", "\"water/account\"", "/name"),
    ] {
        let path = water.join(file);
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, whole.replacen(from, to, 1)).unwrap();
        let error = load_department(&water).unwrap_err().to_string();
        assert!(error.contains(file) && error.contains(said), "{error}");
        std::fs::write(&path, whole).unwrap();
    }
    let error = load(&dir).unwrap_err().to_string();
    assert!(error.contains("exactly one department must have the part authority"), "{error}");
}

#[tokio::test]
async fn shipped_rows_are_found_through_the_connectors_and_fit_their_schemas() {
    use crate::domain::schema::Schema;
    use crate::exchange::connector::Connectors;
    use serde_json::{Map, json};

    let city = load(&shipped()).unwrap();
    let family = city.examples.clone().unwrap();
    let (plate, name) = (&"京A90000".to_owned(), &"朝阳青禾同行商贸有限公司".to_owned());
    let temporary = tempfile::tempdir().unwrap();
    for folder in &city.departments {
        let dir = temporary.path().join(folder.file.id.as_str());
        std::fs::create_dir(&dir).unwrap();
        let rows = folder.fill_databases(&dir).unwrap();
        let tables = folder.connectors.connectors.iter().filter(|connector| connector.sqlite_table().is_some());
        let tables: Vec<&EntryName> = tables.map(|connector| &connector.entry).collect();
        assert!(rows >= 1_000 * tables.len(), "{}: {rows} rows", folder.file.id);
        assert_eq!(folder.fill_databases(&dir).unwrap(), 0, "a database that is there is left alone");
        let connectors = Connectors::new(folder.connectors.clone(), &dir);
        // Entries of the department's own licences have no rows before one is issued.
        for entry in folder.entries.iter().filter(|entry| tables.contains(&&entry.name)) {
            let properties = entry_rules::properties(&entry.request_schema);
            let sold = entry.name.name.as_str() == "sale-contract";
            let known = [
                ("id_number", if sold { &family.buyer_id_number } else { &family.seller_id_number }),
                ("uscc", &family.uscc),
                ("bay_id", &family.bay_id),
                ("plate_number", plate),
                ("name", name),
            ];
            let params = known.into_iter().filter(|(name, _)| properties.contains(name));
            let params: Map<String, Value> = params.map(|(name, value)| (name.into(), json!(value))).collect();
            assert_eq!(Schema::compile(&entry.request_schema).unwrap().check(&json!(params)), [], "{}", entry.name);
            let page = connectors.fetch(&entry.name, &params, None).await.unwrap();
            let rare = ["case-investigation", "case-monitoring", "medical-record-summary", "hotline-request"];
            assert!(!page.rows.is_empty() || rare.contains(&entry.name.name.as_str()), "{} is empty", entry.name);
            let schema = Schema::compile(&entry.response_schema).unwrap();
            for row in page.rows {
                assert_eq!(schema.check(&Value::Object(row)), [], "{}", entry.name);
            }
        }
    }
}

#[test]
fn each_workflow_fills_in_the_certificate_that_it_ends_in() {
    let city = load(&shipped()).unwrap();
    let mut ends = 0;
    for folder in &city.departments {
        for (workflow, wanted) in folder.workflows.iter().filter_map(|w| Some((w, w.certificate.as_ref()?))) {
            let kind = wanted.kind.as_ref().unwrap();
            let kind = folder.certificate_types.iter().find(|known| &known.name == kind);
            let kind = kind.unwrap_or_else(|| panic!("{} ends in no type of its department", workflow.name));
            assert!(kind.type_code.starts_with(&folder.file.uscc), "{}", kind.name);
            let known = kind.fields["properties"].as_object().unwrap();
            for field in wanted.fields.keys() {
                assert!(known.contains_key(field.as_str()), "{} has no {field}", kind.name);
            }
            for field in kind.fields["required"].as_array().unwrap() {
                let given = wanted.fields.keys().any(|name| name.as_str() == field);
                assert!(given, "{} does not fill in {field}", workflow.name);
            }
            assert!(wanted.holder_name.is_some(), "{}", workflow.name);
            ends += 1;
        }
    }
    assert_eq!(ends, 4);
}
