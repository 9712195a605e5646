//! What a first visit transfers: pages stay light enough for a narrow line.

use crate::browser::Browser;
use crate::harness::City;
use crate::tab::Tab;

/// Of the page and everything it loads, with the answers' headers.
const BYTES_MAX: u64 = 100_000;

/// Bytes over the wire for the page that is open: its own and its files'. The icon does not stand in the list.
fn transferred(tab: &Tab<'_>) -> u64 {
    let line = "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')] \
        .filter((one) => !one.name.endsWith('.svg')).reduce((sum, one) => sum + one.transferSize, 1000)";
    tab.ask(line).and_then(|sum| sum.as_u64()).unwrap_or_default()
}

#[test]
fn the_first_page_is_light_and_brings_its_script_compressed() {
    let city = City::shared();
    for (department, user, path) in [("tax", "", "/sign-in"), ("tax", "reviewer1", "/"), ("tax", "clerk1", "/catalog")]
    {
        let browser = Browser::start();
        let tab = browser.tab(city, department).without_cache();
        if user.is_empty() {
            tab.open(path);
        } else {
            tab.sign_in(city, department, user);
            tab.open(path);
        }
        let bytes = transferred(&tab);
        eprintln!("{path}: {bytes} bytes");
        assert!((20_000..=BYTES_MAX).contains(&bytes), "{path}: {bytes} bytes");
        // Decompressed it is the script that we ship.
        let script = tab.ask(
            "(() => { const call = new XMLHttpRequest(); call.open('GET', document.querySelector('script[src]').src, false); \
             call.send(); return [call.responseText.length, call.getResponseHeader('content-encoding')]; })()",
        );
        let length = include_str!("../../src/web/portal/assets/htmx.min.js").encode_utf16().count();
        assert_eq!(script, Some(serde_json::json!([length, "gzip"])));
    }
}
