//! Shops that some own and others rent, and the leases of homes and shops as housing knows them.

use jiff::ToSpan as _;
use jiff::civil::{Date, date};

use super::names::District;
use super::people::{Household, KNOWN, Person, day_between};
use super::rng::Rng;
use super::table::Table;

const SHOPS: usize = 48;

/// A shop, let by its owner.
#[derive(Clone, Debug)]
pub struct Shop<'a> {
    /// 不动产单元号.
    pub unit_number: String,
    /// Where it lies.
    pub district: District,
    address: String,
    /// Whose it is.
    pub owner: &'a Person,
    /// Who rents it.
    tenant: &'a Person,
    certificate_number: String,
    area: i64,
    /// When the owner was registered.
    pub registered_on: Date,
    /// What the owner had paid, in yuan.
    pub paid_yuan: i64,
}

/// The shops: each of them the head of a household lets to the head of the one before, the first of them the buyer to
/// the seller of the worked example. Number and address follow from the owner's home alone.
pub fn shops(homes: &[Household], seed: u64) -> Vec<Shop<'_>> {
    let mut rng = Rng::new(seed, "shops");
    let pairs = homes.iter().zip(homes.iter().skip(1)).take(SHOPS).enumerate();
    pairs
        .map(|(at, (tenant, owner))| {
            let registered_on = day_between(&mut rng, date(2015, 3, 2), date(2024, 12, 31));
            let (year, district) = (registered_on.year(), owner.district);
            let parcel = owner.unit_number.get(..19).unwrap_or_default();
            Shop {
                unit_number: format!("{parcel}F0099{:04}", at + 1),
                district,
                address: format!("{}{}{}号底商", district.name, owner.road, 800 + at),
                owner: &owner.head,
                tenant: &tenant.head,
                certificate_number: format!("京（{year}）{}不动产权第99{at:05}号", district.name),
                area: rng.between(300, 2_400),
                registered_on,
                paid_yuan: rng.between(1_500, 9_000) * 1_000,
            }
        })
        .collect()
}

impl Shop<'_> {
    /// Its row among the titles.
    pub fn title_row(&self) -> [String; 14] {
        let until = date(self.registered_on.year(), 1, 1).saturating_add(40.years());
        [
            self.unit_number.clone(),
            self.certificate_number.clone(),
            self.owner.id_number.clone(),
            self.owner.name.clone(),
            "单独所有".into(),
            "100".into(),
            self.address.clone(),
            "商业服务".into(),
            "钢筋混凝土".into(),
            format!("{}.{}", self.area / 10, self.area % 10),
            until.to_string(),
            self.registered_on.to_string(),
            "无抵押".into(),
            "未查封".into(),
        ]
    }
}

struct Lease<'a> {
    place: (&'a str, &'a str),
    landlord: &'a Person,
    tenant: &'a Person,
    used_for: &'static str,
    rent_yuan: i64,
    from: Date,
    status: &'static str,
}

/// housing/lease-record: a record for each party. Every shop is let, and every home was at some time, most of them not
/// any more.
pub fn leases(homes: &[Household], shops: &[Shop<'_>], seed: u64) -> Table {
    let mut table = Table::new(
        "housing",
        "lease_record",
        &[
            "lease_number",
            "party_id_number",
            "party_role",
            "unit_number",
            "landlord_id_number",
            "landlord_name",
            "tenant_id_number",
            "tenant_name",
            "address",
            "used_for",
            "rent_yuan",
            "lease_from",
            "lease_until",
            "filed_on",
            "lease_status",
        ],
    );
    let mut rng = Rng::new(seed, "leases");
    let recent = |rng: &mut Rng| day_between(rng, date(2026, 1, 5), date(2026, 9, 30));
    for shop in shops {
        table.lease(&Lease {
            place: (&shop.unit_number, &shop.address),
            landlord: shop.owner,
            tenant: shop.tenant,
            used_for: "商业",
            rent_yuan: rng.between(60, 300) * 100,
            from: recent(&mut rng),
            status: "有效",
        });
    }
    for (at, (home, tenant)) in homes.iter().skip(KNOWN).zip(homes.iter().skip(2)).enumerate() {
        let running = at == 0 || rng.chance(25);
        let past = day_between(&mut rng, date(2020, 1, 6), date(2024, 12, 31));
        table.lease(&Lease {
            place: (&home.unit_number, &home.address),
            landlord: &home.head,
            tenant: &tenant.head,
            used_for: "居住",
            rent_yuan: rng.between(20, 120) * 100,
            from: if running { recent(&mut rng) } else { past },
            status: if running { "有效" } else { rng.pick(&["已到期", "已到期", "已解除"]) },
        });
    }
    table
}

impl Table {
    fn lease(&mut self, lease: &Lease<'_>) {
        let (unit_number, address) = lease.place;
        let number = format!("Z{}-9{:05}", lease.from.year(), self.rows.len() / 2);
        for (party, role) in [(lease.landlord, "出租人"), (lease.tenant, "承租人")] {
            self.push([
                number.clone(),
                party.id_number.clone(),
                role.into(),
                unit_number.into(),
                lease.landlord.id_number.clone(),
                lease.landlord.name.clone(),
                lease.tenant.id_number.clone(),
                lease.tenant.name.clone(),
                address.into(),
                lease.used_for.into(),
                lease.rent_yuan.to_string(),
                lease.from.to_string(),
                lease.from.saturating_add(1.year()).to_string(),
                super::people::later(lease.from, 15).to_string(),
                lease.status.into(),
            ]);
        }
    }
}
