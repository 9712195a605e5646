//! Faults in the reader's language: the code's own text, with what it names in the form's words.

use crate::domain::schema::{Fault, FaultCode};

use super::words::Words;

/// What a fault says. `label` knows what the form calls a member or an option, as far as it shows it.
pub fn told(t: Words, fault: &Fault, label: impl Fn(&str) -> Option<String>) -> String {
    let each = |word: &dyn Fn(&str) -> String| {
        fault.named.split(", ").map(word).collect::<Vec<_>>().join(&t.say("list-comma"))
    };
    let named = match fault.code {
        FaultCode::AnyRequired | FaultCode::Enum => each(&|name| label(name).unwrap_or_else(|| name.to_owned())),
        FaultCode::Type => each(&|kind| t.word("format", kind)),
        FaultCode::Format
        | FaultCode::WrongLength
        | FaultCode::WrongCharacter
        | FaultCode::WrongDate
        | FaultCode::WrongRegion
        | FaultCode::WrongCheck => t.word("format", &fault.named),
        FaultCode::Breaking => t.word("breaking", &fault.named),
        // What no text of ours explains is told in the words of who found it.
        FaultCode::LedgerRule | FaultCode::Other => fault.message.clone(),
        _ => fault.named.clone(),
    };
    t.word_with("fault", fault.code.as_str(), "named", named)
}

/// The same after what the place is called, for pages without the form: `Reason: must be filled in.`
pub fn told_of(t: Words, fault: &Fault) -> String {
    let place = fault.place();
    let key = match place.split('/').nth(1).unwrap_or_default() {
        "reason" => "reason",
        "note" => "case-note",
        "cause" => "cause",
        "purpose" => "purpose",
        "case_id" => "case-number",
        "items" => "ask-items",
        "matter" => "matter",
        "legal_basis" => "legal-basis",
        "daily_max" => "daily-max",
        "valid_until" => "valid-until",
        "network_zone" => "network-zone",
        "department" | "departments" => "department",
        "user" => "user",
        _ => "",
    };
    let said = told(t, fault, |_| None);
    match (key, place.as_str()) {
        ("", "") => said,
        ("", _) => format!("{place}{}{said}", t.say("colon")),
        _ => format!("{}{}{said}", t.say(key), t.say("colon")),
    }
}

#[cfg(test)]
pub mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::schema::Schema;
    use crate::web::portal::words::Lang;

    /// Whether a text has three English words in a row: a sentence that a Chinese reader was not meant to get.
    pub fn is_english(text: &str) -> bool {
        let is_word = |word: &&str| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_lowercase());
        let words: Vec<&str> = text.split([' ', ',', ':', '.']).collect();
        words.windows(3).any(|three| three.iter().all(&is_word))
    }

    #[test]
    fn every_code_is_told_in_both_languages() {
        let (zh, en) = (Words::of(Lang::Zh), Words::of(Lang::En));
        for code in FaultCode::ALL {
            let fault = Fault::of(*code, "/x", "7").naming("7");
            let (chinese, english) = (told(zh, &fault, |_| None), told(en, &fault, |_| None));
            assert!(chinese.ends_with(['。', '7']) && !is_english(&chinese), "{code:?}: {chinese}");
            assert_ne!(english, code.as_str(), "{code:?}");
            assert_eq!(chinese.contains('7'), english.contains('7'), "{code:?}: {chinese} {english}");
        }
    }

    #[test]
    fn what_is_named_is_told_in_the_readers_words() {
        let (zh, en) = (Words::of(Lang::Zh), Words::of(Lang::En));
        let title = |name: &str| (name == "id_number").then(|| "公民身份号码".to_owned());
        let told = |t, schema: serde_json::Value, document| {
            told(t, &Schema::compile(&schema).unwrap().check(&document)[0], title)
        };
        let number = json!({"format": "id_number"});
        let mistyped = json!("340524198001010011");
        assert_eq!(told(zh, number.clone(), mistyped.clone()), "不是有效的公民身份号码：校验码不符，请与原件核对。");
        assert_eq!(
            told(en, number, mistyped),
            "is not a valid ID number: its check character does not fit; compare it with the original."
        );
        assert_eq!(told(zh, json!({"type": ["string", "null"]}), json!(1)), "须为空值、文本。");
        let ways = json!({"anyOf": [{"required": ["id_number"]}, {"required": ["unit_number"]}]});
        assert_eq!(told(zh, ways, json!({})), "请至少填写其中一项：公民身份号码、unit_number。");
        let of = |pointer: &str| told_of(zh, &Fault::of(FaultCode::MaxLength, pointer, "x").naming(200));
        assert_eq!(
            [of("/reason"), of("/else"), of("")],
            ["理由：最多 200 个字符。", "/else：最多 200 个字符。", "最多 200 个字符。"]
        );
    }
}
