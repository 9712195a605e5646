//! Days that people write, at UTC+8.

use crate::clock::{DAY_MS, Millis};

/// The first moment of a day such as `2026-01-31`.
pub fn start_of(day: &str) -> Option<Millis> {
    let plain = day.len() == 10 && day.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    Millis::parse(&format!("{day}T00:00:00+08:00")).ok().filter(|_| plain)
}

/// The last moment of a day.
pub fn end_of(day: &str) -> Option<Millis> {
    start_of(day).map(|start| start.plus(DAY_MS - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_and_ends_in_beijing() {
        let start = start_of("2026-11-21").unwrap();
        assert_eq!(start.to_string(), "2026-11-20T16:00:00.000Z");
        assert_eq!(start.date(), "2026-11-21");
        assert_eq!(end_of("2026-11-21").unwrap().date(), "2026-11-21");
        assert_eq!(end_of("2026-11-21").unwrap().plus(1).date(), "2026-11-22");
        for wrong in ["", "2026-02-30", "21.11.2026", "2026-1-1", "tomorrow"] {
            assert!(start_of(wrong).is_none(), "{wrong}");
        }
    }
}
