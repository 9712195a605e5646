//! Catalog entries with the metadata of the 2017 guide (政务信息资源目录编制指南).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{EntryName, ItemName, Version};

use super::Text;
use super::edition::present;

/// A catalog entry as it stands on the ledger; a changed one is a new version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// `provider/name`.
    pub name: EntryName,
    /// This version.
    pub version: Version,
    /// Duty, data or interface.
    pub level: Level,
    /// The entry one level above: a data entry's duty, an interface's data. Edition 3.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub parent: Option<EntryName>,
    /// 信息资源代码: class 1 digit, item 2, topic 3, detail, `/`, six digits.
    pub code: String,
    /// 信息资源名称.
    pub title: Text,
    /// 摘要.
    pub summary: Text,
    /// 信息资源分类.
    pub classification: Classification,
    /// 提供方代码: the provider's USCC.
    pub provider_code: String,
    /// The statutory duty from which the data comes.
    pub duty: Text,
    /// 格式.
    pub format: Format,
    /// 共享类型.
    pub sharing: Sharing,
    /// 共享条件, for conditional sharing; the reason, for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharing_condition: Option<Text>,
    /// 共享方式. Edition 3.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub sharing_means: Option<SharingMeans>,
    /// 开放属性: whether society may have it.
    pub open: bool,
    /// 开放条件. Edition 3.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub open_condition: Option<Text>,
    /// 更新周期.
    pub update_cycle: UpdateCycle,
    /// 发布日期, `2026-01-31`.
    pub issue_date: String,
    /// 关联资源代码.
    #[serde(default)]
    pub related_codes: Vec<String>,
    /// The parameter that names the person or enterprise whose data is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<ItemName>,
    /// 信息项.
    pub items: Vec<Item>,
    /// JSON Schema 2020-12 of a query's `params`.
    pub request_schema: Value,
    /// JSON Schema 2020-12 of one row of the answer.
    pub response_schema: Value,
}

impl Entry {
    /// The item of a name.
    pub fn item(&self, name: &ItemName) -> Option<&Item> {
        self.items.iter().find(|item| &item.name == name)
    }

    /// Whether it says something that older editions of the ledger do not know.
    pub fn needs_edition_3(&self) -> bool {
        let of_item = |item: &Item| {
            item.range.is_some()
                || item.sharing.is_some()
                || item.sharing_condition.is_some()
                || item.masking.needs_edition_3()
        };
        self.parent.is_some()
            || self.sharing_means.is_some()
            || self.open_condition.is_some()
            || self.items.iter().any(of_item)
    }

    /// The highest grade of its items.
    pub fn grade(&self) -> u8 {
        self.items.iter().map(|item| item.grade).max().unwrap_or(1)
    }
}

/// 信息项: one field of the data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Name in queries and answers.
    pub name: ItemName,
    /// Name for people.
    pub title: Text,
    /// Data type.
    #[serde(rename = "type")]
    pub kind: ItemKind,
    /// Longest value, in characters.
    pub length: u32,
    /// Personal or otherwise sensitive.
    pub sensitive: bool,
    /// Grade of the data, 1 to 4.
    pub grade: u8,
    /// How a value is masked unless the grant says otherwise.
    #[serde(default)]
    pub masking: Masking,
    /// Name of the code table of its values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_table: Option<String>,
    /// 值域, `min..max`: numbers or days, either may be left out. Edition 3.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
    /// Sharing type of this item, where it is stricter than the entry's. Edition 3.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub sharing: Option<Sharing>,
    /// Condition of sharing this item, or the reason for none. Edition 3.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub sharing_condition: Option<Text>,
}

impl Item {
    /// How the item is shared in an entry: its own type, else the entry's.
    pub fn sharing_in(&self, entry: &Entry) -> Sharing {
        self.sharing.unwrap_or(entry.sharing)
    }
}

/// Data type of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ItemKind {
    /// Text.
    String,
    /// Whole number.
    Integer,
    /// Number.
    Number,
    /// Day, `2026-01-31`.
    Date,
    /// Yes or no.
    Boolean,
}

/// How a value is shown to the consumer: one word, which `FromStr` reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Masking {
    /// As it is.
    #[default]
    None,
    /// The surname stays.
    Name,
    /// The first six and last four characters stay.
    IdNumber,
    /// The first three and last four characters stay.
    Phone,
    /// The first six characters stay.
    Address,
    /// The first six and last four characters stay. Edition 3.
    BankCard,
    /// So many characters at both ends stay, as `keep_FIRST_LAST` or `keep_FIRST_LAST_SIGN`. Edition 3.
    Keep {
        /// Characters that stay at the beginning.
        first: u8,
        /// Characters that stay at the end.
        last: u8,
        /// What stands for each of the others.
        sign: char,
    },
    /// Nothing stays.
    Full,
}

/// Level of the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// 职责目录.
    Duty,
    /// 数据目录.
    Data,
    /// 库表、接口目录.
    Interface,
}

/// 共享类型, in words: numeric codes conflict between systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sharing {
    /// 无条件共享.
    Unconditional,
    /// 有条件共享.
    Conditional,
    /// 不予共享.
    NotShared,
}

/// 共享方式: by which way the data comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SharingMeans {
    /// 共享平台.
    Platform,
    /// 邮件.
    Mail,
    /// 拷盘、介质.
    Media,
}

impl Sharing {
    /// The word in JSON and rules.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unconditional => "unconditional",
            Self::Conditional => "conditional",
            Self::NotShared => "not_shared",
        }
    }
}

/// 更新周期.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum UpdateCycle {
    RealTime,
    Daily,
    Weekly,
    Monthly,
    Quarterly,
    Yearly,
    Irregular,
}

impl UpdateCycle {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RealTime => "real_time",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Quarterly => "quarterly",
            Self::Yearly => "yearly",
            Self::Irregular => "irregular",
        }
    }
}

/// 信息资源分类: 类, 项, 目, 细目.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classification {
    /// 类: base, thematic or departmental.
    pub class: Text,
    /// 项.
    pub category: Text,
    /// 目.
    pub topic: Text,
    /// 细目.
    pub detail: Text,
}

impl Classification {
    /// Its parts from the widest to the narrowest.
    pub fn parts(&self) -> [&Text; 4] {
        [&self.class, &self.category, &self.topic, &self.detail]
    }
}

/// 格式: category and type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Format {
    /// Such as `database`.
    pub category: String,
    /// Such as `sqlite`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// Where an entry stands on the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryState {
    /// Can be asked for and queried.
    Published,
    /// Still served, but a successor should be used.
    Deprecated,
    /// Refused to all; the tombstone stays.
    Withdrawn,
}

impl Level {
    /// The level one above, where entries of this level have their parent.
    pub fn above(self) -> Option<Self> {
        match self {
            Self::Duty => None,
            Self::Data => Some(Self::Duty),
            Self::Interface => Some(Self::Data),
        }
    }

    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Duty => "duty",
            Self::Data => "data",
            Self::Interface => "interface",
        }
    }
}

impl EntryState {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Deprecated => "deprecated",
            Self::Withdrawn => "withdrawn",
        }
    }
}
