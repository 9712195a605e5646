//! Masking: what of a value the consumer sees (GB/T 39477-2020). When in doubt it shows less.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::catalog::Masking;

/// Stands for a value of which nothing is shown; its length says nothing of the value's.
const HIDDEN: &str = "******";
/// A part is shown only when at least this many characters stay hidden.
const HIDDEN_MIN: usize = 4;

/// What stands for a hidden character.
const SIGN: char = '*';
/// Characters that a masking of one's own keeps at each end, at most.
const KEPT_MAX: u8 = 32;

/// Surnames of two characters.
const COMPOUND_SURNAMES: &[&str] = &[
    "欧阳", "司马", "诸葛", "上官", "司徒", "夏侯", "皇甫", "尉迟", "公孙", "慕容", "令狐", "宇文", "长孙", "端木",
    "东方", "独孤", "南宫", "万俟", "闻人", "赫连", "澹台", "宗政", "濮阳", "公冶", "太叔", "申屠", "仲孙", "钟离",
    "鲜于", "司空", "闾丘", "亓官", "司寇", "巫马", "公西", "颛孙", "壤驷", "公良", "漆雕", "乐正", "宰父", "谷梁",
    "拓跋", "夹谷", "轩辕", "段干", "百里", "呼延", "东郭", "南门", "羊舌", "微生", "梁丘", "左丘", "西门", "第五",
    "南荣", "东里", "即墨", "达奚", "公羊", "太史", "淳于", "单于",
];

/// The value as the masking shows it. Numbers are masked as the text of their digits where a part of them may be
/// shown, and hidden otherwise; lists and objects are hidden whole; an absent value stays absent unless all is hidden.
pub fn mask(masking: Masking, value: &Value) -> Value {
    let text = match (masking, value) {
        (Masking::None, _) => return value.clone(),
        (Masking::Full, _) => None,
        (_, Value::Null) => return Value::Null,
        (_, Value::String(text)) => Some(text.clone()),
        (Masking::IdNumber | Masking::Phone | Masking::BankCard | Masking::Keep { .. }, Value::Number(number)) => {
            Some(number.to_string())
        }
        (_, Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => None,
    };
    let Some(text) = text else { return Value::String(HIDDEN.into()) };
    Value::String(match masking {
        Masking::Name => name(&text),
        Masking::IdNumber | Masking::BankCard => ends(&text, 6, 4, SIGN),
        Masking::Phone => ends(&text, 3, 4, SIGN),
        Masking::Address => ends(&text, 6, 0, SIGN),
        Masking::Keep { first, last, sign } => ends(&text, first.into(), last.into(), sign),
        Masking::None | Masking::Full => HIDDEN.into(),
    })
}

/// Keeps the surname: two characters for the compound ones, if a given name follows.
fn name(text: &str) -> String {
    let length = text.chars().count();
    let compound = length > 2 && COMPOUND_SURNAMES.iter().any(|surname| text.starts_with(surname));
    let kept = match length {
        0 | 1 => 0,
        _ if compound => 2,
        _ => 1,
    };
    text.chars().enumerate().map(|(at, c)| if at < kept { c } else { '*' }).collect()
}

/// Keeps the first and last characters, if enough between them stays hidden.
fn ends(text: &str, head: usize, tail: usize, sign: char) -> String {
    let length = text.chars().count();
    if length < head + tail + HIDDEN_MIN {
        return if text.is_empty() { String::new() } else { HIDDEN.into() };
    }
    text.chars().enumerate().map(|(at, c)| if at < head || at >= length - tail { c } else { sign }).collect()
}

impl Masking {
    /// Whether older editions of the ledger do not know it.
    pub fn needs_edition_3(self) -> bool {
        matches!(self, Self::BankCard | Self::Keep { .. })
    }
}

impl fmt::Display for Masking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Name => "name",
            Self::IdNumber => "id_number",
            Self::Phone => "phone",
            Self::Address => "address",
            Self::BankCard => "bank_card",
            Self::Full => "full",
            Self::Keep { first, last, sign: SIGN } => return write!(f, "keep_{first}_{last}"),
            Self::Keep { first, last, sign } => return write!(f, "keep_{first}_{last}_{sign}"),
        })
    }
}

impl FromStr for Masking {
    type Err = String;

