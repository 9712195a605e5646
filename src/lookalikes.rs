//! Texts that look like a name, or could be taken for it by somebody who normalises, decodes or matches loosely: the
//! table of vectors with which tests show that none of them ever stands for the name.

use std::collections::BTreeSet;

/// A way to write a name so that it is another.
type Disguise = (&'static str, fn(&str) -> String);

const DISGUISES: &[Disguise] = &[
    ("upper case", |name| name.to_uppercase()),
    ("one capital", |name| swap(name, |c| c.to_ascii_uppercase())),
    ("full width", |name| name.chars().map(full_width).collect()),
    ("one letter of full width", |name| swap(name, full_width)),
    ("Cyrillic letters", |name| name.chars().map(cyrillic).collect()),
    ("Greek omicron", |name| name.replace('o', "\u{3bf}")),
    ("dotless i", |name| name.replace('i', "\u{131}")),
    ("mathematical letters", |name| name.chars().map(mathematical).collect()),
    ("ligature", |name| name.replace("st", "\u{fb06}")),
    ("combining accent", |name| insert(name, '\u{301}')),
    ("combining grapheme joiner", |name| insert(name, '\u{34f}')),
    ("zero-width space", |name| insert(name, '\u{200b}')),
    ("zero-width joiner", |name| insert(name, '\u{200d}')),
    ("soft hyphen", |name| insert(name, '\u{ad}')),
    ("variation selector", |name| insert(name, '\u{fe0f}')),
    ("byte order mark", |name| format!("\u{feff}{name}")),
    ("right-to-left override", |name| format!("\u{202e}{name}")),
    ("space before", |name| format!(" {name}")),
    ("space behind", |name| format!("{name} ")),
    ("no-break space", |name| format!("{name}\u{a0}")),
    ("ideographic space", |name| format!("{name}\u{3000}")),
    ("tab", |name| format!("{name}\t")),
    ("line end", |name| format!("{name}\n")),
    ("NUL", |name| format!("{name}\0")),
    ("NUL and more", |name| format!("{name}\0x")),
    ("hyphen", |name| name.replace('-', "\u{2010}")),
    ("no-break hyphen", |name| name.replace('-', "\u{2011}")),
    ("minus", |name| name.replace('-', "\u{2212}")),
    ("full-width hyphen", |name| name.replace('-', "\u{ff0d}")),
    ("underscore for hyphen", |name| name.replace('-', "_")),
    ("hyphen for underscore", |name| name.replace('_', "-")),
    ("full-width underscore", |name| name.replace('_', "\u{ff3f}")),
    ("division slash", |name| name.replace('/', "\u{2215}")),
    ("fraction slash", |name| name.replace('/', "\u{2044}")),
    ("full-width slash", |name| name.replace('/', "\u{ff0f}")),
    ("backslash", |name| name.replace('/', "\\")),
    ("two slashes", |name| name.replace('/', "//")),
    ("encoded slash", |name| name.replace('/', "%2F")),
    ("encoded slash, small", |name| name.replace('/', "%2f")),
    ("slash encoded twice", |name| name.replace('/', "%252F")),
    ("slash behind", |name| format!("{name}/")),
    ("slash before", |name| format!("/{name}")),
    ("dot segment", |name| format!("./{name}")),
    ("dot segments", |name| format!("../{name}")),
    ("dot segment behind", |name| format!("{name}/.")),
    ("back and forth", |name| format!("{name}/../{name}")),
    ("encoded dots", |name| format!("%2e%2e/{name}")),
    ("dots encoded twice", |name| format!("%252e%252e/{name}")),
    ("encoded dots within", |name| name.replace('/', "/%2e%2e/")),
    ("overlong encoding", |name| name.replace('/', "%c0%af")),
    ("dot behind", |name| format!("{name}.")),
    ("semicolon", |name| format!("{name};x=1")),
    ("encoded letter", |name| name.replacen('i', "%69", 1)),
    ("letter encoded twice", |name| name.replacen('i', "%2569", 1)),
    ("entity", |name| name.replacen('i', "&#105;", 1)),
    ("any", |_| "*".to_owned()),
    ("beginning and any", |name| format!("{}*", name.chars().take(3).collect::<String>())),
    ("one letter for any", |name| name.replacen('i', "?", 1)),
    ("list", |name| format!("{name}|{name}")),
    ("quoted", |name| format!("\"{name}\"")),
    ("nothing", |_| String::new()),
];

/// Every disguise of a name that differs from it, with its own name.
pub fn of(name: &str) -> Vec<(&'static str, String)> {
    let mut seen = BTreeSet::from([name.to_owned()]);
    let made = DISGUISES.iter().map(|(disguise, make)| (*disguise, make(name)));
    made.filter(|(_, text)| seen.insert(text.clone())).collect()
}

fn swap(name: &str, change: impl Fn(char) -> char) -> String {
    name.chars().enumerate().map(|(at, c)| if at == 2 { change(c) } else { c }).collect()
}

fn insert(name: &str, more: char) -> String {
    name.chars().enumerate().flat_map(|(at, c)| (at == 2).then_some(more).into_iter().chain([c])).collect()
}

/// The form that NFKC turns back.
fn full_width(c: char) -> char {
    if c.is_ascii_graphic() { char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c) } else { c }
}

fn cyrillic(c: char) -> char {
    match c {
        'a' => 'а',
        'c' => 'с',
        'e' => 'е',
        'i' => 'і',
        'o' => 'о',
        'p' => 'р',
        'y' => 'у',
        other => other,
    }
}

fn mathematical(c: char) -> char {
    if c.is_ascii_lowercase() { char::from_u32(u32::from(c) - 97 + 0x1d41a).unwrap_or(c) } else { c }
}
