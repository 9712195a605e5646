//! What health knows: monitored cases and summaries of treatment.

use jiff::civil::date;

use super::people::{AS_OF, Household, Person, day_between, later};
use super::rng::Rng;
use super::table::{Table, hundredths};

const DISEASES: [&str; 7] =
    ["流行性感冒", "新型冠状病毒感染", "手足口病", "水痘", "猩红热", "流行性腮腺炎", "其他感染性腹泻病"];
const INSTITUTIONS: [&str; 8] = [
    "青禾医院",
    "云杉医院",
    "柏舟中医院",
    "晴岚妇幼保健院",
    "听溪社区卫生服务中心",
    "望湖社区卫生服务中心",
    "松涧口腔医院",
    "鹤鸣眼科医院",
];
/// Clinic, ICD-10 code, diagnosis.
const DIAGNOSES: [(&str, &str, &str); 10] = [
    ("呼吸内科", "J06.9", "急性上呼吸道感染"),
    ("心血管内科", "I10", "原发性高血压"),
    ("内分泌科", "E11.9", "2型糖尿病"),
    ("骨科", "M54.5", "下背痛"),
    ("眼科", "H52.1", "近视"),
    ("口腔科", "K02.9", "龋病"),
    ("消化内科", "K29.5", "慢性胃炎"),
    ("皮肤科", "L20.9", "特应性皮炎"),
    ("全科", "Z00.0", "健康查体"),
    ("耳鼻喉科", "J30.4", "变应性鼻炎"),
];

fn everybody(homes: &[Household]) -> impl Iterator<Item = (&Household, &Person)> {
    homes.iter().cycle().flat_map(|home| home.members().map(move |(person, _)| (home, person)))
}

/// health/case-monitoring.
pub fn cases(homes: &[Household], seed: u64) -> Table {
    let mut table = Table::new(
        "health",
        "case_monitoring",
        &[
            "case_number",
            "id_number",
            "name",
            "sex",
            "age",
            "disease",
            "reported_on",
            "test_result",
            "management",
            "community",
            "phone",
        ],
    );
    let mut rng = Rng::new(seed, "cases");
    for (at, (home, person)) in everybody(homes).skip(2).step_by(7).take(1_050).enumerate() {
        let reported = day_between(&mut rng, date(2026, 1, 1).max(later(person.birth, 5)), AS_OF);
        let recent = reported > later(AS_OF, -10);
        table.push([
            format!("C2026-9{at:05}"),
            person.id_number.clone(),
            person.name.clone(),
            person.sex().into(),
            person.age(reported).to_string(),
            rng.pick(&DISEASES).into(),
            reported.to_string(),
            if recent { "待复核" } else { rng.pick(&["阳性", "阳性", "阴性"]) }.into(),
            if recent { rng.pick(&["居家健康监测", "医学随访"]) } else { "解除管理" }.into(),
            format!("{}{}社区", home.district.name, home.road),
            person.phone.clone(),
        ]);
    }
    table
}

/// health/medical-record-summary.
pub fn records(homes: &[Household], seed: u64) -> Table {
    let mut table = Table::new(
        "health",
        "medical_record_summary",
        &[
            "record_number",
            "id_number",
            "name",
            "institution",
            "clinic",
            "visit_type",
            "visited_on",
            "diagnosis_code",
            "diagnosis",
            "allergy",
            "insurance",
            "cost_yuan",
        ],
    );
    let mut rng = Rng::new(seed, "records");
    for (at, (_, person)) in everybody(homes).step_by(11).take(1_100).enumerate() {
        let visited = day_between(&mut rng, date(2024, 1, 2).max(later(person.birth, 3)), AS_OF);
        let (clinic, code, diagnosis) = rng.pick(&DIAGNOSES);
        let mut kind = rng.pick(&["门诊", "门诊", "门诊", "门诊", "急诊", "住院"]);
        if matches!(clinic, "眼科" | "口腔科" | "全科" | "皮肤科") {
            kind = "门诊";
        }
        let child = person.age(visited) < 14;
        let insurance =
            if child { "居民医保" } else { rng.pick(&["职工医保", "职工医保", "居民医保", "自费"]) };
        let cost = if kind == "住院" { rng.between(300_000, 2_500_000) } else { rng.between(3_000, 90_000) };
        table.push([
            format!("R9{at:07}"),
            person.id_number.clone(),
            person.name.clone(),
            rng.pick(&INSTITUTIONS).into(),
            if child { "儿科" } else { clinic }.into(),
            kind.into(),
            visited.to_string(),
            if child { "J20.9" } else { code }.into(),
            if child { "急性支气管炎" } else { diagnosis }.into(),
            if rng.chance(12) { rng.pick(&["青霉素", "头孢类", "花粉", "海鲜"]) } else { "" }.into(),
            insurance.into(),
            hundredths(cost),
        ]);
    }
    table
}
