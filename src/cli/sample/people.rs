//! The invented population: persons, their households and homes. Every table of every department draws on it.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::{Date, date};

use crate::domain::identifiers::id_number;

use super::names::{DISTRICTS, District, ETHNICITIES, FEMALE, MALE, ROADS, SURNAMES};
use super::rng::Rng;

/// The day at which the sample data stands.
pub const AS_OF: Date = date(2026, 11, 1);
const PERSONS: usize = 1_200;
const COUPLES: usize = 510;
const CHILDREN: usize = 120;
/// Households of the worked examples: the first ones, the same for every seed.
pub const KNOWN: usize = 4;

/// An invented person.
#[derive(Clone, Debug)]
pub struct Person {
    /// Valid, with a sequence number from 900 up.
    pub id_number: String,
    /// Full name.
    pub name: String,
    /// Man or woman.
    pub male: bool,
    /// Date of birth.
    pub birth: Date,
    /// Ethnic group.
    pub ethnicity: &'static str,
    /// Telephone, of a range that is not in use.
    pub phone: String,
    /// Plate of their vehicle, if they have one.
    pub plate: Option<String>,
}

impl Person {
    /// 男 or 女.
    pub fn sex(&self) -> &'static str {
        if self.male { "男" } else { "女" }
    }

    /// Whole years at a day.
    pub fn age(&self, at: Date) -> i64 {
        let had_birthday = (at.month(), at.day()) >= (self.birth.month(), self.birth.day());
        i64::from(at.year()) - i64::from(self.birth.year()) - i64::from(!had_birthday)
    }
}

/// Who lives together, and where. Each household owns the home it lives in.
#[derive(Clone, Debug)]
pub struct Household {
    /// 户号.
    pub number: String,
    /// Its district.
    pub district: District,
    /// Its road.
    pub road: &'static str,
    /// Address of its home.
    pub address: String,
    /// 不动产单元号 of its home.
    pub unit_number: String,
    /// The head.
    pub head: Person,
    /// The head's spouse.
    pub spouse: Option<Person>,
    /// Day of the marriage of head and spouse.
    pub married_on: Option<Date>,
    /// Their children.
    pub children: Vec<Person>,
}

impl Household {
    /// Everybody, with the relation to the head (GB/T 4761).
    pub fn members(&self) -> impl Iterator<Item = (&Person, &'static str)> {
        let child = |child: &Person| if child.male { "子" } else { "女" };
        let couple = std::iter::once((&self.head, "户主")).chain(self.spouse.iter().map(|spouse| (spouse, "配偶")));
        couple.chain(self.children.iter().map(move |one| (one, child(one))))
    }
}

/// A date some days later.
pub fn later(from: Date, days: i64) -> Date {
    from.saturating_add(days.days())
}

/// Days from one date to another, never fewer than none.
pub fn days_between(from: Date, to: Date) -> i64 {
    from.until(to).map_or(0, |span| i64::from(span.get_days())).max(0)
}

/// A day between two, both included.
pub fn day_between(rng: &mut Rng, from: Date, to: Date) -> Date {
    later(from, rng.between(0, days_between(from, to)))
}

fn years_later(from: Date, years: i64) -> Date {
    from.saturating_add(years.years())
}

/// The households, the first ones being those of the worked examples.
pub fn households(seed: u64) -> Vec<Household> {
    let mut maker = Maker { rng: Rng::new(seed, "people"), taken: BTreeMap::new(), persons: 0 };
    let mut all = vec![maker.seller(), maker.buyer(), maker.groom(), maker.bride()];
    while all.len() < COUPLES {
        let next = maker.couple(all.len());
        all.push(next);
    }
    // Children belong to couples who married in these years, so that most are minors.
    let young = date(2003, 1, 1)..date(2023, 1, 1);
    let mut left = CHILDREN;
    for home in all.iter_mut().skip(KNOWN).filter(|home| home.married_on.is_some_and(|day| young.contains(&day))) {
        if left > 0 && maker.rng.chance(60) {
            let child = maker.child(home);
            home.children.push(child);
            left -= 1;
        }
    }
    while maker.persons < PERSONS {
        let next = maker.single(all.len());
        all.push(next);
    }
    all
}

struct Maker {
    rng: Rng,
    /// Last sequence number given, by region, date and sex.
    taken: BTreeMap<(&'static str, Date, bool), i64>,
    persons: usize,
}

impl Maker {
    /// The man who sells his home, with wife and son. His numbers are the same for every seed.
    fn seller(&mut self) -> Household {
        let [here, ..] = DISTRICTS;
        let mut head = self.known("周明远", here, date(1978, 5, 16), true);
        head.plate = Some("京A90000".to_owned());
        let spouse = self.known("许佳宁", here, date(1980, 9, 3), false);
        let son = self.known("周思齐", here, date(2009, 4, 12), true);
        let mut home = home(0, head);
        home.spouse = Some(spouse);
        home.married_on = Some(date(2004, 10, 2));
        home.children.push(son);
        home
    }

