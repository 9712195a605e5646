//! Words of the data model: from forms into values, and back to pages.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The word of a value that is written as one word in JSON, such as a sharing type.
pub fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

/// The value of a word; none for a word that nobody knows.
pub fn value<T: DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(Value::String(word.to_owned())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::catalog::{Masking, Sharing};

    #[test]
    fn words_and_values_fit_each_other() {
        assert_eq!(word(&Sharing::NotShared), "not_shared");
        assert_eq!(value::<Masking>("id_number"), Some(Masking::IdNumber));
        assert_eq!(value::<Masking>("ID"), None);
    }
}
