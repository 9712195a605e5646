//! What each op says of which values.

use serde_json::json;

use super::*;

fn judged(rule: Value, today: &str) -> Option<bool> {
    let form = json!({"buyer": "11010519491231002X", "area": 89, "on": "2026-11-21", "urgent": true});
    let contract = [
        json!({"buyer": "11010519491231002X", "status": "已备案", "price": 100, "filed_on": "2026-09-12"}),
        json!({"buyer": "11010519491231002X", "status": "已签约", "price": 250.5, "filed_on": "2026-09-13"}),
    ];
    let tax = [json!({"contract": "W1", "paid": null})];
    let pulls = BTreeMap::from([
        ("contract".parse().unwrap(), Some(&contract[..])),
        ("tax".parse().unwrap(), Some(&tax[..])),
        ("marriage".parse().unwrap(), Some(&[][..])),
        ("left-out".parse().unwrap(), None),
    ]);
    let mut document = json!({"name": "r1", "title": {"zh": "一", "en": "one"}});
    document.as_object_mut().unwrap().extend(rule.as_object().unwrap().clone());
    let rule: Rule = serde_json::from_value(document).unwrap();
    let ground = Ground { form: form.as_object().unwrap(), pulls: &pulls, today };
    ground.judge(&[rule]).first().map(|result| result.held)
}

#[test]
fn every_op_says_what_its_name_says() {
    let today = "2026-11-21";
    for (rule, holds) in [
        (json!({"left": "contract.buyer", "op": "equals", "right": "form.buyer"}), true),
        (json!({"left": "contract.status", "op": "equals", "value": "已备案"}), false),
        (json!({"left": "contract.status", "op": "equals", "value": "已备案", "any": true}), true),
        (json!({"left": "contract.status", "op": "not_equals", "value": "已撤销"}), true),
        (json!({"left": "contract.status", "op": "not_equals", "value": "已签约"}), false),
        (json!({"left": "contract.status", "op": "one_of", "values": ["已备案", "已签约"]}), true),
        (json!({"left": "contract.status", "op": "one_of", "values": ["已备案"]}), false),
        (json!({"left": "contract.price", "op": "at_least", "value": 100}), true),
        (json!({"left": "contract.price", "op": "at_least", "value": 101}), false),
        (json!({"left": "contract.price", "op": "at_most", "value": 250}), false),
        (json!({"left": "contract.price", "op": "at_most", "right": "contract.price"}), true),
        (json!({"left": "contract.price", "op": "equals", "value": "100", "any": true}), true),
        (json!({"left": "contract.filed_on", "op": "before", "value": "2026-09-14"}), true),
        (json!({"left": "contract.filed_on", "op": "before", "value": "2026-09-13"}), false),
        (json!({"left": "contract.filed_on", "op": "before", "value": "today"}), true),
        (json!({"left": "form.on", "op": "after", "value": "today"}), false),
        (json!({"left": "form.on", "op": "after", "right": "contract.filed_on"}), true),
        (json!({"left": "form.urgent", "op": "equals", "value": true}), true),
        (json!({"left": "contract.rows", "op": "at_least", "value": 2}), true),
        (json!({"left": "contract.rows", "op": "equals", "value": 1}), false),
        // Of nothing nothing holds, except that it is not something.
        (json!({"left": "marriage.status", "op": "equals", "value": "已婚"}), false),
        (json!({"left": "marriage.status", "op": "not_equals", "value": "已婚"}), true),
        (json!({"left": "marriage.status", "op": "not_equals", "value": "已婚", "any": true}), false),
        (json!({"left": "marriage.rows", "op": "at_most", "value": 0}), true),
        // What is missing, or of another type, is never equal, older or later.
        (json!({"left": "tax.paid", "op": "equals", "right": "tax.paid"}), false),
        (json!({"left": "tax.paid", "op": "before", "value": "today"}), false),
        (json!({"left": "tax.contract", "op": "at_least", "value": 0}), false),
        (json!({"left": "tax.none", "op": "equals", "value": ""}), false),
    ] {
        assert_eq!(judged(rule.clone(), today), Some(holds), "{rule}");
    }
}

#[test]
fn an_age_is_of_completed_years() {
    let rule = |years: u32| json!({"left": "form.buyer", "op": "age_at_least", "value": years});
    assert_eq!(judged(rule(77), "2026-12-30"), Some(false), "the day before the birthday");
    assert_eq!(judged(rule(77), "2026-12-31"), Some(true));
    assert_eq!(judged(rule(76), "2026-12-30"), Some(true));
    let by_date = json!({"left": "form.on", "op": "age_at_least", "value": 18});
    assert_eq!(judged(by_date.clone(), "2044-11-20"), Some(false));
    assert_eq!(judged(by_date, "2044-11-21"), Some(true));
    assert_eq!(judged(json!({"left": "tax.contract", "op": "age_at_least", "value": 0}), "2026-11-21"), Some(false));
}

#[test]
fn a_rule_about_what_was_left_out_does_not_apply() {
    for rule in [
        json!({"left": "left-out.status", "op": "equals", "value": "已婚"}),
        json!({"left": "left-out.rows", "op": "at_least", "value": 1}),
        json!({"left": "form.not_given", "op": "equals", "value": 1}),
        json!({"left": "contract.buyer", "op": "equals", "right": "form.not_given"}),
    ] {
        assert_eq!(judged(rule.clone(), "2026-11-21"), None, "{rule}");
    }
}

#[test]
fn an_operand_has_one_spelling() {
    for text in ["form.buyer", "contract.rows", "sale-contract.price_yuan"] {
        assert_eq!(text.parse::<Operand>().map(|operand| operand.to_string()), Ok(text.to_owned()));
    }
    for wrong in ["", "form", "form.", ".x", "form.A", "a b.c", "form.x.y", "Contract.x"] {
        assert!(wrong.parse::<Operand>().is_err(), "{wrong:?} passed");
    }
}
