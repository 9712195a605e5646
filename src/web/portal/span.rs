//! How long something took, in the largest unit that says it.

use super::words::Words;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Milliseconds for people, such as `2.4 s` or `3 天`.
pub fn span(t: Words, ms: u64) -> String {
    match ms {
        0..100 => t.say("span-moment"),
        100..MINUTE => t.say_with("span-seconds", "n", format!("{}.{}", ms / SECOND, ms % SECOND / 100)),
        MINUTE..HOUR => t.say_with("span-minutes", "n", ms / MINUTE),
        HOUR..DAY => t.say_with("span-hours", "n", ms / HOUR),
        _ => t.say_with("span-days", "n", ms / DAY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::portal::words::Lang;

    #[test]
    fn the_largest_unit_says_it() {
        let en = |ms| span(Words::of(Lang::En), ms);
        assert_eq!((en(0), en(99), en(100)), ("< 0.1 s".into(), "< 0.1 s".into(), "0.1 s".into()));
        assert_eq!((en(2_450), en(59_999), en(60_000)), ("2.4 s".into(), "59.9 s".into(), "1 min".into()));
        assert_eq!((en(HOUR - 1), en(HOUR), en(3 * DAY)), ("59 min".into(), "1 h".into(), "3 d".into()));
        assert_eq!(span(Words::of(Lang::Zh), 2 * DAY), "2 天");
    }
}
