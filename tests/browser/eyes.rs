//! A page as people with other eyes and other screens meet it: axe-core's rules, narrow windows, dark screens, both languages.
//!
//! `axe/axe.min.js` is axe-core 4.14.1 (npm package `axe-core`, MPL-2.0, see `axe/LICENSE`), unchanged. It comes in over
//! the browser's own wire, so the page keeps its policy of loading nothing.

use chromiumoxide::cdp::browser_protocol::emulation::{MediaFeature, SetDeviceMetricsOverrideParams};
use chromiumoxide::cdp::browser_protocol::page::AddScriptToEvaluateOnNewDocumentParams;

use crate::tab::Tab;

const AXE: &str = include_str!("axe/axe.min.js");

/// Runs the rules of WCAG 2.2 A and AA; answers `rule (impact): selector`, one a finding.
const JUDGE: &str = r#"(async () => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
    const told = await axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] });
    const found = told.violations.flatMap((rule) => rule.nodes.map((node) =>
        `${rule.id} (${rule.impact}): ${node.target.flat().join(' ')} · ${(node.any[0] ?? node.all[0] ?? node.none[0])?.message ?? ''}`));
    const beyond = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    if (beyond > 0) {
        const wide = [...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1
            && !one.closest('.scroll, .side, .blocks, pre'));
        found.push(`wider than the screen by ${beyond} px: ${wide.slice(0, 3).map((one) => one.tagName + '.' + one.className).join(', ')}`);
    }
    return found;
})()"#;

/// What stands on a page beside data: codes that nobody turned into words.
const RAW: &str = r#"(() => {
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const raw = [];
    while (walk.nextNode()) {
        const inside = walk.currentNode.parentElement;
        if (inside.closest('code, pre, textarea, script, [translate=no]')) continue;
        const words = walk.currentNode.textContent.split(/[\s·,;:，；：]+/);
        raw.push(...words.filter((word) => /^[a-z]+(_[a-z]+)+$/.test(word)));
    }
    return [...new Set(raw)];
})()"#;

/// How a page is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// `zh` or `en`.
    pub lang: &'static str,
    /// `light` or `dark`.
    pub scheme: &'static str,
    /// Of the window, in CSS pixels.
    pub width: i64,
}

/// Every language, scheme and width with each of the others.
pub const LOOKS: [Look; 4] = [
    Look { lang: "en", scheme: "light", width: 1280 },
    Look { lang: "en", scheme: "dark", width: 320 },
    Look { lang: "zh", scheme: "dark", width: 1280 },
    Look { lang: "zh", scheme: "light", width: 320 },
];

impl Tab<'_> {
    /// Brings axe-core along to every page that is opened from now on.
    pub fn with_axe(self) -> Self {
        self.wait(self.page.evaluate_on_new_document(AddScriptToEvaluateOnNewDocumentParams::new(AXE))).unwrap();
        self
    }

    /// Sets the window and what the reader prefers.
    pub fn look(&self, look: Look) {
        let feature = |name: &str, value: &str| MediaFeature::new(name, value);
        let features = vec![feature("prefers-color-scheme", look.scheme), feature("prefers-reduced-motion", "reduce")];
        self.wait(self.page.emulate_media_features(features)).unwrap();
        let metrics = SetDeviceMetricsOverrideParams::new(look.width, 900, 1.0, false);
        self.wait(self.page.execute(metrics)).unwrap();
    }

    /// Opens a page so and answers what is wrong with it.
    #[track_caller]
    pub fn faults(&self, path: &str, look: Look) -> Vec<String> {
        self.look(look);
        let mark = if path.contains('?') { '&' } else { '?' };
        self.open(&format!("{path}{mark}lang={}", look.lang));
        let ask = |script: &str| -> Vec<String> {
            let list = self.ask_later(script).and_then(|list| serde_json::from_value(list).ok());
            list.unwrap_or_else(|| panic!("{path}: axe did not run"))
        };
        let mut faults = ask(JUDGE);
        faults.extend(ask(RAW).into_iter().map(|word| format!("a raw code: {word}")));
        faults
    }
}
