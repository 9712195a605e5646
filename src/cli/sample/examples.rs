//! The worked examples: invented persons, the same for every seed, and what a clerk fills in for each workflow.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::domain::department_files::city::{ExampleCase, ExampleLicence, Examples};
use crate::ids::{DepartmentId, Slug};

use super::names::DISTRICTS;
use super::people::{Household, Person, households};
use super::{enterprises, property, shops, streets};

/// An enterprise that is to be founded: its number is none of those in the tables.
const NEW_ENTERPRISE: usize = 9_009;

/// A family that sells its home to another, a couple that marries, and what else the workflows ask about.
pub fn examples(seed: u64) -> Examples {
    let homes = households(seed);
    let titles = property::titles(&homes, seed);
    let sales = property::sales(&titles, seed);
    let [here, ..] = DISTRICTS;
    let (seller, buyer) = (homes.first(), homes.get(1));
    Examples {
        seed,
        seller_id_number: number(seller.map(|home| &home.head)),
        spouse_id_number: number(seller.and_then(|home| home.spouse.as_ref())),
        buyer_id_number: number(buyer.map(|home| &home.head)),
        unit_number: seller.map(|home| home.unit_number.clone()).unwrap_or_default(),
        contract_number: sales.first().map(|sale| sale.contract_number.clone()).unwrap_or_default(),
        bay_id: streets::bay_id(here.code, 0, 0),
        uscc: enterprises::code(0),
        cases: cases(&homes, seed),
        licences: licence(&homes).into_iter().collect(),
    }
}

/// The certificate of rental filing of somebody who rents the seller's other home.
fn licence(homes: &[Household]) -> Option<ExampleLicence> {
    let (landlord, tenant) = (&homes.first()?.head, &homes.get(2)?.head);
    let fields = [
        ("address", "朝阳区安定路甲5号3号楼1单元102室".into()),
        ("landlord", landlord.name.as_str().into()),
        ("lease_from", "2026-11-01".into()),
        ("lease_until", "2027-10-31".into()),
        ("rooms", 2.into()),
    ];
    Some(ExampleLicence {
        department: "housing".parse().ok()?,
        kind: "rental-filing".parse().ok()?,
        holder_code: tenant.id_number.clone(),
        holder_name: tenant.name.clone(),
        fields: fields.map(|(name, value)| (name.to_owned(), value)).into(),
    })
}

fn number(person: Option<&Person>) -> String {
    person.map(|person| person.id_number.clone()).unwrap_or_default()
}

