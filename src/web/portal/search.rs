//! Parts of the search page: facets as links, and texts with the words that were looked for.

use crate::readmodel::search::{FacetCount, Facets, places};
use crate::web::problem::Problem;

use super::desk::Desk;
use super::href::href;
use super::views::catalog::{FacetLink, FacetRow, Part};
use super::words::Lang;

/// Values that a facet shows.
const VALUES_SHOWN: usize = 8;
/// Fields of the search, as they stand in its address.
pub const FIELDS: [&str; 11] =
    ["q", "provider", "sharing", "state", "level", "class", "category", "topic", "detail", "grade", "update_cycle"];

/// Names of places of the classification in the reader's language.
///
/// # Errors
/// The database's.
pub async fn class_names(desk: &Desk, places: Vec<Vec<String>>) -> Result<Vec<String>, Problem> {
    // The Chinese name is the key: nothing is to be looked up.
    if desk.lang() == Lang::Zh {
        return Ok(places.iter().map(|place| place.last().cloned().unwrap_or_default()).collect());
    }
    let names = desk.node.class_names(places).await?;
    Ok(names.iter().map(|name| desk.t.pick(name).to_owned()).collect())
}

/// Facets as links that narrow the search, or widen it where a value is chosen. One that would narrow nothing is left out.
///
/// # Errors
/// The database's.
pub async fn facet_rows(desk: &Desk, facets: &Facets) -> Result<Vec<FacetRow>, Problem> {
    let classes: Vec<&String> = facets.class.iter().take(VALUES_SHOWN).map(|count| &count.value).collect();
    let named = class_names(desk, classes.iter().map(|class| vec![(*class).clone()]).collect()).await?;
    let named: Vec<(&String, String)> = classes.into_iter().zip(named).collect();
    let class = |_: &Desk, value: &str| {
        let known = named.iter().find(|(class, _)| *class == value);
        known.map_or_else(|| value.to_owned(), |(_, name)| name.clone())
    };
    let word = |family: &'static str| move |desk: &Desk, value: &str| desk.t.word(family, value);
    let row = |field, label, counts: &[FacetCount], name: &dyn Fn(&Desk, &str) -> String| FacetRow {
        label,
        values: counts.iter().take(VALUES_SHOWN).map(|count| link(desk, field, count, name)).collect(),
    };
    let department =
        |desk: &Desk, value: &str| value.parse().map_or_else(|_| value.to_owned(), |id| desk.department(&id));
    let rows = [
        row("provider", "provider", &facets.provider, &department),
        row("class", "meta-classification", &facets.class, &class),
        row("sharing", "sharing", &facets.sharing, &word("sharing")),
        row("grade", "item-grade", &facets.grade, &|desk, value| desk.t.say_with("grade-of", "grade", value)),
        row("update_cycle", "meta-cycle", &facets.update_cycle, &word("cycle")),
        row("state", "state", &facets.state, &word("entry")),
        row("level", "level", &facets.level, &word("level")),
    ];
    let narrows = |row: &FacetRow| {
        row.values.len() > 1 || row.values.iter().any(|value| value.chosen || value.entries < facets.total)
    };
    Ok(rows.into_iter().filter(narrows).collect())
}

fn link(desk: &Desk, field: &str, count: &FacetCount, name: &dyn Fn(&Desk, &str) -> String) -> FacetLink {
    let chosen = desk.query.get(field) == count.value;
    let with = |one: &&'static str| match *one == field {
        true if chosen => (*one, ""),
        true => (*one, count.value.as_str()),
        false => (*one, desk.query.get(one)),
    };
    let fields: Vec<(&str, &str)> = FIELDS.iter().map(with).collect();
    FacetLink { label: name(desk, &count.value), entries: count.entries, href: href("/catalog", &fields), chosen }
}

/// A text in parts, those marked that were looked for.
pub fn parts(text: &str, words: &[String]) -> Vec<Part> {
    let letters: Vec<char> = text.chars().collect();
    let mut parts = Vec::new();
    let mut at = 0;
    let mut add = |from: usize, to: usize, hit: bool| {
        let text: String = letters.get(from..to).unwrap_or_default().iter().collect();
        if !text.is_empty() {
            parts.push(Part { text, hit });
        }
    };
    for (from, to) in places(text, words) {
        let (from, to) = (usize::try_from(from).unwrap_or(0), usize::try_from(to).unwrap_or(0));
        add(at, from, false);
        add(from, to, true);
        at = to;
    }
    add(at, letters.len(), false);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_all_its_letters_in_parts() {
        let words = vec!["登记".to_owned()];
        let shown: Vec<_> = parts("户籍登记信息", &words).into_iter().map(|part| (part.text, part.hit)).collect();
        assert_eq!(shown, [("户籍".into(), false), ("登记".into(), true), ("信息".into(), false)]);
        assert_eq!(parts("<b>", &[]).len(), 1);
        assert!(parts("", &words).is_empty());
    }
}
