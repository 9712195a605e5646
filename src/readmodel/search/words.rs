//! Words as the index keeps them: Chinese by pairs of characters, everything else by words and their beginnings.

/// Beginnings of a word that find it, in characters.
const BEGINNING_MIN: usize = 3;
const BEGINNING_MAX: usize = 12;
/// Longest word that is kept whole, in characters.
const WORD_CHARS_MAX: usize = 64;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Chinese,
    Other,
    Between,
}

fn kind(c: char) -> Kind {
    match c {
        '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' => Kind::Chinese,
        _ if c.is_alphanumeric() => Kind::Other,
        _ => Kind::Between,
    }
}

/// Runs of characters of one kind, in lower case.
fn runs(text: &str) -> Vec<(Kind, Vec<char>)> {
    let mut runs: Vec<(Kind, Vec<char>)> = Vec::new();
    let mut before = Kind::Between;
    for c in text.chars().flat_map(char::to_lowercase) {
        let kind = kind(c);
        match runs.last_mut() {
            Some((_, run)) if kind == before && kind != Kind::Between => run.push(c),
            _ if kind != Kind::Between => runs.push((kind, vec![c])),
            _ => {}
        }
        before = kind;
    }
    runs
}

/// What a text is found by.
pub(super) fn kept(text: &str) -> Vec<String> {
    let mut kept = Vec::new();
    for (kind, run) in runs(text) {
        if kind == Kind::Chinese {
            kept.extend(run.iter().map(char::to_string));
            kept.extend(run.windows(2).map(|pair| pair.iter().collect::<String>()));
        } else {
            let beginnings = BEGINNING_MIN..run.len().min(BEGINNING_MAX + 1);
            kept.extend(beginnings.filter_map(|length| run.get(..length)).map(|part| part.iter().collect::<String>()));
            kept.push(run.iter().take(WORD_CHARS_MAX).collect());
        }
    }
    kept
}

/// What a text must have to be found by a word; nothing for what is no word.
pub(super) fn wanted(word: &str) -> Vec<String> {
    let mut wanted = Vec::new();
    for (kind, run) in runs(word) {
        if kind == Kind::Chinese && run.len() > 1 {
            wanted.extend(run.windows(2).map(|pair| pair.iter().collect::<String>()));
        } else {
            wanted.push(run.iter().take(WORD_CHARS_MAX).collect());
        }
    }
    wanted.sort();
    wanted.dedup();
    wanted
}

/// Where words stand in a text: places `[from, to)` in characters, apart and in order.
pub fn places(text: &str, words: &[String]) -> Vec<(u32, u32)> {
    // One character for one: a letter whose lower case has several keeps its first.
    let low = |text: &str| -> Vec<char> { text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect() };
    let text = low(text);
    let mut found = Vec::new();
    for word in words.iter().flat_map(|word| runs(word)).map(|(_, run)| run) {
        let starts = (0..text.len()).filter(|at| text.get(*at..at + word.len()) == Some(word.as_slice()));
        found.extend(starts.map(|at| (at, at + word.len())));
    }
    found.sort_unstable();
    let mut apart: Vec<(usize, usize)> = Vec::new();
    for (from, to) in found {
        match apart.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => apart.push((from, to)),
        }
    }
    let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    apart.into_iter().map(|(from, to)| (number(from), number(to))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(word: &str, text: &str) -> bool {
        let kept = kept(text);
        wanted(word).iter().all(|token| kept.contains(token))
    }

    #[test]
    fn two_characters_find_a_word_and_beginnings_find_the_rest() {
        assert!(finds("户籍", "户籍登记信息") && finds("登记", "户籍登记信息") && finds("户", "户籍登记信息"));
        assert!(finds("户籍登记", "户籍登记信息") && !finds("户记", "户籍登记信息") && !finds("不动产", "动产"));
        assert!(finds("PARK", "Parking bays") && finds("bay", "parking-bay-status") && !finds("arking", "parking"));
        assert!(finds("id_number", "ID number") && finds("101002001/000001", "101002001/000001"));
        assert!(finds("2026年", "2026年度") && !finds("2027年", "2026年度"));
        assert!(wanted("，。--").is_empty());
        assert_eq!(wanted(&"a".repeat(500)).concat().len(), WORD_CHARS_MAX);
    }

    #[test]
    fn places_are_apart_and_in_characters() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(places("户籍登记信息", &words(&["登记", "籍登"])), [(1, 4)]);
        assert_eq!(places("Bay BAY", &words(&["bay"])), [(0, 3), (4, 7)]);
        assert_eq!(places("<b>户籍</b>", &words(&["<b>"])), [(1, 2), (7, 8)], "markup is text like any other");
        assert_eq!(places("x", &words(&["xyz", ""])), []);
    }
}
