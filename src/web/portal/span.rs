//! How long something took, as people say it: in the largest unit and the one below.

use super::words::Words;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Milliseconds for people, such as `2.4 s`, `1 h 20 min` or `3 天`.
pub fn span(t: Words, ms: u64) -> String {
    match ms {
        0..100 => t.say("span-moment"),
        100..MINUTE => t.say_with("span-seconds", "n", format!("{}.{}", ms / SECOND, ms % SECOND / 100)),
        MINUTE..HOUR => t.say_with("span-minutes", "n", ms / MINUTE),
        HOUR..DAY => both(t, ("span-hours", ms / HOUR), ("span-minutes", ms % HOUR / MINUTE)),
        _ => both(t, ("span-days", ms / DAY), ("span-hours", ms % DAY / HOUR)),
    }
}

/// The smaller one only where there is something of it.
fn both(t: Words, large: (&str, u64), small: (&str, u64)) -> String {
    let parts = [large, small].into_iter().filter(|(_, n)| *n > 0);
    parts.map(|(key, n)| t.say_count(key, "n", n)).collect::<Vec<_>>().join(" ")
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
        assert_eq!(
            (en(HOUR - 1), en(HOUR), en(DAY), en(3 * DAY)),
            ("59 min".into(), "1 h".into(), "1 day".into(), "3 days".into())
        );
        assert_eq!((en(HOUR + 20 * MINUTE), en(2 * DAY - 1)), ("1 h 20 min".into(), "1 day 23 h".into()));
        assert_eq!(span(Words::of(Lang::Zh), 2 * DAY + 3 * HOUR), "2 天 3 小时");
    }
}
