//! Gas, power and water at the homes.

use super::people::{KNOWN, later};
use super::property::Title;
use super::rng::Rng;
use super::table::{Table, hundredths};

const MONTHS: [&str; 2] = ["2026-09", "2026-10"];

struct Bill<'a> {
    title: &'a Title<'a>,
    account: String,
    meter: String,
    month: &'static str,
    status: &'static str,
    usage: i64,
    amount: i64,
    balance: i64,
}

/// Two months' bills of every home: usage in `usage` units, each at `price` hundredths of a yuan.
fn bills<'a>(titles: &'a [Title<'a>], seed: u64, kind: &str, usage: (i64, i64), price: i64) -> Vec<Bill<'a>> {
    let mut rng = Rng::new(seed, kind);
    let mut all = Vec::new();
    for (at, title) in titles.iter().enumerate() {
        let (standing, balance) = match rng.between(0, 19) {
            0 if at >= KNOWN => ("欠费", rng.between(-30_000, -1)),
            1 if at >= KNOWN => ("停用", 0),
            _ => ("正常", rng.between(0, 60_000)),
        };
        for month in MONTHS {
            let usage = if standing == "停用" { 0 } else { rng.between(usage.0, usage.1) };
            all.push(Bill {
                title,
                account: format!("{kind}9{at:07}"),
                meter: format!("M{kind}9{at:06}"),
                month,
                status: standing,
                usage,
                amount: usage * price,
                balance,
            });
        }
    }
    all
}

/// urban-management/gas-account.
pub fn gas(titles: &[Title<'_>], seed: u64) -> Table {
    let mut table = Table::new(
        "urban-management",
        "gas_account",
        &[
            "account_number",
            "holder_id_number",
            "holder_name",
            "address",
            "unit_number",
            "meter_number",
            "status",
            "billing_month",
            "usage_m3",
            "amount_yuan",
            "balance_yuan",
            "opened_on",
        ],
    );
    for bill in bills(titles, seed, "G", (3, 40), 261) {
        table.push(bill.row(bill.usage.to_string()));
    }
    table
}

/// urban-management/power-account.
pub fn power(titles: &[Title<'_>], seed: u64) -> Table {
    let mut table = Table::new(
        "urban-management",
        "power_account",
        &[
            "account_number",
            "holder_id_number",
            "holder_name",
            "address",
            "unit_number",
            "meter_number",
            "status",
            "billing_month",
            "usage_kwh",
            "amount_yuan",
            "balance_yuan",
            "opened_on",
            "tariff",
        ],
    );
    for bill in bills(titles, seed, "E", (60, 520), 49) {
        let tariff = match bill.usage {
            0..=240 => "一档",
            241..=400 => "二档",
            _ => "三档",
        };
        let [account, id, name, address, unit, meter, status, month, usage, amount, balance, opened] =
            bill.row(bill.usage.to_string());
        table.push([
            account,
            id,
            name,
            address,
            unit,
            meter,
            status,
            month,
            usage,
            amount,
            balance,
            opened,
            tariff.into(),
        ]);
    }
    table
}

/// water/water-account, in the columns of an older system.
pub fn water(titles: &[Title<'_>], seed: u64) -> Table {
    let mut table = Table::new(
        "water",
        "water_account",
        &["hh", "sfzh", "hm", "dz", "bdcdyh", "sbh", "zt", "zq", "ysl", "je", "ye", "khrq"],
    );
    for bill in bills(titles, seed, "W", (4, 28), 500) {
        table.push(bill.row(bill.usage.to_string()));
    }
    table
}

impl Bill<'_> {
    fn row(&self, usage: String) -> [String; 12] {
        let (home, holder) = (self.title.home, self.title.account_holder());
        // An account that is still the former owner's is older than the title.
        let opened = if holder.id_number == home.head.id_number { 20 } else { -1_900 };
        [
            self.account.clone(),
            holder.id_number.clone(),
            holder.name.clone(),
            home.address.clone(),
            home.unit_number.clone(),
            self.meter.clone(),
            self.status.into(),
            self.month.into(),
            usage,
            hundredths(self.amount),
            hundredths(self.balance),
            later(self.title.registered_on, opened).to_string(),
        ]
    }
}