    /// One of the usual words, or `keep_FIRST_LAST` with the numbers of characters that stay at both ends, and at last
    /// the sign that stands for each of the others, unless it is `*`. Each masking has one word only.
    fn from_str(word: &str) -> Result<Self, String> {
        let usual = [Self::None, Self::Name, Self::IdNumber, Self::Phone, Self::Address, Self::BankCard, Self::Full];
        if let Some(masking) = usual.into_iter().find(|masking| masking.to_string() == word) {
            return Ok(masking);
        }
        let own = word.strip_prefix("keep_").and_then(|rest| {
            let mut parts = rest.splitn(3, '_');
            let first = parts.next()?.parse().ok()?;
            let last = parts.next()?.parse().ok()?;
            let mut signs = parts.next().unwrap_or("*").chars();
            let sign = signs.next().filter(|_| signs.next().is_none())?;
            Some(Self::Keep { first, last, sign })
        });
        let is_sound = |masking: &Self| match masking {
            Self::Keep { first, last, sign } => {
                *first <= KEPT_MAX && *last <= KEPT_MAX && !sign.is_whitespace() && !sign.is_control()
            }
            _ => false,
        };
        // Leading zeros and the like: a second word for the same would make two documents of one.
        let own = own.filter(|masking| is_sound(masking) && masking.to_string() == word);
        own.ok_or_else(|| "is no masking: a known word, or keep_FIRST_LAST or keep_FIRST_LAST_SIGN".to_owned())
    }
}

impl TryFrom<String> for Masking {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        word.parse()
    }
}

impl From<Masking> for String {
    fn from(masking: Masking) -> Self {
        masking.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_masked_as_usual() {
        for (masking, value, shown) in [
            (Masking::None, json!("张三"), json!("张三")),
            (Masking::Name, json!("张三"), json!("张*")),
            (Masking::Name, json!("王小明"), json!("王**")),
            (Masking::Name, json!("欧阳娜娜"), json!("欧阳**")),
            (Masking::Name, json!("司马光"), json!("司马*")),
            (Masking::Name, json!("诸葛"), json!("诸*")),
            (Masking::Name, json!("阿依古丽·买买提"), json!("阿*******")),
            (Masking::IdNumber, json!("34052419800101001X"), json!("340524********001X")),
            (Masking::Phone, json!("13800138000"), json!("138****8000")),
            (Masking::Phone, json!(13_800_138_000_u64), json!("138****8000")),
            (Masking::Address, json!("北京市海淀区中关村大街27号"), json!("北京市海淀区********")),
            (Masking::BankCard, json!("6222021234567890123"), json!("622202*********0123")),
            (Masking::BankCard, json!(6_222_021_234_567_890_u64), json!("622202******7890")),
            (Masking::Keep { first: 1, last: 2, sign: '#' }, json!("京A12345"), json!("京####45")),
            (Masking::Keep { first: 0, last: 0, sign: '×' }, json!("abcd"), json!("××××")),
            (Masking::Full, json!("x"), json!("******")),
        ] {
            assert_eq!(mask(masking, &value), shown, "{masking:?} {value}");
        }
    }

    #[test]
    fn a_masking_has_one_word() {
        for word in [
            "none",
            "name",
            "id_number",
            "phone",
            "address",
            "bank_card",
            "full",
            "keep_0_0",
            "keep_3_32_#",
            "keep_1_2__",
        ] {
            let masking: Masking = serde_json::from_value(json!(word)).unwrap();
            assert_eq!(json!(masking), word);
        }
        for word in [
            "",
            "Name",
            "keep",
            "keep_1",
            "keep_1_",
            "keep_01_2",
            "keep_+1_2",
            "keep_1_2_*",
            "keep_1_2_##",
            "keep_33_0",
            "keep_1_2_ ",
            "keep_256_1",
        ] {
            assert!(word.parse::<Masking>().is_err(), "{word}");
        }
        assert!(serde_json::from_value::<Masking>(json!({"keep": 1})).is_err());
    }

    #[test]
    fn short_values_are_not_shown_by_their_ends() {
        for (masking, value) in [
            (Masking::IdNumber, json!("1234567890")),
            (Masking::IdNumber, json!("1234567890123")),
            (Masking::Phone, json!("64401234")),
            (Masking::BankCard, json!("6222021234567")),
            (Masking::Keep { first: 2, last: 2, sign: '#' }, json!("1234567")),
            (Masking::Address, json!("海淀区")),
            (Masking::Address, json!("北京市海淀区1号")),
        ] {
            assert_eq!(mask(masking, &value), json!("******"), "{masking:?} {value}");
        }
        assert_eq!(mask(Masking::Name, &json!("明")), json!("*"));
        assert_eq!(mask(Masking::Name, &json!("")), json!(""));
    }

    #[test]
    fn what_is_no_text_is_hidden_or_absent() {
        let partial = [Masking::Name, Masking::IdNumber, Masking::Phone, Masking::Address];
        for masking in partial {
            assert_eq!(mask(masking, &Value::Null), Value::Null);
            for value in [json!(true), json!(["张三"]), json!({"name": "张三"})] {
                assert_eq!(mask(masking, &value), json!("******"));
            }
        }
        assert_eq!(mask(Masking::Name, &json!(7)), json!("******"));
        for value in [Value::Null, json!(7), json!("abc"), json!([1])] {
            assert_eq!(mask(Masking::Full, &value), json!("******"));
        }
    }
}
