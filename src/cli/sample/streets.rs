//! Parking bays and requests to the hotline.

use jiff::civil::date;

use super::names::{DISTRICTS, ROADS};
use super::people::{AS_OF, Household, day_between, later};
use super::residents::adults;
use super::rng::Rng;
use super::table::{Table, hundredths};

const BAYS_A_ROAD: usize = 8;

/// The number of a bay: district, road section from 0, bay from 0.
pub fn bay_id(district: &str, road: usize, bay: usize) -> String {
    format!("{district}-{:04}-{:03}", road + 1, bay + 1)
}

/// transport/parking-bay-status.
pub fn bays(seed: u64) -> Table {
    let mut table = Table::new(
        "transport",
        "parking_bay_status",
        &["bay_id", "district", "road", "bay_type", "status", "fee_yuan_per_hour", "updated_at"],
    );
    let mut rng = Rng::new(seed, "bays");
    for district in DISTRICTS {
        for (at, road) in ROADS.iter().enumerate() {
            let fee = rng.pick(&[400, 600, 1_000]);
            for bay in 0..BAYS_A_ROAD {
                let status = rng.pick(&["空闲", "占用", "占用", "空闲", "占用", "停用"]);
                let first = table.rows.is_empty();
                table.push([
                    bay_id(district.code, at, bay),
                    district.name.into(),
                    (*road).into(),
                    rng.pick(&["普通", "普通", "普通", "充电", "无障碍"]).into(),
                    if first { "空闲" } else { status }.into(),
                    hundredths(fee),
                    format!("2026-11-01T08:{:02}:{:02}+08:00", rng.between(0, 59), rng.between(0, 59)),
                ]);
            }
        }
    }
    table
}

/// Category, what is said, who handles it.
const MATTERS: [(&str, &str, &str); 10] = [
    ("停车管理", "小区门口长期有车辆占道停放，影响通行", "交通委"),
    ("停车管理", "泊位计费与实际停放时间不符，请核实", "交通委"),
    ("供水", "家中水压偏低，早晚高峰尤其明显", "水务局"),
    ("燃气", "燃气表显示异常，申请上门检查", "城市管理委"),
    ("供暖", "室内温度不达标，请检测", "城市管理委"),
    ("物业管理", "电梯多次故障，物业未及时维修", "住建委"),
    ("不动产登记", "咨询存量房转移登记需要的材料", "规划自然资源委"),
    ("婚姻登记", "咨询跨区办理婚姻登记的预约方式", "民政局"),
    ("医疗服务", "社区卫生服务中心预约号源不足", "卫生健康委"),
    ("市容环境", "垃圾清运不及时，有异味", "城市管理委"),
];

/// Requests of the worked example: one that two departments must answer, and one that was answered long ago. Day and
/// hour, category, what is said, whose it is, when it was answered.
const KNOWN_REQUESTS: [(&str, &str, &str, &str, Option<&str>); 2] = [
    (
        "2026-10-30T09:12",
        "停车管理",
        "小区门口夜间停满外来车辆，垃圾清运车进不来，请安排停车秩序和清运",
        "交通委",
        None,
    ),
    ("2026-03-02T14:05", "供水", "家中水压偏低，早晚高峰尤其明显", "水务局", Some("2026-03-06")),
];

/// The number of a request of the worked example, from 0.
pub fn request_number(at: usize) -> String {
    format!("H2026-9{at:05}")
}

fn known_request(known: &(&str, &str, &str, &str, Option<&str>), home: &Household) -> [String; 15] {
    let (received, category, content, department, replied) = *known;
    let at = KNOWN_REQUESTS.iter().position(|one| one == known).unwrap_or_default();
    let day = received.get(..10).and_then(|day| day.parse().ok()).unwrap_or(AS_OF);
    [
        request_number(at),
        home.head.id_number.clone(),
        home.head.name.clone(),
        home.head.phone.clone(),
        format!("{received}:00+08:00"),
        "电话".into(),
        category.into(),
        home.district.name.into(),
        content.into(),
        String::new(),
        department.into(),
        if replied.is_some() { "已办结" } else { "办理中" }.into(),
        later(day, 7).to_string(),
        replied.unwrap_or_default().into(),
        if replied.is_some() { "满意" } else { "" }.into(),
    ]
}

/// government-services/hotline-request.
pub fn requests(homes: &[Household], seed: u64) -> Table {
    let mut table = Table::new(
        "government-services",
        "hotline_request",
        &[
            "request_number",
            "id_number",
            "name",
            "phone",
            "received_at",
            "channel",
            "category",
            "district",
            "content",
            "plate_number",
            "assigned_department",
            "status",
            "due_on",
            "replied_on",
            "satisfaction",
        ],
    );
    if let Some(home) = homes.first() {
        KNOWN_REQUESTS.iter().for_each(|known| table.push(known_request(known, home)));
    }
    let mut rng = Rng::new(seed, "requests");
    for (at, (home, person)) in adults(homes).step_by(11).take(1_100).enumerate() {
        let (category, content, department) = rng.pick(&MATTERS);
        let received = day_between(&mut rng, date(2026, 1, 1), later(AS_OF, -1));
        let due = later(received, 7);
        let closed = due < AS_OF;
        let plate = if category == "停车管理" { person.plate.clone().unwrap_or_default() } else { String::new() };
        table.push([
            request_number(at + KNOWN_REQUESTS.len()),
            person.id_number.clone(),
            person.name.clone(),
            person.phone.clone(),
            format!("{received}T{:02}:{:02}:00+08:00", rng.between(8, 20), rng.between(0, 59)),
            rng.pick(&["电话", "电话", "网络", "小程序"]).into(),
            category.into(),
            home.district.name.into(),
            content.into(),
            plate,
            department.into(),
            if closed { "已办结" } else { "办理中" }.into(),
            due.to_string(),
            if closed { later(received, rng.between(1, 7)).to_string() } else { String::new() },
            if closed { rng.pick(&["满意", "满意", "基本满意", "不满意"]) } else { "" }.into(),
        ]);
    }
    table
}
