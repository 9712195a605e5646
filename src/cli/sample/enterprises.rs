//! Invented enterprises, represented by persons of the population.

use jiff::civil::date;

use crate::domain::identifiers::uscc;

use super::names::{BRANDS, DISTRICTS, INDUSTRIES, ROADS};
use super::people::{AS_OF, Household, KNOWN, day_between, later};
use super::residents::adults;
use super::rng::Rng;
use super::table::Table;

const ENTERPRISES: usize = 1_050;

/// The USCC of the enterprise at a place of the list: an organisation code with a prefix that is not in use.
pub fn code(at: usize) -> String {
    let district = DISTRICTS.iter().cycle().nth(at).copied().unwrap_or_default();
    let serial = format!("Y8{at:06}");
    let body = format!("91{}{serial}{}", district.code, organisation_check(&serial));
    uscc::complete(&body).unwrap_or(body)
}

/// The check character of an organisation code (GB 11714), which makes up the 9th to 17th place of a USCC.
fn organisation_check(serial: &str) -> char {
    let value = |c: char| c.to_digit(36).unwrap_or_default();
    let sum: u32 = serial.chars().zip([3, 7, 9, 10, 5, 8, 4, 2]).map(|(c, weight)| value(c) * weight).sum();
    match 11 - sum % 11 {
        10 => 'X',
        11 => '0',
        digit => char::from_digit(digit, 10).unwrap_or('0'),
    }
}

/// market-regulation/enterprise-registration; the seller of the worked example represents the first.
pub fn registrations(homes: &[Household], seed: u64) -> Table {
    let mut table = Table::new(
        "market-regulation",
        "enterprise_registration",
        &[
            "uscc",
            "name",
            "enterprise_type",
            "legal_representative",
            "legal_representative_id_number",
            "registered_capital_yuan",
            "established_on",
            "address",
            "industry_code",
            "industry",
            "business_scope",
            "status",
            "registration_authority",
        ],
    );
    let mut rng = Rng::new(seed, "enterprises");
    for (at, (_, person)) in adults(homes).step_by(5).take(ENTERPRISES).enumerate() {
        let district = DISTRICTS.iter().cycle().nth(at).copied().unwrap_or_default();
        // Two halves that never meet twice.
        let first = BRANDS.get(at / BRANDS.len()).copied().unwrap_or_default();
        let second = BRANDS.iter().cycle().nth(at % BRANDS.len() + at / BRANDS.len() + 1).copied().unwrap_or_default();
        let second = if second == first { "信达" } else { second };
        let (code_of_industry, industry, word, scope) = rng.pick(&INDUSTRIES);
        let kind = rng.pick(&["有限责任公司", "有限责任公司", "有限责任公司", "股份有限公司", "个人独资企业"]);
        let ending = match kind {
            "股份有限公司" => "股份有限公司",
            "个人独资企业" => "工作室",
            _ => "有限公司",
        };
        let grown = date(person.birth.year().saturating_add(20), 1, 1);
        table.push([
            code(at),
            format!("{}{first}{second}{word}{ending}", district.name.trim_end_matches('区')),
            kind.into(),
            person.name.clone(),
            person.id_number.clone(),
            (rng.pick(&[10, 50, 100, 200, 500, 1_000, 3_000]) * 10_000_i64).to_string(),
            day_between(&mut rng, grown.max(date(2001, 1, 4)), date(2026, 6, 30)).to_string(),
            format!("{}{}{}号{}层", district.name, rng.pick(&ROADS), rng.between(1, 200), rng.between(1, 20)),
            code_of_industry.into(),
            industry.into(),
            scope.into(),
            if at == 0 {
                "存续"
            } else {
                rng.pick(&["存续", "存续", "存续", "存续", "存续", "存续", "注销", "吊销"])
            }
            .into(),
            format!("{}市场监督管理局", district.name),
        ]);
    }
    table
}

/// tax/taxpayer-registration: each enterprise as the tax bureau knows it. Who of the worked examples represents one pays
/// in order.
pub fn taxpayers(enterprises: &Table, homes: &[Household], seed: u64) -> Table {
    let mut table = Table::new(
        "tax",
        "taxpayer_registration",
        &[
            "uscc",
            "taxpayer_name",
            "legal_representative",
            "legal_representative_id_number",
            "taxpayer_type",
            "registered_on",
            "status",
            "tax_office",
        ],
    );
    let known: Vec<&str> =
        homes.iter().take(KNOWN).flat_map(Household::members).map(|(person, _)| person.id_number.as_str()).collect();
    let mut rng = Rng::new(seed, "taxpayers");
    for row in &enterprises.rows {
        let [uscc, name, _, person, id_number, _, established, .., status, authority] = row.as_slice() else {
            continue;
        };
        let lapsed = rng.chance(3) && !known.contains(&id_number.as_str());
        let status = match status.as_str() {
            "存续" if lapsed => "非正常",
            "存续" => "正常",
            _ => "注销",
        };
        let day = established.parse().map_or_else(|_| established.clone(), |day| later(day, 12).to_string());
        table.push([
            uscc.clone(),
            name.clone(),
            person.clone(),
            id_number.clone(),
            rng.pick(&["一般纳税人", "小规模纳税人", "小规模纳税人"]).into(),
            day,
            status.into(),
            format!("{}税务局", authority.trim_end_matches("市场监督管理局")),
        ]);
    }
    table
}

/// market-regulation/enterprise-name: the names that are taken, and a few that are kept for somebody.
pub fn names(enterprises: &Table) -> Table {
    let mut table = Table::new(
        "market-regulation",
        "enterprise_name",
        &["name", "uscc", "name_status", "since", "kept_until", "registration_authority"],
    );
    for row in &enterprises.rows {
        let [uscc, name, _, _, _, _, established, .., status, authority] = row.as_slice() else { continue };
        let status = if status == "存续" { "已登记" } else { "已注销或吊销" };
        let row = [name, uscc, status, established, "", authority];
        table.push(row.map(ToOwned::to_owned));
    }
    for (at, brand) in BRANDS.iter().enumerate() {
        let district = DISTRICTS.iter().cycle().nth(at).copied().unwrap_or_default();
        let since = later(AS_OF, -i64::try_from(at).unwrap_or_default());
        table.push([
            format!("{}{brand}同行商贸有限公司", district.name.trim_end_matches('区')),
            String::new(),
            "保留期内".into(),
            since.to_string(),
            later(since, 60).to_string(),
            format!("{}市场监督管理局", district.name),
        ]);
    }
    table
}
