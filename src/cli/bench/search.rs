//! Times searches of a made-up catalog: words in both languages, filters and facets, over as many entries as wanted.

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use crate::cli::error::CliError;
use crate::clock::Millis;
use crate::domain::Text;
use crate::domain::catalog::{Classification, EntryState, Level, Sharing, UpdateCycle};
use crate::ids::{EntryName, IdError};
use crate::readmodel::catalog::{EntryFilter, EntrySummary};
use crate::readmodel::{PageRequest, ReadModel};

use super::Folder;

pub(super) const DISTRICTS: [(&str, &str); 16] = [
    ("东城", "Dongcheng"),
    ("西城", "Xicheng"),
    ("朝阳", "Chaoyang"),
    ("海淀", "Haidian"),
    ("丰台", "Fengtai"),
    ("石景山", "Shijingshan"),
    ("门头沟", "Mentougou"),
    ("房山", "Fangshan"),
    ("通州", "Tongzhou"),
    ("顺义", "Shunyi"),
    ("昌平", "Changping"),
    ("大兴", "Daxing"),
    ("怀柔", "Huairou"),
    ("平谷", "Pinggu"),
    ("密云", "Miyun"),
    ("延庆", "Yanqing"),
];
pub(super) const SUBJECTS: [(&str, &str); 24] = [
    ("户籍", "household"),
    ("婚姻", "marriage"),
    ("不动产", "real estate"),
    ("契税", "deed tax"),
    ("停车", "parking"),
    ("用水", "water"),
    ("用电", "power"),
    ("燃气", "gas"),
    ("医保", "health insurance"),
    ("养老", "pension"),
    ("学籍", "school enrolment"),
    ("企业", "enterprise"),
    ("食品", "food"),
    ("药品", "medicine"),
    ("车辆", "vehicle"),
    ("驾驶证", "driving licence"),
    ("低保", "allowance"),
    ("残疾人", "disability"),
    ("公积金", "housing fund"),
    ("环境", "environment"),
    ("气象", "weather"),
    ("消防", "fire safety"),
    ("绿化", "greening"),
    ("社保", "social insurance"),
];
pub(super) const ACTS: [(&str, &str); 12] = [
    ("登记", "registration"),
    ("缴纳", "payment"),
    ("许可", "permit"),
    ("检查", "inspection"),
    ("处罚", "penalty"),
    ("备案", "filing"),
    ("核验", "verification"),
    ("统计", "statistics"),
    ("账户", "account"),
    ("状态", "status"),
    ("变更", "change"),
    ("注销", "cancellation"),
];
const CLASSES: [(&str, &str); 3] =
    [("基础信息资源", "Base data"), ("主题信息资源", "Thematic data"), ("部门信息资源", "Departmental data")];
const DEPARTMENTS: usize = 60;

#[derive(Args)]
pub struct Search {
    /// Entries of the catalog
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=5_000_000))]
    entries: u64,
    /// Searches to time
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    searches: u64,
    /// Where to put the catalog for the time of the measurement [default: the system's temporary folder]
    #[arg(long, value_name = "DIR")]
    dir: Option<std::path::PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Search {
    pub(super) fn run(self) -> Result<(), CliError> {
        let folder = Folder::new(self.dir.clone());
        std::fs::create_dir_all(&folder.0).map_err(CliError::failed)?;
        let model = ReadModel::open(&folder.0).map_err(CliError::failed)?;
        let begun = Instant::now();
        let mut faulty = None;
        let made = (0..self.entries).map_while(|n| entry(n).map_err(|error| faulty = Some(error)).ok());
        model.fill(made).map_err(CliError::failed)?;
        if let Some(error) = faulty {
            return Err(CliError::failed(error));
        }
        let built = begun.elapsed();
        let (mut times, mut found) = (Vec::new(), 0);
        for n in 0..self.searches {
            let filter = question(n).map_err(CliError::failed)?;
            let begun = Instant::now();
            let page = model.entries(&filter).map_err(CliError::failed)?;
            let facets = model.facets(&filter).map_err(CliError::failed)?;
            times.push(begun.elapsed());
            found += page.items.len();
            facets.ok_or_else(|| CliError::failed("the index was lost"))?;
        }
        times.sort_unstable();
        let percentile = |part: usize| milliseconds(times.get(times.len() * part / 1_000).or(times.last()).copied());
        let resident = resident_kb();
        let shown = json!({
            "entries": self.entries, "searches": self.searches, "entries_shown": found,
            "p50_ms": percentile(500), "p95_ms": percentile(950), "p99_ms": percentile(990),
            "max_ms": milliseconds(times.last().copied()), "built_s": built.as_secs(), "resident_kb": resident,
        });
        if self.json {
            println!("{shown}");
            return Ok(());
        }
        println!("{} entries, made and indexed in {} s", self.entries, built.as_secs());
        println!(
            "{} searches, each with its facets: p50 {} ms, p95 {} ms, p99 {} ms",
            self.searches,
            percentile(500),
            percentile(950),
            percentile(990)
        );
        Ok(())
    }
}

