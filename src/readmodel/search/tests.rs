//! The index as those meet it who search: words, facets, filters, and what becomes of it when it is damaged.

use std::sync::Arc;

use super::super::ReadModel;
use super::super::catalog::EntryFilter;
use super::super::testing::{Home, MakeHome, TestLedger, entry, on_both, text};
use super::super::tests::{follow, own};
use super::*;
use crate::domain::catalog::{EntryState, Sharing, UpdateCycle};
use crate::domain::command::{Command, EntryEnding};

on_both!(the_most_fitting_comes_first_and_filters_narrow, facets_count_what_is_found);

fn ledger() -> Arc<TestLedger> {
    let ledger = TestLedger::new("mulu-search");
    for (name, title, sharing) in [
        ("public-security/household-registration", "户籍登记信息", Sharing::Conditional),
        ("tax/deed-tax-payment", "契税缴纳信息", Sharing::Conditional),
        ("tax/register", "登记簿", Sharing::NotShared),
        ("transport/parking-bay-status", "停车泊位状态", Sharing::Unconditional),
    ] {
        let mut entry = entry(name, title);
        entry.sharing = sharing;
        entry.classification.class = text(if sharing == Sharing::Unconditional { "部门" } else { "基础" });
        entry.update_cycle = if name.starts_with("tax") { UpdateCycle::Daily } else { UpdateCycle::Weekly };
        ledger.publish(entry);
    }
    Arc::new(ledger)
}

fn names(model: &ReadModel, filter: &EntryFilter) -> Vec<String> {
    model.entries(filter).unwrap().items.into_iter().map(|entry| entry.id.name.to_string()).collect()
}

fn asked(q: &str) -> EntryFilter {
    EntryFilter { q: Some(q.into()), ..EntryFilter::default() }
}

fn indexed(model: &ReadModel) -> bool {
    model.shared.search.open.read().is_some()
}

fn the_most_fitting_comes_first_and_filters_narrow(home: MakeHome) {
    let home = home();
    let model = home.open();
    assert_eq!(model.facets(&asked("登记")), Ok(None), "nothing is indexed yet");
    follow(&ledger(), &model, own("tax"));
    assert!(indexed(&model));
    // A word in a short title counts most.
    assert_eq!(names(&model, &asked("登记")), ["register", "household-registration"]);
    assert_eq!(names(&model, &asked("PARK")), ["parking-bay-status"]);
    assert_eq!(names(&model, &asked("登记 户籍")), ["household-registration"]);
    assert_eq!(names(&model, &asked("。")), [""; 0]);
    let narrowed = EntryFilter { sharing: Some(Sharing::NotShared), ..asked("登记") };
    assert_eq!(names(&model, &narrowed), ["register"]);
    let of_cycle = EntryFilter { update_cycle: Some(UpdateCycle::Daily), grade: Some(3), ..EntryFilter::default() };
    assert_eq!(names(&model, &of_cycle), ["deed-tax-payment", "register"]);
    // A department's name finds its entries.
    let mut of_department = asked("税务局 登记");
    of_department.departments.insert("税务局".into(), vec!["tax".parse().unwrap()]);
    assert_eq!(names(&model, &of_department), ["register"]);
    // Pages follow one another.
    let mut page = EntryFilter { page: super::super::PageRequest { cursor: None, size: Some(1) }, ..asked("登记") };
    let first = model.entries(&page).unwrap();
    page.page.cursor = first.next_cursor;
    assert_eq!(names(&model, &page), ["household-registration"]);
    assert_eq!(model.entries(&page).unwrap().next_cursor, None);
}

fn facets_count_what_is_found(home: MakeHome) {
    let home = home();
    let model = home.open();
    let ledger = ledger();
    follow(&ledger, &model, own("tax"));
    let counts = |facet: &[FacetCount]| -> Vec<(String, u64)> {
        facet.iter().map(|count| (count.value.clone(), count.entries)).collect()
    };
    let facets = model.facets(&asked("登记")).unwrap().unwrap();
    assert_eq!(facets.total, 2);
    assert_eq!(counts(&facets.sharing), [("conditional".into(), 1), ("not_shared".into(), 1)]);
    let all = model.facets(&EntryFilter::default()).unwrap().unwrap();
    assert_eq!((all.total, counts(&all.provider)[0].clone()), (4, ("tax".into(), 2)));
    assert_eq!(counts(&all.class), [("基础".into(), 3), ("部门".into(), 1)]);

    // An entry that changes is counted as it is now, once.
    let ending = EntryEnding {
        entry: "tax/register".parse().unwrap(),
        version: "1.0".parse().unwrap(),
        reason: "x".into(),
        successor: None,
    };
    ledger.add(vec![("tax", Command::WithdrawEntry(ending))]);
    follow(&ledger, &model, own("tax"));
    let after = model.facets(&EntryFilter::default()).unwrap().unwrap();
    assert_eq!((after.total, counts(&after.state)), (4, vec![("published".into(), 3), ("withdrawn".into(), 1)]));
    let gone = EntryFilter { state: Some(EntryState::Withdrawn), ..asked("登记") };
    assert_eq!(names(&model, &gone), ["register"]);
}

#[test]
fn an_index_survives_a_restart_and_is_made_anew_when_damaged() {
    let home = Home::file();
    let ledger = ledger();
    follow(&ledger, &home.open(), own("tax"));
    let model = home.open();
    assert!(!indexed(&model));
    // Without the index a search still answers, only plainly.
    assert_eq!(names(&model, &asked("户籍")), ["household-registration"]);
    ledger.publish(entry("water/water-account", "用水登记"));
    follow(&ledger, &model, own("tax"));
    assert_eq!(names(&model, &asked("登记")).len(), 3);

    let damage = |change: &dyn Fn(&Path)| {
        for file in std::fs::read_dir(home.path().join(SEARCH_DIR)).unwrap() {
            change(&file.unwrap().path());
        }
        let model = home.open();
        ledger.publish(entry(&format!("water/w{}", ledger.size()), "水表登记"));
        follow(&ledger, &model, own("tax"));
        assert!(indexed(&model));
        names(&model, &asked("登记")).len()
    };
    assert_eq!(damage(&|path| std::fs::write(path, b"rubbish").unwrap()), 4);
    assert_eq!(damage(&|path| std::fs::remove_file(path).unwrap()), 5);
    let flip = |path: &Path| {
        let mut bytes = std::fs::read(path).unwrap();
        if let Some(byte) = bytes.len().checked_sub(40).and_then(|at| bytes.get_mut(at)) {
            *byte ^= 1;
        }
        std::fs::write(path, bytes).unwrap();
    };
    assert_eq!(damage(&flip), 6);
    home.rebuild();
    assert!(!home.path().join(SEARCH_DIR).exists());
}
