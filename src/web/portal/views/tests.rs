//! Every page in both languages: whole, escaped, labelled, guarded, and without anything the policy forbids.

use std::collections::BTreeSet;
use std::fs;

use super::drafts::{DraftFields, ITEM_ROWS_MAX};
use super::samples::{EVIL, pages};
use crate::web::portal::assets;
use crate::web::portal::words::Lang;

/// A start tag with its attributes, or an end tag.
struct Tag<'a> {
    name: &'a str,
    closing: bool,
    attributes: Vec<(&'a str, &'a str)>,
}

impl<'a> Tag<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        self.attributes.iter().find(|(have, _)| *have == name).map(|(_, value)| *value)
    }
}

/// The tags of a page; fails on a stray `<` or an unquoted value.
fn tags(html: &str) -> Vec<Tag<'_>> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let closing = rest.starts_with('/');
        let name_start = usize::from(closing);
        let name_end =
            rest.find(|c: char| c.is_whitespace() || c == '>' || (c == '/' && !closing)).unwrap_or(0).max(name_start);
        let name = if closing { rest[1..].split('>').next().unwrap() } else { &rest[..name_end] };
        assert!(name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '!'), "stray < before {:.60}", rest);
        let (attributes, after) = attributes(&rest[name.len() + name_start..]);
        tags.push(Tag { name, closing, attributes });
        rest = after;
    }
    tags
}

fn attributes(mut rest: &str) -> (Vec<(&str, &str)>, &str) {
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\n', '/']);
        if let Some(after) = rest.strip_prefix('>') {
            return (found, after);
        }
        let end = rest.find(['=', ' ', '>', '\n']).expect("a tag that ends");
        let name = &rest[..end];
        rest = &rest[end..];
        if let Some(value) = rest.strip_prefix('=') {
            let quote = value.chars().next().filter(|c| ['"', '\''].contains(c)).expect("a quoted value");
            let close = value[1..].find(quote).expect("a closed value");
            found.push((name, &value[1..=close]));
            rest = &value[close + 2..];
        } else {
            found.push((name, ""));
        }
    }
}

const VOID: &[&str] = &["!doctype", "meta", "link", "input", "br", "circle", "path", "rect"];

fn check_nesting(name: &str, tags: &[Tag]) {
    let mut open = Vec::new();
    for tag in tags.iter().filter(|tag| !VOID.contains(&tag.name)) {
        if tag.closing {
            assert_eq!(open.pop(), Some(tag.name), "{name}: </{}> closes something else", tag.name);
        } else {
            open.push(tag.name);
        }
    }
    assert!(open.is_empty(), "{name}: {open:?} stay open");
}

fn check_policy(name: &str, html: &str, tags: &[Tag]) {
    for tag in tags.iter().filter(|tag| !tag.closing) {
        assert!(tag.get("style").is_none() && tag.name != "style", "{name}: inline style");
        assert!(
            !tag.attributes.iter().any(|(key, _)| key.starts_with("on") || key.starts_with("hx-on")),
            "{name}: inline script"
        );
        assert!(
            tag.name != "script" || tag.get("src").is_some_and(|src| assets::find(src).is_some()),
            "{name}: script"
        );
        if let Some(href) = tag.get("href").filter(|_| tag.name == "link") {
            assert!(assets::find(href).is_some(), "{name}: {href} is not an asset");
        }
    }
    assert!(!html.contains(EVIL) && !html.contains("<script>"), "{name}: data is not escaped");
}

fn check_forms(name: &str, html: &str) {
    for form in html.split("<form").skip(1) {
        let form = form.split("</form>").next().unwrap();
        let head = form.split('>').next().unwrap();
        if head.contains("method=\"post\"") {
            assert!(form.contains("name=\"csrf\" value=\"c5rf-t0ken\""), "{name}: a form without csrf");
            assert!(form.contains("type=\"submit\""), "{name}: a form that cannot be sent without a script");
        }
        assert!(head.contains("action=\"/"), "{name}: a form without its address");
    }
}

