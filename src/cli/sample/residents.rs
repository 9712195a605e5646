//! What police and civil affairs know: households, marriages, cases under investigation.

use jiff::ToSpan as _;
use jiff::civil::date;

use super::people::{AS_OF, Household, KNOWN, Person, day_between, later};
use super::rng::Rng;
use super::table::Table;

/// public-security/household-registration.
pub fn registrations(homes: &[Household], seed: u64) -> Table {
    let mut table = Table::new(
        "public-security",
        "household_registration",
        &[
            "id_number",
            "name",
            "sex",
            "ethnicity",
            "birth_date",
            "household_number",
            "household_relation",
            "household_type",
            "address",
            "registered_on",
            "police_station",
            "status",
        ],
    );
    let mut rng = Rng::new(seed, "registrations");
    for (at, home) in homes.iter().enumerate() {
        let alone = home.spouse.is_none();
        for (person, relation) in home.members() {
            let registered = day_between(&mut rng, later(person.birth, 7), later(person.birth, 60)).min(AS_OF);
            let left = at >= KNOWN && rng.chance(1);
            table.push([
                person.id_number.clone(),
                person.name.clone(),
                person.sex().into(),
                person.ethnicity.into(),
                person.birth.to_string(),
                home.number.clone(),
                relation.into(),
                if alone && rng.chance(40) { "集体户" } else { "家庭户" }.into(),
                home.address.clone(),
                registered.to_string(),
                format!("{}{}派出所", home.district.name, home.road),
                if left { "迁出" } else { "正常" }.into(),
            ]);
        }
    }
    table
}

/// public-security/resident-identity: what stands on an identity card (居民身份证法 §3), without picture and fingerprints.
pub fn identities(homes: &[Household], seed: u64) -> Table {
    let mut table = Table::new(
        "public-security",
        "resident_identity",
        &[
            "id_number",
            "name",
            "sex",
            "ethnicity",
            "birth_date",
            "address",
            "issuing_authority",
            "valid_from",
            "valid_until",
            "status",
        ],
    );
    let mut rng = Rng::new(seed, "identities");
    for (at, home) in homes.iter().enumerate() {
        for (person, _) in home.members() {
            // §5: five years below the age of 16, then 10, from 26 on 20, from 46 on without end.
            let from = day_between(&mut rng, later(AS_OF, -1_700).max(later(person.birth, 30)), later(AS_OF, -20));
            let from = from.min(AS_OF);
            let years = match person.age(from) {
                0..=15 => Some(5),
                16..=25 => Some(10),
                26..=45 => Some(20),
                _ => None,
            };
            let until = years.map(|years: i64| from.saturating_add(years.years()).to_string());
            let lost = at >= KNOWN && rng.chance(1);
            table.push([
                person.id_number.clone(),
                person.name.clone(),
                person.sex().into(),
                person.ethnicity.into(),
                person.birth.to_string(),
                home.address.clone(),
                format!("{}公安分局", home.district.name),
                from.to_string(),
                until.unwrap_or_default(),
                if lost { "挂失" } else { "有效" }.into(),
            ]);
        }
    }
    table
}

/// public-security/vehicle-registration: each vehicle in use, and the one before it that bore the same plate.
pub fn vehicles(homes: &[Household], seed: u64) -> Table {
    let mut table = Table::new(
        "public-security",
        "vehicle_registration",
        &[
            "plate_number",
            "owner_id_number",
            "owner_name",
            "vehicle_type",
            "energy",
            "use_nature",
            "registered_on",
            "inspection_until",
            "status",
        ],
    );
    let mut rng = Rng::new(seed, "vehicles");
    for (at, home) in homes.iter().enumerate() {
        for (owner, plate) in home.members().filter_map(|(person, _)| Some((person, person.plate.as_ref()?))) {
            let kind = rng.pick(&["小型轿车", "小型轿车", "小型普通客车"]);
            let since = day_between(&mut rng, date(2021, 1, 4), date(2026, 8, 31));
            let late = at >= KNOWN && rng.chance(3);
            let until = if late { later(AS_OF, -rng.between(5, 300)) } else { later(AS_OF, rng.between(20, 700)) };
            let before = later(since, -rng.between(400, 3_000));
            let standing = if late { "逾期未检验" } else { "正常" };
            for (registered, until, status) in [(before, later(since, -1), "注销"), (since, until, standing)] {
                let electric = plate.chars().count() == 8 && status != "注销";
                table.push([
                    plate.clone(),
                    owner.id_number.clone(),
                    owner.name.clone(),
                    kind.into(),
                    if electric { "纯电动" } else { "汽油" }.into(),
                    "非营运".into(),
                    registered.to_string(),
                    until.to_string(),
                    status.into(),
                ]);
            }
        }
    }
    table
}

