//! What is wrong with a document, and where: a sentence for people, a code for programs and for other languages.

use serde::{Serialize, Serializer};

use super::identifiers::IdentifierError;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// In what way something is wrong. The words are stable: programs branch on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum FaultCode { $($(#[$doc])* $name,)* }

        impl FaultCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word in JSON.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

codes! {
    /// A member is missing, which is named; where none is named, the value itself says nothing.
    Required = "required",
    /// None of the members is there of which one is needed; names them.
    AnyRequired = "any_required",
    /// A member that is not known here; names it.
    UnknownMember = "unknown_member",
    /// Another type of JSON than one of those named.
    Type = "type",
    /// None of the values named.
    Enum = "enum",
    /// Not the one value, which is named.
    Const = "const",
    /// Fewer characters than named.
    MinLength = "min_length",
    /// More characters than named.
    MaxLength = "max_length",
    /// Below the number named.
    Minimum = "minimum",
    /// Above the number named.
    Maximum = "maximum",
    /// Not above the number named.
    ExclusiveMinimum = "exclusive_minimum",
    /// Not below the number named.
    ExclusiveMaximum = "exclusive_maximum",
    /// No multiple of the number named.
    MultipleOf = "multiple_of",
    /// Does not fit the regular expression named.
    Pattern = "pattern",
    /// Not of the format named.
    Format = "format",
    /// An identifier of the format named, of a wrong length.
    WrongLength = "wrong_length",
    /// An identifier of the format named, with a character that cannot stand there.
    WrongCharacter = "wrong_character",
    /// An identifier of the format named, with a date that does not exist.
    WrongDate = "wrong_date",
    /// An identifier of the format named, of a region that does not exist.
    WrongRegion = "wrong_region",
    /// An identifier of the format named, whose check character does not fit: mistyped, most likely.
    WrongCheck = "wrong_check",
    /// Fewer items than named.
    MinItems = "min_items",
    /// More items than named.
    MaxItems = "max_items",
    /// Fewer members than named.
    MinMembers = "min_members",
    /// More members than named.
    MaxMembers = "max_members",
    /// Items that are the same.
    UniqueItems = "unique_items",
    /// No item of the kind that must be there.
    Contains = "contains",
    /// Fits none of the ways that are open.
    AnyOf = "any_of",
    /// Fits several ways of which only one is open.
    Ambiguous = "ambiguous",
    /// The name of a member.
    MemberName = "member_name",
    /// May not stand here.
    Forbidden = "forbidden",
    /// A character that prints nothing.
    ControlCharacter = "control_character",
    /// A day that is over.
    PastDate = "past_date",
    /// Longer as a whole than can be sent.
    TooLong = "too_long",
    /// Stands there twice.
    Repeated = "repeated",
    /// Not on offer: no such item, format or code table.
    NotOffered = "not_offered",
    /// The city has no such department.
    UnknownDepartment = "unknown_department",
    /// The ledger has no such case.
    UnknownCase = "unknown_case",
    /// Names the department of a step, which is changed by giving the step away.
    DepartmentOfStep = "department_of_step",
    /// A type of certificate that is issued in a case only.
    CaseOnly = "case_only",
    /// A certificate of another department, or none.
    ForeignCertificate = "foreign_certificate",
    /// Not `department/name`.
    BadEntry = "bad_entry",
    /// Not a code of an information resource.
    BadCode = "bad_code",
    /// No number is left below a code's prefix.
    NoNumberLeft = "no_number_left",
    /// Not a published entry of the level above.
    BadParent = "bad_parent",
    /// A duty, which stands at the top, with a parent.
    DutyHasParent = "duty_has_parent",
    /// Names the entry itself.
    NamesItself = "names_itself",
    /// Not a JSON Schema that can be used.
    BadSchema = "bad_schema",
    /// Not a parameter of the entry.
    NotAParameter = "not_a_parameter",
    /// An item that the response does not have.
    NotInResponse = "not_in_response",
    /// A part of the response that is no item.
    NotAmongItems = "not_among_items",
    /// A sensitive item shared or opened without condition.
    SensitiveShared = "sensitive_shared",
    /// An item shared otherwise than its entry, which is not shared on conditions.
    SharingDiffers = "sharing_differs",
    /// Not of the form `min..max`, or of an item that has no range.
    BadRange = "bad_range",
    /// A range whose ends are not of the item's type.
    RangeType = "range_type",
    /// A range whose first end is beyond its second.
    RangeOrder = "range_order",
    /// Breaks the entry's users in the way named, under the same major version.
    Breaking = "breaking",
    /// Not a number of voters.
    Voters = "voters",
    /// The model of the policy.
    PolicyModel = "policy_model",
    /// A rule of the policy; names the line.
    PolicyRule = "policy_rule",
    /// The policy breaks a principle, which is named.
    PolicyPrinciple = "policy_principle",
    /// Rules that exclude one another in too many ways to be checked.
    PolicyTangled = "policy_tangled",
    /// A rule of the ledger.
    LedgerRule = "ledger_rule",
    /// Anything else: the message says it.
    Other = "other",
}

