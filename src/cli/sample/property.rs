//! Homes as planning, housing and tax know them: titles, sale contracts, deed tax.

use jiff::civil::{Date, date};

use super::people::{Household, Person, day_between, later};
use super::rng::Rng;
use super::shops::Shop;
use super::table::Table;

/// A home's title.
#[derive(Clone, Debug)]
pub struct Title<'a> {
    /// Who lives there and owns it.
    pub home: &'a Household,
    /// Floor area in tenths of a square metre.
    pub area: i64,
    /// When the owners were registered.
    pub registered_on: Date,
    /// From whom they bought it lately: gas, power and water still run in this person's name.
    former: Option<&'a Person>,
    /// What they had paid, in yuan.
    paid_yuan: i64,
}

impl Title<'_> {
    /// In whose name gas, power and water run.
    pub fn account_holder(&self) -> &Person {
        self.former.unwrap_or(&self.home.head)
    }
}

/// A sale of a home to another household.
#[derive(Clone, Debug)]
pub struct Sale<'a> {
    /// What is sold, by its owner.
    title: &'a Title<'a>,
    /// Who buys.
    buyer: &'a Person,
    /// Number of the contract.
    pub contract_number: String,
    price_yuan: i64,
    signed_on: Date,
    status: &'static str,
}

/// Every household's title.
pub fn titles(homes: &[Household], seed: u64) -> Vec<Title<'_>> {
    let mut rng = Rng::new(seed, "titles");
    let mut title = |home| Title {
        home,
        area: rng.between(420, 1_680),
        registered_on: day_between(&mut rng, date(2015, 3, 2), date(2025, 12, 31)),
        former: None,
        paid_yuan: rng.between(900, 6_000) * 1_000,
    };
    let mut all: Vec<Title<'_>> = homes.iter().map(&mut title).collect();
    if let Some(sold) = all.first_mut() {
        sold.area = 896;
        sold.registered_on = date(2016, 6, 15);
    }
    // Some bought their homes a few weeks ago, from the head of another household: the first of them is the bride.
    for (at, (title, former)) in all.iter_mut().skip(3).zip(homes).enumerate().step_by(40) {
        title.former = Some(&former.head);
        title.registered_on = later(date(2026, 10, 12), i64::try_from(at / 40).unwrap_or_default());
    }
    all
}

