//! Pictures of the main pages for README and guides: `cargo test --test browser screenshots -- --ignored` writes
//! `docs/screenshots/*.png` anew, of a city of its own with some use behind it.

use std::path::Path;

use chromiumoxide::cdp::browser_protocol::emulation::SetScrollbarsHiddenParams;
use chromiumoxide::cdp::browser_protocol::page::{CaptureScreenshotFormat, CaptureScreenshotParams, Viewport};
use serde_json::json;

use crate::browser::Browser;
use crate::eyes::Look;
use crate::harness::{City, Examples};
use crate::pages::{NOBODY, VISITS, address, things};

/// No picture is larger.
const BYTES_MAX: usize = 150_000;
const DAY: Look = Look { lang: "zh", scheme: "light", width: 1280 };
const NIGHT: Look = Look { scheme: "dark", ..DAY };
const ENGLISH: Look = Look { lang: "en", ..DAY };
const PHONE: Look = Look { width: 320, ..DAY };

/// Name, department, user, address (`{}` as in the list of pages, with its route), and how it is looked at.
const PICTURES: &[(&str, &str, &str, &str, Look)] = &[
    ("home", "planning-resources", "reviewer1", "/", DAY),
    ("catalog", "planning-resources", "clerk1", "/catalog?q=%E7%99%BB%E8%AE%B0", DAY),
    ("catalog-dark", "planning-resources", "clerk1", "/catalog?q=registration", Look { lang: "en", ..NIGHT }),
    ("catalog-phone", "planning-resources", "clerk1", "/catalog", PHONE),
    ("entry", "planning-resources", "clerk1", "/catalog/public-security/household-registration", DAY),
    ("drafts", "housing", "clerk1", "/drafts", DAY),
    ("draft-form", "housing", "clerk1", "/drafts/new", DAY),
    ("grant-request", "planning-resources", "clerk1", "/grants/new?entry=housing/sale-contract", DAY),
    ("grant", "planning-resources", "reviewer1", "/grants/{id}", DAY),
    ("query", "planning-resources", "clerk1", "/query?entry=public-security/household-registration", DAY),
    (
        "explain",
        "planning-resources",
        "clerk1",
        "/policy/explain?entry=tax/taxpayer-registration&purpose=real-estate-transfer",
        DAY,
    ),
    ("home-phone", "planning-resources", "reviewer1", "/", PHONE),
    ("case", "planning-resources", "clerk1", "/cases/{id}", DAY),
    ("case-sign-off", "housing", "reviewer1", "{open}", DAY),
    ("licences", "planning-resources", "clerk1", "/certificates", DAY),
    ("certificate", "planning-resources", "reviewer1", "/certificates/{identifier}", DAY),
    ("verify", "transport", "", "/verify/{identifier}", ENGLISH),
    ("audit", "audit", "auditor1", "/audit", DAY),
    ("audit-numbers", "audit", "auditor1", "/audit/numbers", DAY),
    ("audit-numbers-dark", "audit", "auditor1", "/audit/numbers", Look { lang: "en", ..NIGHT }),
    ("ledger", "audit", "auditor1", "/ledger", DAY),
    ("cluster", "data-bureau", "admin1", "/cluster", ENGLISH),
    ("settings", "data-bureau", "admin1", "/admin/settings", DAY),
];

/// Queries by a department's system, so that the auditor's charts have something to show.
fn use_it(city: &City) {
    let examples = Examples::get();
    for n in 0..90 {
        let entry = ["public-security/household-registration", "civil-affairs/marriage-registration"][n % 2];
        let call = json!({
            "purpose": if n % 9 == 0 { "statistics" } else { "real-estate-transfer" },
            "cause": "不动产转移登记核验",
            "params": {"id_number": examples.seller_id_number},
        });
        city.query("planning-resources", entry, &call);
    }
}

/// Where every page goes, for who changes the style: `MULU_LOOKS=DIR cargo test --test browser looks -- --ignored`.
const LOOKS_DIR: &str = "MULU_LOOKS";

/// What one sees without scrolling on a small screen.
fn top(width: i64) -> Viewport {
    #[expect(clippy::cast_precision_loss, reason = "a width in pixels")]
    let width = width as f64;
    Viewport { x: 0.0, y: 0.0, width, height: 720.0, scale: 1.0 }
}

#[test]
#[ignore = "writes the pictures of the documentation"]
fn pictures_of_the_main_pages() {
    let city = City::shared();
    // Cases first: their grants have a rate.
    let things = things(city);
    use_it(city);
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/screenshots");
    std::fs::create_dir_all(&dir).unwrap();
    for (name, department, user, path, look) in PICTURES {
        let browser = Browser::start();
        let tab = browser.tab(city, department);
        if !user.is_empty() {
            tab.sign_in(city, department, user);
        }
        tab.look(*look);
        tab.wait(tab.page.execute(SetScrollbarsHiddenParams::new(true))).unwrap();
        let path = things.get(path).map_or(*path, String::as_str);
        let mark = if path.contains('?') { '&' } else { '?' };
        tab.open(&format!("{path}{mark}lang={}", look.lang));
        let params =
            CaptureScreenshotParams::builder().format(CaptureScreenshotFormat::Png).clip(top(look.width)).build();
        let picture = tab.wait(tab.page.screenshot(params)).unwrap();
        assert!(picture.len() <= BYTES_MAX, "{name}: {} bytes", picture.len());
        std::fs::write(dir.join(format!("{name}.png")), picture).unwrap();
    }
}

#[test]
#[ignore = "writes every page as people see it, for a person to judge"]
fn looks_of_every_page() {
    let dir = std::env::var_os(LOOKS_DIR).map(std::path::PathBuf::from).expect("MULU_LOOKS names a folder");
    std::fs::create_dir_all(&dir).unwrap();
    let city = City::shared();
    let things = things(city);
    use_it(city);
    let looks = [("wide", Look { lang: "en", ..DAY }), ("phone", PHONE), ("night", NIGHT)];
    for (at, visit) in VISITS.iter().enumerate() {
        let browser = Browser::start();
        let tab = browser.tab(city, visit.1);
        if visit.2 != NOBODY {
            tab.sign_in(city, visit.1, visit.2);
        }
        for (name, look) in looks {
            tab.look(look);
            tab.wait(tab.page.execute(SetScrollbarsHiddenParams::new(true))).unwrap();
            let path = address(&things, visit);
            tab.open(&format!("{path}{}lang={}", if path.contains('?') { '&' } else { '?' }, look.lang));
            let height = tab.ask("document.documentElement.scrollHeight").and_then(|value| value.as_f64());
            let clip = Viewport { height: height.unwrap_or(720.0).min(2_400.0), ..top(look.width) };
            let params = CaptureScreenshotParams::builder().format(CaptureScreenshotFormat::Png).clip(clip);
            let params = params.capture_beyond_viewport(true).build();
            let picture = tab.wait(tab.page.screenshot(params)).unwrap();
            let route = visit.0.replace(['/', '{', '}'], "-");
            std::fs::write(dir.join(format!("{at:02}{route}{name}.png")), picture).unwrap();
        }
    }
}
