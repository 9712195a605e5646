//! The shipped workflows do what their examples promise, and the one that docs/workflows.md writes is whole.

use serde_json::Map;

use super::*;
use crate::clock::Millis;
use crate::domain::case_rules::{Ground, Operand};
use crate::domain::catalog::{Masking, Sharing};
use crate::exchange::connector::Connectors;
use crate::ids::TxId;

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("departments")
}

/// Each department's sources, filled with the sample data.
fn sources(city: &City, dir: &Path) -> BTreeMap<DepartmentId, Connectors> {
    let source = |folder: &DepartmentFolder| {
        let dir = dir.join(folder.file.id.as_str());
        std::fs::create_dir(&dir).unwrap();
        folder.fill_databases(&dir).unwrap();
        (folder.file.id.clone(), Connectors::new(folder.connectors.clone(), &dir))
    };
    city.departments.iter().map(source).collect()
}

#[tokio::test]
async fn each_workflow_runs_with_its_example_and_a_rule_refuses_the_other() {
    let city = load(&shipped()).unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let sources = sources(&city, temporary.path());
    let cases = &city.examples.as_ref().unwrap().cases;
    let mut told: BTreeMap<(&DepartmentId, &Slug), [u32; 2]> = BTreeMap::new();
    for example in cases {
        let folder = city.department(&example.department).unwrap();
        let workflow = folder.workflows.iter().find(|workflow| workflow.name == example.workflow).unwrap();
        let name = format!("{} {:?}", workflow.name, example.refused_by);
        let form: Map<String, Value> = example.form.clone().into_iter().collect();
        assert_eq!(workflow.check_form(&form), [], "{name}");
        let mut found: BTreeMap<Slug, Option<Vec<Value>>> = BTreeMap::new();
        for pull in &workflow.pulls {
            let mut rows = None;
            if pull.is_wanted(&form) {
                let source = &sources[&pull.entry.provider];
                let page = source.fetch(&pull.entry, &pull.params_of(&form), None).await.unwrap();
                assert!(page.rows.len() >= pull.rows_min as usize, "{name}: {} brings too little", pull.name);
                rows = Some(page.rows.into_iter().map(Value::Object).collect());
            }
            found.insert(pull.name.clone(), rows);
        }
        let pulls = found.iter().map(|(pull, rows)| (pull.clone(), rows.as_deref())).collect();
        let results = Ground { form: &form, pulls: &pulls, today: "2026-11-21" }.judge(&workflow.rules);
        let broken: Vec<&Slug> = results.iter().filter(|result| !result.held).map(|result| &result.rule).collect();
        match &example.refused_by {
            Some(rule) => assert!(broken.contains(&rule), "{name}: {broken:?}"),
            None => assert!(broken.is_empty(), "{name}: {broken:?}"),
        }
        told.entry((&example.department, &example.workflow)).or_default()[usize::from(!broken.is_empty())] += 1;
    }
    let shipped: usize = city.departments.iter().map(|folder| folder.workflows.len()).sum();
    assert_eq!((told.len(), shipped), (6, 6));
    assert!(told.values().all(|both| both.iter().all(|some| *some > 0)), "{told:?}");
}

#[test]
fn what_a_rule_or_a_certificate_needs_comes_unmasked() {
    let city = load(&shipped()).unwrap();
    for folder in &city.departments {
        for workflow in &folder.workflows {
            let of_rules =
                workflow.rules.iter().flat_map(|rule| std::iter::once(&rule.left).chain(rule.right.as_ref()));
            let certificate = workflow.certificate.iter();
            let of_certificate = certificate.flat_map(|one| {
                std::iter::once(&one.holder).chain(one.holder_name.as_ref()).chain(one.fields.values())
            });
            for operand in of_rules.chain(of_certificate) {
                let Operand::Item(name, item) = operand else { continue };
                let pull = workflow.pull(name).unwrap();
                let entry = city.entry(&pull.entry).unwrap();
                if pull.entry.provider == folder.file.id || entry.sharing == Sharing::Unconditional {
                    continue;
                }
                let of_pull = |grant: &&GrantFile| grant.entry == pull.entry && grant.purpose == workflow.purpose;
                let grant = folder.grants.iter().find(of_pull).unwrap();
                let approval = grant.approval(TxId::new(Millis(0)).into(), &grant.request(Millis(0)), entry);
                let granted = approval.items.iter().find(|granted| &granted.name == item).unwrap();
                assert_eq!(granted.masking, Masking::None, "{}: {operand}", workflow.name);
            }
        }
    }
}

#[test]
fn the_workflow_of_the_guide_can_be_copied_as_it_stands() {
    let guide = include_str!("../../docs/workflows.md");
    let blocks: Vec<&str> = guide
        .split("<!-- checked")
        .skip(1)
        .filter_map(|part| part.split_once("```toml\n")?.1.split_once("\n```").map(|(block, _)| block))
        .collect();
    let [file, grants] = blocks[..] else { panic!("{} blocks are checked", blocks.len()) };
    let workflow = workflow::parse("docs/workflows.md", file, &"household-transfer".parse().unwrap()).unwrap();
    let grants = grants::parse("docs/workflows.md", grants).unwrap();
    let city = load(&shipped()).unwrap();
    assert!(city.purposes.iter().any(|purpose| purpose.code == workflow.purpose));
    let owner: DepartmentId = "public-security".parse().unwrap();
    for pull in &workflow.pulls {
        let entry = city.entry(&pull.entry).unwrap();
        assert!(pull.items.iter().all(|item| entry.item(item).is_some()), "{}", pull.name);
        let is_granted =
            |grant: &GrantFile| grant.entry == pull.entry && pull.items.iter().all(|item| grant.items.contains(item));
        assert!(pull.entry.provider == owner || grants.iter().any(is_granted), "{}", pull.name);
    }
    for workflow in city.departments.iter().flat_map(|folder| &folder.workflows) {
        assert!(guide.contains(&format!("| `{}` ", workflow.name)), "the guide does not list {}", workflow.name);
    }
}