pub(super) fn milliseconds(time: Option<Duration>) -> f64 {
    (time.unwrap_or_default().as_secs_f64() * 100_000.0).round() / 100.0
}

/// Memory of this process that is its own, not the system's cache of files; 0 where the system does not tell.
fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn pick<T: Copy>(list: &[T], n: u64) -> Option<T> {
    let length = u64::try_from(list.len()).unwrap_or(1).max(1);
    usize::try_from(n % length).ok().and_then(|at| list.get(at)).copied()
}

fn two(zh: String, en: String) -> Text {
    Text { zh, en }
}

/// Title and summary of the n-th entry.
pub(super) fn worded(n: u64) -> (Text, Text) {
    let mix = mixed(n);
    let district = pick(&DISTRICTS, mix).unwrap_or_default();
    let subject = pick(&SUBJECTS, mix / 16).unwrap_or_default();
    let act = pick(&ACTS, mix / 400).unwrap_or_default();
    let title = two(
        format!("{}区{}{}信息{n}", district.0, subject.0, act.0),
        format!("{} {} {} {n}", district.1, subject.1, act.1),
    );
    let summary = two(
        format!("{}区{}的{}，按公民身份号码或统一社会信用代码查询，每日更新。", district.0, subject.0, act.0),
        format!("Data on {} {} of {} district, asked by number.", subject.1, act.1, district.1),
    );
    (title, summary)
}

/// A number in which neighbours differ in everything.
fn mixed(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20
}

/// The n-th entry: district, subject and act go through all their pairs.
fn entry(n: u64) -> Result<(EntrySummary, String), IdError> {
    let mix = mixed(n);
    let subject = pick(&SUBJECTS, mix / 16).unwrap_or_default();
    let act = pick(&ACTS, mix / 400).unwrap_or_default();
    let class = pick(&CLASSES, mix / 5_000).unwrap_or_default();
    let provider = mix % u64::try_from(DEPARTMENTS).unwrap_or(1);
    let id: EntryName = format!("department-{provider}/entry-{n}").parse()?;
    let (title, summary) = worded(n);
    let text = |pair: (&str, &str)| two(pair.0.to_owned(), pair.1.to_owned());
    let code = format!("{}{:02}{:03}/{:06}", mix % 3 + 1, mix % 90 + 1, mix % 900 + 1, n % 1_000_000);
    let search =
        [&*id.to_string(), &code, &title.zh, &title.en, &summary.zh, &summary.en, class.0, subject.0].join("\n");
    let summary = EntrySummary {
        version: "1.0".parse()?,
        provider: id.provider.clone(),
        id,
        name: title,
        summary,
        sharing: pick(&[Sharing::Conditional, Sharing::Unconditional, Sharing::NotShared], mix / 7)
            .unwrap_or(Sharing::Conditional),
        level: Level::Interface,
        state: if mix.is_multiple_of(50) { EntryState::Deprecated } else { EntryState::Published },
        open: false,
        grade: u8::try_from(mix % 4).unwrap_or(0) + 1,
        update_cycle: pick(&[UpdateCycle::Daily, UpdateCycle::Monthly, UpdateCycle::RealTime], mix / 11)
            .unwrap_or(UpdateCycle::Daily),
        code,
        classification: Classification {
            class: text(class),
            category: text(subject),
            topic: text(act),
            detail: text(act),
        },
        parent: None,
        item_count: 8,
        published_at: Millis(1_795_000_000_000 + n),
        ledger_index: n,
    };
    Ok((summary, search.to_lowercase()))
}

/// The n-th search. One in twenty asks for what every entry has; a third have filters.
fn question(n: u64) -> Result<EntryFilter, IdError> {
    let mix = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24;
    let district = pick(&DISTRICTS, mix).unwrap_or_default();
    let subject = pick(&SUBJECTS, mix / 16).unwrap_or_default();
    let act = pick(&ACTS, mix / 400).unwrap_or_default();
    let q = match n % 20 {
        0 => "信息".to_owned(),
        1..=4 => subject.0.to_owned(),
        5..=8 => format!("{} {}", subject.0, act.0),
        9..=11 => format!("{}{}", subject.0, act.0),
        12..=13 => format!("{} {} {}", district.0, subject.0, act.0),
        14..=15 => subject.1.to_owned(),
        16..=17 => format!("{} {}", district.1, act.1),
        18 => format!("entry-{}", mix % 1_000),
        _ => "没有这样的词".to_owned(),
    };
    let filtered = n.is_multiple_of(3);
    Ok(EntryFilter {
        q: Some(q),
        provider: if filtered { Some(format!("department-{}", mix % 60).parse()?) } else { None },
        grade: n.is_multiple_of(9).then_some(2),
        page: PageRequest { cursor: None, size: Some(20) },
        ..EntryFilter::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_catalog_is_made_and_searched() {
        let dir = tempfile::tempdir().unwrap();
        let search = Search { entries: 3_000, searches: 60, dir: Some(dir.path().to_owned()), json: true };
        search.run().unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left behind");
    }
}
