//! Validated identifiers: a value of these types is well-formed wherever it is met. A copy of a name shares its text.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Millis;

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not a kebab-case name.
    #[error("`{0}` is not a name: 2 to 64 of a-z, 0-9 and -, beginning with a letter")]
    Slug(String),
    /// Not `provider/name`.
    #[error("`{0}` is not an entry: write provider/name")]
    Entry(String),
    /// Not a snake_case item name.
    #[error("`{0}` is not an item name: 1 to 64 of a-z, 0-9 and _, beginning with a letter")]
    Item(String),
    /// Not a UUID of version 7.
    #[error("`{0}` is not a UUID of version 7")]
    Uuid(String),
    /// Not `major.minor`.
    #[error("`{0}` is not a version: write major.minor, such as 1.0")]
    Version(String),
}

fn is_name(text: &str, separator: u8, min: usize) -> bool {
    let bytes = text.as_bytes();
    (min..=64).contains(&bytes.len())
        && bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.last().is_some_and(|b| *b != separator)
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == separator)
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $check:expr, $error:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                if $check(text) { Ok(Self(text.into())) } else { Err($error(text.chars().take(80).collect())) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// A department, such as `civil-affairs`.
    DepartmentId,
    |text| is_name(text, b'-', 2),
    IdError::Slug
);
text_id!(
    /// The second half of an entry's name, or the name of a workflow, step or certificate type.
    Slug,
    |text| is_name(text, b'-', 2),
    IdError::Slug
);
text_id!(
    /// A data item of an entry, such as `id_number`.
    ItemName,
    |text| is_name(text, b'_', 1),
    IdError::Item
);

/// A catalog entry's name, `provider/name`. Matched exactly, never by pattern.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EntryName {
    /// Who provides the data.
    pub provider: DepartmentId,
    /// What the provider calls it.
    pub name: Slug,
}

impl EntryName {
    /// What sorts before every name, and is none: where a range over names begins.
    pub(crate) fn before_all() -> Self {
        Self { provider: DepartmentId("".into()), name: Slug("".into()) }
    }
}

impl FromStr for EntryName {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = || IdError::Entry(text.chars().take(140).collect());
        let (provider, name) = text.split_once('/').ok_or_else(wrong)?;
        Ok(Self { provider: provider.parse().map_err(|_| wrong())?, name: name.parse().map_err(|_| wrong())? })
    }
}

impl TryFrom<String> for EntryName {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<EntryName> for String {
    fn from(entry: EntryName) -> String {
        entry.to_string()
    }
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.name)
    }
}

/// An entry's version, `major.minor`; a breaking change raises the major number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    /// Raised by breaking changes.
    pub major: u16,
    /// Raised by compatible changes.
    pub minor: u16,
}

impl FromStr for Version {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = || IdError::Version(text.chars().take(40).collect());
        let (major, minor) = text.split_once('.').ok_or_else(wrong)?;
        let number = |part: &str| part.parse::<u16>().ok().filter(|n| n.to_string() == part).ok_or_else(wrong);
        Ok(Self { major: number(major)?, minor: number(minor)? })
    }
}

impl TryFrom<String> for Version {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> String {
        version.to_string()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// A fresh id of the given moment.
            pub fn new(at: Millis) -> Self {
                let seconds = at.0 / 1000;
                let nanos = u32::try_from(at.0 % 1000).unwrap_or(0) * 1_000_000;
                Self(Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos)))
            }

            /// The moment the id carries.
            pub fn time(self) -> Millis {
                let mut bytes = [0u8; 8];
                bytes[2..].copy_from_slice(&self.0.as_bytes()[..6]);
                Millis(u64::from_be_bytes(bytes))
            }

            /// The id of 16 bytes; `None` if they are not a UUID of version 7.
            pub fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
                let id = Uuid::from_bytes(bytes);
                (id.get_version_num() == 7).then_some(Self(id))
            }

            /// The id's 16 bytes.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let wrong = || IdError::Uuid(text.chars().take(80).collect());
                let id = Uuid::parse_str(text).map_err(|_| wrong())?;
                // One spelling only: an id is compared and indexed as text in many places.
                if id.get_version_num() == 7 && id.to_string() == text { Ok(Self(id)) } else { Err(wrong()) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

uuid_id!(
    /// A transaction.
    TxId
);
uuid_id!(
    /// A grant: the id of the transaction that requested it.
    GrantId
);
uuid_id!(
    /// A case: the id of the transaction that opened it.
    CaseId
);
uuid_id!(
    /// One access to data, chosen by the consumer's node.
    AccessId
);

impl From<TxId> for GrantId {
    fn from(id: TxId) -> Self {
        Self(id.0)
    }
}

impl From<TxId> for CaseId {
    fn from(id: TxId) -> Self {
        Self(id.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alikes_are_not_names() {
        for wrong in ["", "a", "A-b", "a b", "a/b", "a%2Fb", "户籍", "a.b", "-ab", "ab-", "ab\u{200b}"] {
            assert!(wrong.parse::<DepartmentId>().is_err(), "{wrong:?} passed");
        }
        assert!("public-security/household-registration".parse::<EntryName>().is_ok());
        for wrong in ["public-security", "a/b/c", "public-security//x", "public-security/../x"] {
            assert!(wrong.parse::<EntryName>().is_err(), "{wrong:?} passed");
        }
    }

    #[test]
    fn an_id_carries_its_time_and_has_one_spelling() {
        let at = Millis(1_795_000_000_123);
        let id = TxId::new(at);
        assert_eq!(id.time(), at);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(id.to_string().to_uppercase().parse::<TxId>().is_err());
        assert!("00000000-0000-4000-8000-000000000000".parse::<TxId>().is_err());
    }

    #[test]
    fn a_version_has_one_spelling() {
        assert_eq!("1.10".parse::<Version>().map(|v| v.to_string()), Ok("1.10".into()));
        for wrong in ["1", "01.0", "1.0.0", "a.b", "-1.0", "70000.0", "+1.0"] {
            assert!(wrong.parse::<Version>().is_err(), "{wrong:?} passed");
        }
    }
}