impl Serialize for FaultCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl From<IdentifierError> for FaultCode {
    fn from(error: IdentifierError) -> Self {
        match error {
            IdentifierError::Length => Self::WrongLength,
            IdentifierError::Character => Self::WrongCharacter,
            IdentifierError::Date => Self::WrongDate,
            IdentifierError::Region => Self::WrongRegion,
            IdentifierError::Check => Self::WrongCheck,
        }
    }
}

/// One thing wrong with a document. Holds no value of the document: messages are shown and logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// JSON Pointer (RFC 6901) to the wrong place.
    pub pointer: String,
    /// In what way it is wrong.
    pub code: FaultCode,
    /// What is wrong there, in English.
    pub message: String,
    /// What the code names, such as a limit; of the schema or the rules, never of the document.
    #[serde(skip)]
    pub named: String,
}

impl Fault {
    /// A fault that only its message explains.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self::of(FaultCode::Other, pointer, message)
    }

    /// A fault of a code.
    pub fn of(code: FaultCode, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code, message: message.into(), named: String::new() }
    }

    /// A text that is no identifier of a format, with a message of one's own about it.
    pub fn of_format(pointer: &str, format: &str, error: IdentifierError, message: String) -> Self {
        Self::of(error.into(), pointer, message).naming(format)
    }

    /// With what the code names.
    #[must_use]
    pub fn naming(self, named: impl ToString) -> Self {
        Self { named: named.to_string(), ..self }
    }

    /// The fault of a document that stands inside another one, below a pointer.
    #[must_use]
    pub fn within(self, above: &str) -> Self {
        Self { pointer: format!("{above}{}", self.pointer), ..self }
    }

    /// Where something has to be written: of a missing member its own place, else the pointer.
    pub fn place(&self) -> String {
        let member = match self.code {
            FaultCode::Required => self.named.as_str(),
            FaultCode::AnyRequired => self.named.split(", ").next().unwrap_or_default(),
            _ => "",
        };
        if member.is_empty() { self.pointer.clone() } else { below(&self.pointer, member) }
    }
}

/// The pointer to a member.
pub(super) fn below(pointer: &str, member: &str) -> String {
    format!("{pointer}/{}", member.replace('~', "~0").replace('/', "~1"))
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", if self.pointer.is_empty() { "/" } else { &self.pointer }, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_differ_and_programs_see_pointer_code_and_message() {
        let words: std::collections::BTreeSet<&str> = FaultCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), FaultCode::ALL.len());
        let fault = Fault::of(FaultCode::Required, "/holder", "is missing").naming("a/b");
        let shown = serde_json::json!({"pointer": "/holder", "code": "required", "message": "is missing"});
        assert_eq!(serde_json::to_value(&fault).unwrap(), shown);
        assert_eq!(fault.within("/params").place(), "/params/holder/a~1b");
    }
}