fn check_labels(name: &str, tags: &[Tag]) {
    let ids: Vec<&str> = tags.iter().filter_map(|tag| tag.get("id")).collect();
    let set: BTreeSet<&str> = ids.iter().copied().collect();
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, set.iter().copied().collect::<Vec<_>>(), "{name}: an id stands twice");
    for key in ["for", "aria-labelledby", "aria-describedby", "list"] {
        for target in tags.iter().filter_map(|tag| tag.get(key)).flat_map(str::split_whitespace) {
            assert!(set.contains(target), "{name}: {key}={target} points nowhere");
        }
    }
    let labelled: BTreeSet<&str> = tags.iter().filter_map(|tag| tag.get("for")).collect();
    for field in tags.iter().filter(|tag| !tag.closing && ["input", "select", "textarea"].contains(&tag.name)) {
        let hidden = field.get("type") == Some("hidden");
        let named = field.get("aria-label").is_some() || field.get("id").is_some_and(|id| labelled.contains(id));
        assert!(hidden || named, "{name}: {:?} has no label", field.get("name"));
    }
}

#[test]
fn every_page_is_whole_in_both_languages() {
    for lang in [Lang::Zh, Lang::En] {
        for (name, html) in pages(lang) {
            assert!(html.starts_with("<!doctype html>"), "{name}");
            assert!(html.contains(&format!("<html lang=\"{}\"", lang.tag())), "{name}: language");
            assert!(!html.contains("{{") && !html.contains("{%") && !html.contains("{$"), "{name}: a place is left");
            assert_eq!(html.matches("<h1").count(), 1 + usize::from(name == "verify"), "{name}: one heading");
            let tags = tags(&html);
            check_nesting(name, &tags);
            check_policy(name, &html, &tags);
            check_forms(name, &html);
            check_labels(name, &tags);
        }
    }
}

#[test]
fn english_pages_speak_english() {
    for (name, html) in pages(Lang::En) {
        let chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
        // The switch to Chinese and a masked surname are meant to be Chinese.
        let text = html.replace("中文", "").replace('张', "");
        assert!(!text.contains(chinese), "{name}: {:?}", text.split('>').find(|part| part.contains(chinese)));
    }
}

#[test]
fn every_template_is_shown() {
    let whole = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/templates")).unwrap();
    let names: BTreeSet<String> =
        whole.map(|file| file.unwrap().file_name().to_string_lossy().replace(".html", "")).collect();
    let shown: BTreeSet<&str> = pages(Lang::Zh).iter().map(|(name, _)| *name).collect();
    let parts = ["base", "ui", "grant_bounds", "entry_body", "certificate_card", "case_step", "case_fields"];
    for name in names.iter().filter(|name| !parts.contains(&name.as_str()) && !name.ends_with("_partial")) {
        assert!(shown.contains(name.as_str()), "no sample shows {name}");
    }
}

#[test]
fn the_navigation_shows_where_one_is() {
    let home = pages(Lang::En).into_iter().find(|(name, _)| *name == "entry").unwrap().1;
    assert!(home.contains("<a href=\"/catalog\" aria-current=\"page\">Catalog</a>"));
    assert!(home.contains("?lang=zh\""));
}

#[test]
fn rows_of_a_draft_are_bounded() {
    let pair = |key: String| (key, "x".to_owned());
    let sent = [
        pair(format!("item-{}-name", ITEM_ROWS_MAX - 1)),
        pair(format!("item-{ITEM_ROWS_MAX}-name")),
        pair("item--name".into()),
        pair("param-99999999999-name".into()),
    ];
    let fields = DraftFields::read(&sent).with_more_rows();
    assert_eq!(fields.items.len(), ITEM_ROWS_MAX);
    assert_eq!(fields.items.last().map(|row| row.name.as_str()), Some("x"));
    assert!(fields.parameters.iter().all(|row| row.name.is_empty()));
}

/// `cargo test pages_to_look_at -- --ignored` writes every page and its assets for a browser.
#[test]
#[ignore = "writes files for a person to look at"]
fn pages_to_look_at() {
    let dir = std::env::temp_dir().join("mulu-pages");
    fs::create_dir_all(dir.join("assets")).unwrap();
    for asset in [&assets::STYLE, &assets::SCRIPT, &assets::SCRIPT_SSE, &assets::SCRIPT_LIVE, &assets::ICON] {
        fs::write(dir.join(asset.href.trim_start_matches('/')), asset.bytes).unwrap();
    }
    for lang in [Lang::Zh, Lang::En] {
        for (name, html) in pages(lang) {
            // What a script would run shows up as text here; it makes for odd pages, so leave it out.
            let html = html.replace("&#60;script&#62;alert(1)&#60;/script&#62;&#34; onclick=&#34;x", "示例文字");
            fs::write(dir.join(format!("{name}.{}.html", lang.code())), html).unwrap();
        }
    }
}