    /// The woman who buys it, with her husband.
    fn buyer(&mut self) -> Household {
        let [_, here, ..] = DISTRICTS;
        let mut head = self.known("沈若溪", here, date(1992, 3, 21), false);
        head.plate = Some("京AD90003".to_owned());
        let spouse = self.known("陆景行", here, date(1990, 11, 8), true);
        let mut home = home(1, head);
        home.spouse = Some(spouse);
        home.married_on = Some(date(2018, 5, 20));
        home
    }

    /// The man and the woman who want to marry: each lives alone, and neither was married before.
    fn groom(&mut self) -> Household {
        let [_, _, here, ..] = DISTRICTS;
        home(2, self.known("顾清和", here, date(1996, 8, 12), true))
    }

    fn bride(&mut self) -> Household {
        let [_, _, _, here, ..] = DISTRICTS;
        home(3, self.known("叶知秋", here, date(1998, 2, 27), false))
    }

    fn known(&mut self, name: &str, district: District, birth: Date, male: bool) -> Person {
        let mut person = self.person(None, district, birth, male);
        person.name = name.to_owned();
        person.ethnicity = "汉族";
        person.plate = None;
        person
    }

    fn couple(&mut self, at: usize) -> Household {
        let birth = day_between(&mut self.rng, date(1955, 1, 1), date(1999, 6, 30));
        let other = later(birth, self.rng.between(-1_800, 1_800)).min(date(2000, 12, 31));
        let man = self.anybody(birth, true);
        let woman = self.anybody(other, false);
        // 民法典 §1047: 22 years for men, 20 for women.
        let earliest = years_later(birth.max(other), self.rng.between(23, 30)).min(date(2025, 6, 1));
        let (head, spouse) = if self.rng.chance(80) { (man, woman) } else { (woman, man) };
        let mut home = home(at, head);
        home.spouse = Some(spouse);
        home.married_on = Some(later(earliest, self.rng.between(0, 330)));
        home
    }

    fn child(&mut self, home: &Household) -> Person {
        let married = home.married_on.unwrap_or(AS_OF);
        let earliest = later(married, 300);
        let birth = day_between(&mut self.rng, earliest, later(earliest, 2_500).min(later(AS_OF, -40)));
        let male = self.rng.chance(51);
        let father = [Some(&home.head), home.spouse.as_ref()].into_iter().flatten().find(|parent| parent.male);
        let name = father.map(|father| father.name.as_str()).unwrap_or_default();
        let surname = SURNAMES.iter().copied().find(|surname| name.starts_with(surname));
        self.person(surname, home.district, birth, male)
    }

    fn single(&mut self, at: usize) -> Household {
        let birth = day_between(&mut self.rng, date(1960, 1, 1), date(2003, 12, 31));
        let male = self.rng.chance(50);
        home(at, self.anybody(birth, male))
    }

    fn anybody(&mut self, birth: Date, male: bool) -> Person {
        let district = self.rng.pick(&DISTRICTS);
        self.person(None, district, birth, male)
    }

    fn person(&mut self, surname: Option<&str>, district: District, birth: Date, male: bool) -> Person {
        let rng = &mut self.rng;
        let characters = if male { &MALE } else { &FEMALE };
        let mut name = surname.unwrap_or_else(|| rng.pick(&SURNAMES)).to_owned();
        let first = rng.pick(characters);
        let second = if rng.chance(70) { rng.pick(characters) } else { "" };
        name.push_str(first);
        if second != first {
            name.push_str(second);
        }
        // The last digit of the sequence is odd for men; numbers from 900 up are hardly ever given.
        let sequence = self.taken.entry((district.code, birth, male)).or_insert(if male { 899 } else { 898 });
        *sequence += 2;
        let body = format!("{}{}{sequence:03}", district.code, birth.strftime("%Y%m%d"));
        let serial = self.persons;
        self.persons += 1;
        let letter = rng.pick(&["A", "E", "F", "N", "P", "Q"]);
        let plate = match rng.between(0, 9) {
            _ if years_later(birth, 18) > AS_OF => None,
            0..=3 => Some(format!("京{letter}9{serial:04}")),
            4..=5 => Some(format!("京{letter}D9{serial:04}")),
            _ => None,
        };
        Person {
            id_number: id_number::complete(&body).unwrap_or(body),
            name,
            male,
            birth,
            ethnicity: if rng.chance(93) { "汉族" } else { rng.pick(&ETHNICITIES) },
            phone: format!("1990000{serial:04}"),
            plate,
        }
    }
}

/// A home follows from its number alone, so that it is the same for every seed.
fn home(at: usize, head: Person) -> Household {
    let nth = |list: &[&'static str], at: usize| list.iter().cycle().nth(at).copied().unwrap_or_default();
    let district = DISTRICTS.iter().cycle().nth(at).copied().unwrap_or_default();
    let block = at / DISTRICTS.len();
    let road = nth(&ROADS, block);
    let (number, building, door) = (1 + block * 2, 1 + at % 9, 1 + at % 3);
    let room = (1 + at % 18) * 100 + 1 + at % 4;
    Household {
        number: format!("9{}{at:05}", district.code),
        district,
        road,
        address: format!("{}{road}{number}号院{building}号楼{door}单元{room}室", district.name),
        unit_number: format!("{}{}901GB{:05}F{building:04}{room:04}", district.code, 901 + block % 20, 1 + block),
        head,
        spouse: None,
        married_on: None,
        children: Vec::new(),
    }
}