/// For each workflow a form that runs to its end, and one that a rule refuses.
fn cases(homes: &[Household], seed: u64) -> Vec<ExampleCase> {
    let person = |at: usize| number(homes.get(at).map(|home| &home.head));
    let plate = |at: usize| homes.get(at).and_then(|home| home.head.plate.clone()).unwrap_or_default();
    let home = |at: usize| homes.get(at).map(|home| home.unit_number.clone()).unwrap_or_default();
    let shop = shops::shops(homes, seed).first().map(|shop| shop.unit_number.clone()).unwrap_or_default();
    let transfer = |seller: usize, buyer: usize| {
        vec![("seller_id_number", person(seller)), ("buyer_id_number", person(buyer)), ("unit_number", home(seller))]
    };
    let marriage = |man: usize| {
        vec![("man_id_number", person(man)), ("woman_id_number", person(3)), ("declared", "true".to_owned())]
    };
    let founding = |premises: &str, leased: bool| {
        vec![
            ("enterprise_name", "海淀明远溪谷餐饮有限公司".to_owned()),
            ("uscc", enterprises::code(NEW_ENTERPRISE)),
            ("legal_representative_id_number", person(0)),
            ("registered_capital_yuan", "1000000".to_owned()),
            ("business_scope", "餐饮服务；食品销售；外卖递送服务".to_owned()),
            ("premises_unit_number", premises.to_owned()),
            ("premises_owner_id_number", person(1)),
            ("leased", leased.to_string()),
        ]
    };
    let parking = |plate: String| {
        vec![
            ("resident_id_number", person(1)),
            ("plate_number", plate),
            ("unit_number", home(1)),
            ("home_owner_id_number", person(1)),
        ]
    };
    let accounts = |new: usize, former: usize, unit: usize| {
        vec![
            ("new_holder_id_number", person(new)),
            ("former_holder_id_number", person(former)),
            ("unit_number", home(unit)),
            ("phone", "19900000006".to_owned()),
        ]
    };
    let hotline = |request: usize| {
        vec![
            ("id_number", person(0)),
            ("request_number", streets::request_number(request)),
            ("first_department", "transport".to_owned()),
            ("second_department", "urban-management".to_owned()),
        ]
    };
    let estate = ("planning-resources", "real-estate-transfer");
    let wedding = ("civil-affairs", "marriage-certificate");
    let firm = ("market-regulation", "enterprise-registration");
    let permit = ("transport", "resident-parking");
    let utilities = ("urban-management", "utility-transfer");
    let request = ("government-services", "hotline-request");
    [
        case(estate, None, transfer(0, 1)),
        case(estate, Some("contract-in-force"), transfer(1, 2)),
        case(wedding, None, marriage(2)),
        case(wedding, Some("man-is-single"), marriage(0)),
        case(firm, None, founding(&shop, true)),
        case(firm, Some("premises-are-for-business"), founding(&home(1), false)),
        case(permit, None, parking(plate(1))),
        case(permit, Some("vehicle-is-the-residents"), parking(plate(0))),
        case(utilities, None, accounts(3, 0, 3)),
        case(utilities, Some("title-is-the-new-holders"), accounts(1, 0, 0)),
        case(request, None, hotline(0)),
        case(request, Some("request-is-open"), hotline(1)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The fields as the form takes them: what reads as a number or as yes is one.
fn case(of: (&str, &str), refused_by: Option<&str>, form: Vec<(&str, String)>) -> Option<ExampleCase> {
    let value = |(field, text): (&str, String)| {
        let typed = match field {
            "registered_capital_yuan" | "leased" | "declared" => text.parse().unwrap_or(Value::Null),
            _ => Value::from(text),
        };
        (field.to_owned(), typed)
    };
    Some(ExampleCase {
        department: of.0.parse::<DepartmentId>().ok()?,
        workflow: of.1.parse::<Slug>().ok()?,
        refused_by: refused_by.map(str::parse).transpose().ok()?,
        form: form.into_iter().map(value).collect::<BTreeMap<_, _>>(),
    })
}

/// `examples.toml`.
pub fn examples_toml(examples: &Examples) -> String {
    let Examples {
        seed,
        seller_id_number,
        spouse_id_number,
        buyer_id_number,
        unit_number,
        contract_number,
        bay_id,
        uscc,
        cases,
        licences,
    } = examples;
    let mut text = format!(
        "# The worked examples of README and tests, written by `mulu sample`. All of it is invented.\n\
         seed = {seed}\n\
         # 周明远 owns the unit together with 许佳宁, his wife, and sells it.\n\
         seller_id_number = \"{seller_id_number}\"\n\
         spouse_id_number = \"{spouse_id_number}\"\n\
         # 沈若溪 buys it: the contract is filed and the deed tax paid.\n\
         buyer_id_number = \"{buyer_id_number}\"\n\
         unit_number = \"{unit_number}\"\n\
         contract_number = \"{contract_number}\"\n\
         bay_id = \"{bay_id}\"\n\
         # An enterprise that the seller represents.\n\
         uscc = \"{uscc}\"\n\n\
         # What a clerk fills in for a case of each workflow. One that names `refused_by` stops at that rule.\n"
    );
    for ExampleCase { department, workflow, refused_by, form } in cases {
        // Writing to a text never fails.
        let _ = write!(text, "\n[[case]]\ndepartment = \"{department}\"\nworkflow = \"{workflow}\"\n");
        if let Some(rule) = refused_by {
            let _ = writeln!(text, "refused_by = \"{rule}\"");
        }
        let _ = writeln!(text, "[case.form]");
        for (field, value) in form {
            // Texts without control characters, numbers and yes or no are written alike in JSON and TOML.
            let _ = writeln!(text, "{field} = {value}");
        }
    }
    text.push_str(
        "\n# Licences that the demo issues at its first start, so that other departments find something to look up.\n",
    );
    for ExampleLicence { department, kind, holder_code, holder_name, fields } in licences {
        let _ = write!(text, "\n[[licence]]\ndepartment = \"{department}\"\ntype = \"{kind}\"\n");
        let _ = write!(text, "holder_code = \"{holder_code}\"\nholder_name = \"{holder_name}\"\n[licence.fields]\n");
        for (field, value) in fields {
            let _ = writeln!(text, "{field} = {value}");
        }
    }
    text
}
