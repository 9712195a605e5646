//! The portal's words: one folder of Fluent texts a language, looked up by key.

use std::collections::HashMap;
use std::fmt::Display;

use fluent_templates::fluent_bundle::FluentValue;
use fluent_templates::{LanguageIdentifier, Loader};

use crate::domain::Text;
use crate::domain::settings::PageLanguage;

mod texts {
    use fluent_templates::fluent_bundle::FluentValue;

    /// Numbers as people write them in either language: `1,284`.
    fn grouped<M>(value: &FluentValue<'_>, _: &M) -> Option<String> {
        let FluentValue::Number(number) = value else { return None };
        Some(super::grouped(&number.as_string()))
    }

    fluent_templates::static_loader! {
        pub static TEXTS = {
            locales: "./src/web/portal/locales",
            fallback_language: "zh",
            customise: |bundle| {
                bundle.set_use_isolating(false);
                bundle.set_formatter(Some(grouped));
            },
        };
    }
}

/// Digits in threes.
fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

static CHINESE: LanguageIdentifier = fluent_templates::langid!("zh");
static ENGLISH: LanguageIdentifier = fluent_templates::langid!("en");

/// A language of the portal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// Simplified Chinese, unless the reader chose otherwise.
    #[default]
    Zh,
    /// English.
    En,
}

impl Lang {
    /// The code in `?lang=` and in the cookie.
    pub fn code(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }

    /// The language tag (BCP 47) of a page.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh-CN",
            Self::En => "en",
        }
    }

    /// The other language.
    pub fn other(self) -> Self {
        match self {
            Self::Zh => Self::En,
            Self::En => Self::Zh,
        }
    }

    /// The language of a code; none for any other text.
    pub fn of(code: &str) -> Option<Self> {
        match code {
            "zh" => Some(Self::Zh),
            "en" => Some(Self::En),
            _ => None,
        }
    }
}

impl From<PageLanguage> for Lang {
    fn from(set: PageLanguage) -> Self {
        match set {
            PageLanguage::Zh => Self::Zh,
            PageLanguage::En => Self::En,
        }
    }
}

/// The texts of one language, as templates use them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Words {
    lang: Lang,
}

impl Words {
    /// The words of a language.
    pub fn of(lang: Lang) -> Self {
        Self { lang }
    }

    /// The language.
    pub fn lang(self) -> Lang {
        self.lang
    }

    fn language(self) -> &'static LanguageIdentifier {
        match self.lang {
            Lang::Zh => &CHINESE,
            Lang::En => &ENGLISH,
        }
    }

    /// The text of a key; the key itself when there is none, which a test rules out.
    pub fn say(&self, key: &str) -> String {
        texts::TEXTS.try_lookup(self.language(), key).unwrap_or_else(|| key.to_owned())
    }

    /// The text of a key with its one place filled.
    pub fn say_with(&self, key: &str, place: &'static str, value: impl Display) -> String {
        let values = HashMap::from([(place.into(), FluentValue::from(value.to_string()))]);
        texts::TEXTS.try_lookup_with_args(self.language(), key, &values).unwrap_or_else(|| key.to_owned())
    }

    /// The text of a key for a number of things: English has another word for one.
    pub fn say_count(&self, key: &str, place: &'static str, count: impl Display) -> String {
        let count = count.to_string();
        let values = HashMap::from([(place.into(), FluentValue::try_number(&count))]);
        texts::TEXTS.try_lookup_with_args(self.language(), key, &values).unwrap_or_else(|| key.to_owned())
    }

    /// A number as people write it.
    pub fn number(&self, number: impl Display) -> String {
        grouped(&number.to_string())
    }

    /// The text of a code of a family, such as `conditional` of `sharing`; the code itself when it is not known,
    /// since codes of newer nodes may reach this one.
    pub fn word(&self, family: &str, code: &str) -> String {
        let key = format!("{family}-{}", code.replace('.', "-"));
        texts::TEXTS.try_lookup(self.language(), &key).unwrap_or_else(|| code.to_owned())
    }

    /// The text of a code of a family with its one place filled, where it has one.
    pub fn word_with(&self, family: &str, code: &str, place: &'static str, value: impl Display) -> String {
        let key = format!("{family}-{}", code.replace('.', "-"));
        let said = self.say_with(&key, place, value);
        if said == key { code.to_owned() } else { said }
    }

    /// The text of a code of a family, or the given text when it is not known.
    pub fn word_or(&self, family: &str, code: &str, otherwise: &str) -> String {
        let word = self.word(family, code);
        if word == code { otherwise.to_owned() } else { word }
    }

    /// What is wrong with the field of a label: `Version: write major.minor`.
    pub fn fault(&self, label: &str, code: &str) -> String {
        format!("{}{}{}", self.say(label), self.say("colon"), self.word("fault", code))
    }

    /// Yes or no.
    pub fn yes(&self, yes: &bool) -> String {
        self.say(if *yes { "yes" } else { "no" })
    }

    /// Whether two codes are the same, for options of a select.
    pub fn same(&self, one: &str, other: &str) -> bool {
        one == other
    }

    /// The text in this language; Chinese when there is no English.
    pub fn pick(self, text: &Text) -> &str {
        match self.lang {
            Lang::En if !text.en.is_empty() => &text.en,
            _ => &text.zh,
        }
    }
}

#[cfg(test)]
mod tests;