/// Sales of most homes, each to the head of the next household: the first home goes to the second household.
pub fn sales<'a>(titles: &'a [Title<'a>], seed: u64) -> Vec<Sale<'a>> {
    let mut rng = Rng::new(seed, "sales");
    let mut all = Vec::new();
    for (at, (title, next)) in titles.iter().zip(titles.iter().cycle().skip(1)).enumerate() {
        let mut sale = Sale {
            title,
            buyer: &next.home.head,
            contract_number: format!("W2026-9{at:05}"),
            price_yuan: title.area * rng.between(28, 92) / 10 * 1_000,
            signed_on: day_between(&mut rng, date(2026, 1, 5), date(2026, 10, 20)),
            status: rng.pick(&["已备案", "已备案", "已备案", "已备案", "已备案", "已备案", "已签约", "已撤销"]),
        };
        if at == 0 {
            (sale.price_yuan, sale.signed_on, sale.status) = (4_860_000, date(2026, 9, 10), "已备案");
        }
        // The buyer's own home is sold too, but that contract is not filed yet.
        if at == 1 {
            sale.status = "已签约";
        }
        if at % 16 != 15 && title.former.is_none() {
            all.push(sale);
        }
    }
    all
}

fn tenths(amount: i64) -> String {
    format!("{}.{}", amount / 10, amount % 10)
}

/// planning-resources/real-estate-title: a record for each owner.
pub fn title_table(titles: &[Title<'_>], sales: &[Sale<'_>], shops: &[Shop<'_>], seed: u64) -> Table {
    let mut table = Table::new(
        "planning-resources",
        "real_estate_title",
        &[
            "unit_number",
            "certificate_number",
            "owner_id_number",
            "owner_name",
            "ownership_form",
            "share_percent",
            "address",
            "use",
            "structure",
            "floor_area",
            "land_use_until",
            "registered_on",
            "mortgage_status",
            "seizure_status",
        ],
    );
    let mut rng = Rng::new(seed, "title table");
    let sold: std::collections::BTreeSet<&str> =
        sales.iter().map(|sale| sale.title.home.unit_number.as_str()).collect();
    for (at, title) in titles.iter().enumerate() {
        let home = title.home;
        let year = title.registered_on.year();
        let free = sold.contains(home.unit_number.as_str());
        let structure = rng.pick(&["钢筋混凝土", "混合"]);
        let land_until = date(year, 1, 1).saturating_add(jiff::Span::new().years(60)).to_string();
        let mortgaged = !free && rng.chance(40);
        let seized = !free && rng.chance(4);
        for owner in [Some(&home.head), home.spouse.as_ref()].into_iter().flatten() {
            let alone = home.spouse.is_none();
            table.push([
                home.unit_number.clone(),
                format!("京（{year}）{}不动产权第9{at:06}号", home.district.name),
                owner.id_number.clone(),
                owner.name.clone(),
                if alone { "单独所有" } else { "共同共有" }.into(),
                // Owners in common have no shares (民法典 §299).
                if alone { "100" } else { "" }.into(),
                home.address.clone(),
                "住宅".into(),
                structure.into(),
                tenths(title.area),
                land_until.clone(),
                title.registered_on.to_string(),
                if mortgaged { "已抵押" } else { "无抵押" }.into(),
                if seized { "已查封" } else { "未查封" }.into(),
            ]);
        }
    }
    shops.iter().for_each(|shop| table.push(shop.title_row()));
    table
}

/// housing/sale-contract: a record for each party.
pub fn sale_table(sales: &[Sale<'_>]) -> Table {
    let mut table = Table::new(
        "housing",
        "sale_contract",
        &[
            "contract_number",
            "party_id_number",
            "party_role",
            "unit_number",
            "seller_name",
            "seller_id_number",
            "buyer_name",
            "buyer_id_number",
            "address",
            "floor_area",
            "price_yuan",
            "signed_on",
            "filed_on",
            "contract_status",
        ],
    );
    for sale in sales {
        let (home, seller, buyer) = (sale.title.home, &sale.title.home.head, sale.buyer);
        let filed = if sale.status == "已签约" { String::new() } else { later(sale.signed_on, 2).to_string() };
        for (party, role) in [(seller, "卖方"), (buyer, "买方")] {
            table.push([
                sale.contract_number.clone(),
                party.id_number.clone(),
                role.into(),
                home.unit_number.clone(),
                seller.name.clone(),
                seller.id_number.clone(),
                buyer.name.clone(),
                buyer.id_number.clone(),
                home.address.clone(),
                tenths(sale.title.area),
                sale.price_yuan.to_string(),
                sale.signed_on.to_string(),
                filed.clone(),
                sale.status.into(),
            ]);
        }
    }
    table
}

/// tax/deed-tax-payment: for the homes people live in, and for those they are buying.
pub fn tax_table(titles: &[Title<'_>], sales: &[Sale<'_>], shops: &[Shop<'_>]) -> Table {
    let mut table = Table::new(
        "tax",
        "deed_tax_payment",
        &[
            "payment_number",
            "payer_id_number",
            "payer_name",
            "unit_number",
            "contract_number",
            "taxable_yuan",
            "rate_percent",
            "tax_yuan",
            "paid_on",
            "status",
            "tax_office",
        ],
    );
    let mut pay =
        |payer: &Person, home: (&str, &str), contract: String, yuan: i64, tenths_percent: i64, day: Option<Date>| {
            let at = table.rows.len();
            table.push([
                format!("T1102026{at:06}"),
                payer.id_number.clone(),
                payer.name.clone(),
                home.0.to_owned(),
                contract,
                yuan.to_string(),
                tenths(tenths_percent),
                (yuan * tenths_percent / 1_000).to_string(),
                day.map(|day| day.to_string()).unwrap_or_default(),
                if day.is_some() { "已完税" } else { "未完税" }.into(),
                format!("{}税务局", home.1),
            ]);
        };
    // Rates since December 2024: 1 % up to 140 square metres; above, 1.5 % for the only home and 2 % for a second.
    for title in titles {
        let rate = if title.area <= 1_400 { 10 } else { 15 };
        let home = (title.home.unit_number.as_str(), title.home.district.name);
        pay(&title.home.head, home, String::new(), title.paid_yuan, rate, Some(later(title.registered_on, -12)));
    }
    for sale in sales.iter().filter(|sale| sale.status != "已撤销") {
        let rate = if sale.title.area <= 1_400 { 10 } else { 20 };
        let day = (sale.status == "已备案").then(|| later(sale.signed_on, 9));
        let home = (sale.title.home.unit_number.as_str(), sale.title.home.district.name);
        pay(sale.buyer, home, sale.contract_number.clone(), sale.price_yuan, rate, day);
    }
    for shop in shops {
        let place = (shop.unit_number.as_str(), shop.district.name);
        pay(shop.owner, place, String::new(), shop.paid_yuan, 30, Some(later(shop.registered_on, -12)));
    }
    table
}
