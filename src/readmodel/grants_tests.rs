//! Grants of several departments, as listings show them.

use std::sync::Arc;

use super::grants::GrantFilter;
use super::testing::{BEGIN, MakeHome, TestLedger, entry, on_both};
use super::tests::{HOUSEHOLD, follow, grant_request, own};
use crate::domain::command::Command;
use crate::domain::grant::GrantRequest;

on_both!(a_grant_that_departments_share_is_listed_for_each_of_them);

fn a_grant_that_departments_share_is_listed_for_each_of_them(home: MakeHome) {
    let ledger = Arc::new(TestLedger::new("mulu-test"));
    ledger.publish(entry(HOUSEHOLD, "户籍登记信息"));
    let members = ["housing", "water"].map(|name| name.parse().unwrap());
    let shared = GrantRequest { members: Some(Box::new(members)), ..grant_request() };
    ledger.add(vec![
        ("civil-affairs", Command::RequestGrant(shared)),
        ("housing", Command::RequestGrant(grant_request())),
    ]);
    let home = home();
    let model = home.open();
    follow(&ledger, &model, own("tax"));
    let listed = |filter: GrantFilter| model.grants(&filter, BEGIN).unwrap().items.len();
    for (name, of, with) in
        [("civil-affairs", 1, 1), ("housing", 2, 2), ("water", 1, 1), ("tax", 0, 0), ("public-security", 0, 2)]
    {
        let consumer = listed(GrantFilter { consumer: name.parse().ok(), ..Default::default() });
        let involved = listed(GrantFilter { involved: name.parse().ok(), ..Default::default() });
        assert_eq!((consumer, involved), (of, with), "{name}");
    }
}