/// civil-affairs/marriage-registration: a record for each side.
pub fn marriages(homes: &[Household], seed: u64) -> Table {
    let mut table = Table::new(
        "civil-affairs",
        "marriage_registration",
        &[
            "id_number",
            "name",
            "spouse_id_number",
            "spouse_name",
            "marital_status",
            "certificate_number",
            "registered_on",
            "registration_office",
        ],
    );
    let mut both = |one: &Person, other: &Person, home: &Household, status: &str, number: String, day: String| {
        for (this, that) in [(one, other), (other, one)] {
            table.push([
                this.id_number.clone(),
                this.name.clone(),
                that.id_number.clone(),
                that.name.clone(),
                status.to_owned(),
                number.clone(),
                day.clone(),
                format!("{}民政局婚姻登记处", home.district.name),
            ]);
        }
    };
    for (at, home) in homes.iter().enumerate() {
        if let (Some(spouse), Some(day)) = (&home.spouse, home.married_on) {
            let number = format!("J{}-{}-9{at:05}", home.district.code, day.year());
            both(&home.head, spouse, home, "已婚", number, day.to_string());
        }
    }
    // Some who live alone were married to each other before.
    let alone = |male: bool| {
        let old = date(1990, 1, 1);
        homes
            .iter()
            .enumerate()
            .filter(move |(_, home)| home.spouse.is_none() && home.head.male == male && home.head.birth < old)
    };
    let mut rng = Rng::new(seed, "divorces");
    for ((at, man), (_, woman)) in alone(true).zip(alone(false)).take(12) {
        let day = day_between(&mut rng, date(2016, 1, 4), date(2025, 12, 31));
        let number = format!("L{}-{}-9{at:05}", man.district.code, day.year());
        both(&man.head, &woman.head, man, "离婚", number, day.to_string());
    }
    table
}

/// public-security/case-investigation: not shared with anybody.
pub fn investigations(homes: &[Household], seed: u64) -> Table {
    const KINDS: [&str; 5] = ["电动自行车被盗", "网络购物诈骗", "道路交通事故", "公共场所财物损毁", "冒用他人信息"];
    let mut table = Table::new(
        "public-security",
        "case_investigation",
        &["case_number", "id_number", "name", "role", "kind", "filed_on", "plate_number", "unit", "status"],
    );
    let mut rng = Rng::new(seed, "investigations");
    for (at, (home, person)) in adults(homes).skip(9).step_by(7).take(1_010).enumerate() {
        let kind = rng.pick(&KINDS);
        let plate = if kind == "道路交通事故" { person.plate.clone().unwrap_or_default() } else { String::new() };
        let filed = day_between(&mut rng, date(2025, 1, 1), later(AS_OF, -1));
        let old = filed < date(2026, 3, 1);
        table.push([
            format!("A{}{}9{at:05}", home.district.code, filed.year()),
            person.id_number.clone(),
            person.name.clone(),
            rng.pick(&["报案人", "报案人", "证人", "当事人"]).into(),
            kind.into(),
            filed.to_string(),
            plate,
            format!("{}{}派出所", home.district.name, home.road),
            if old { rng.pick(&["已移送", "已结案"]) } else { "侦查中" }.into(),
        ]);
    }
    table
}

/// Grown-up persons with their homes, over and over again.
pub fn adults(homes: &[Household]) -> impl Iterator<Item = (&Household, &Person)> {
    homes.iter().cycle().flat_map(|home| {
        let grown = move |person: &&Person| person.age(AS_OF) >= 18;
        home.members().map(|(person, _)| person).filter(grown).map(move |person| (home, person))
    })
}
