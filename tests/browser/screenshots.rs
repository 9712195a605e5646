//! Pictures of the main pages for README and guides: `cargo test --test browser screenshots -- --ignored` writes
//! `docs/screenshots/*.png` anew, of a city of its own with some use behind it.

use std::path::Path;

use chromiumoxide::cdp::browser_protocol::page::{CaptureScreenshotFormat, CaptureScreenshotParams, Viewport};
use serde_json::json;

use crate::browser::Browser;
use crate::eyes::Look;
use crate::harness::{City, Examples};
use crate::pages::things;

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
