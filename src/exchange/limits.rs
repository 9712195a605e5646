//! What a call may hold at most: checked by the consumer's node for a clear answer, and again by the provider's.

use crate::domain::access::{CASE_ID_CHARS_MAX, CAUSE_CHARS_MAX};
use crate::domain::schema::{Fault, FaultCode};
use crate::ids::ItemName;

/// The longest purpose code, in characters.
pub const PURPOSE_CHARS_MAX: usize = 64;
const USER_CHARS_MAX: usize = 64;
/// A sealed cursor holds the order columns of a row.
const CURSOR_CHARS_MAX: usize = 2_048;
const ITEMS_MAX: usize = 60;
/// Names of items enter the access record, which must stay small.
const ITEM_NAMES_BYTES_MAX: usize = 1_500;

/// The texts of a call.
pub(super) struct Texts<'a> {
    pub user: &'a str,
    pub purpose: &'a str,
    pub cause: &'a str,
    pub case_id: Option<&'a str>,
    pub cursor: Option<&'a str>,
    pub items: &'a [ItemName],
}

impl Texts<'_> {
    /// Everything that is wrong.
    pub(super) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut text = |pointer: &str, value: &str, max: usize| {
            let length = value.chars().count();
            if value.trim().is_empty() {
                faults.push(Fault::of(FaultCode::Required, pointer, "is required and must say something"));
            } else if length > max {
                let why = format!("has {length} characters, {max} are allowed");
                faults.push(Fault::of(FaultCode::MaxLength, pointer, why).naming(max));
            } else if value.chars().any(char::is_control) {
                faults.push(Fault::of(FaultCode::ControlCharacter, pointer, "holds a control character"));
            }
        };
        text("/purpose", self.purpose, PURPOSE_CHARS_MAX);
        text("/cause", self.cause, CAUSE_CHARS_MAX);
        text("/actor/user", self.user, USER_CHARS_MAX);
        if let Some(case_id) = self.case_id {
            text("/case_id", case_id, CASE_ID_CHARS_MAX);
        }
        if let Some(cursor) = self.cursor {
            text("/cursor", cursor, CURSOR_CHARS_MAX);
        }
        let bytes: usize = self.items.iter().map(|item| item.as_str().len()).sum();
        if self.items.len() > ITEMS_MAX || bytes > ITEM_NAMES_BYTES_MAX {
            let why = format!("more than {ITEMS_MAX} items, or too long names");
            faults.push(Fault::of(FaultCode::MaxItems, "/items", why).naming(ITEMS_MAX));
        }
        for (at, item) in self.items.iter().enumerate() {
            if self.items.iter().take(at).any(|earlier| earlier == item) {
                faults.push(Fault::of(FaultCode::Repeated, format!("/items/{at}"), "stands twice"));
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_has_one_to_two_hundred_characters() {
        let faults = |cause: &str| {
            Texts { user: "u", purpose: "p", cause, case_id: None, cursor: None, items: &[] }.faults().len()
        };
        assert_eq!(["审", &"审".repeat(200), "", "  ", &"审".repeat(201), "a\u{0}b"].map(faults), [0, 0, 1, 1, 1, 1]);
        let twice = ["a".parse().unwrap(), "b".parse().unwrap(), "a".parse().unwrap()];
        let texts = Texts { user: "", purpose: "", cause: "x", case_id: Some(""), cursor: Some(""), items: &twice };
        let pointers: Vec<String> = texts.faults().into_iter().map(|fault| fault.pointer).collect();
        assert_eq!(pointers, ["/purpose", "/actor/user", "/case_id", "/cursor", "/items/2"]);
    }
}
