//! How the types of the floors below look in the API's description. Only here are those types named for it.

use std::borrow::Cow;

use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::crypto::digest::Hash;
use crate::crypto::sign::KeyId;
use crate::domain::access::AccessDecision;
use crate::domain::case::{CaseState, StepKind};
use crate::domain::catalog::{EntryState, Level, Masking, Sharing, UpdateCycle};
use crate::domain::certificate::CertificateStatus;
use crate::domain::finding::Mismatch;
use crate::domain::grant::{GrantMode, GrantState};
use crate::domain::settings::{PageLanguage, SecondFactorRule};
use crate::domain::{Actor, Role, Text};
use crate::ids::{AccessId, CaseId, DepartmentId, EntryName, GrantId, ItemName, Slug, TxId, Version};
use crate::readmodel::local::drafts::DraftState;

use super::Time;

macro_rules! texts {
    ($($kind:ty = $name:literal, $format:expr, $description:literal;)*) => {$(
        impl PartialSchema for $kind {
            fn schema() -> RefOr<Schema> {
                let builder = ObjectBuilder::new().schema_type(Type::String).description(Some($description));
                let format: Option<SchemaFormat> = $format;
                builder.format(format).into()
            }
        }
        impl ToSchema for $kind {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($name)
            }
        }
    )*};
}

fn uuid() -> Option<SchemaFormat> {
    Some(SchemaFormat::Custom("uuid".to_owned()))
}

const DATE_TIME: Option<SchemaFormat> = Some(SchemaFormat::KnownFormat(KnownFormat::DateTime));

texts! {
    Time = "Time", DATE_TIME, "RFC 3339, UTC";
    DepartmentId = "DepartmentId", None, "A department, such as civil-affairs";
    Slug = "Slug", None, "A short name, such as real-estate-transfer";
    ItemName = "ItemName", None, "A data item, such as id_number";
    EntryName = "EntryName", None, "A catalog entry, provider/name";
    Version = "Version", None, "major.minor";
    TxId = "TransactionId", uuid(), "A transaction (UUID version 7)";
    GrantId = "GrantId", uuid(), "A grant (UUID version 7)";
    CaseId = "CaseId", uuid(), "A case (UUID version 7)";
    AccessId = "AccessId", uuid(), "An access to data (UUID version 7)";
    Hash = "Digest", None, "64 hexadecimal digits";
    KeyId = "KeyId", None, "16 hexadecimal digits";
}

macro_rules! choices {
    ($($kind:ty = $name:literal, [$($word:literal),*];)*) => {$(
        impl PartialSchema for $kind {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new().schema_type(Type::String).enum_values(Some([$($word),*])).into()
            }
        }
        impl ToSchema for $kind {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($name)
            }
        }
    )*};
}

choices! {
    Role = "Role", ["clerk", "reviewer", "admin", "auditor", "system"];
    Sharing = "Sharing", ["unconditional", "conditional", "not_shared"];
    Level = "Level", ["duty", "data", "interface"];
    EntryState = "EntryState", ["published", "deprecated", "withdrawn"];
    UpdateCycle = "UpdateCycle", ["real_time", "daily", "weekly", "monthly", "quarterly", "yearly", "irregular"];
    DraftState = "DraftState", ["draft", "submitted", "rejected", "published"];
    GrantState = "GrantState",
        ["requested", "active", "suspended", "denied", "appealed", "revoked", "replaced", "expired"];
    GrantMode = "GrantMode", ["query", "verify"];
    AccessDecision = "AccessDecision", ["allowed", "refused"];
    Mismatch = "FindingProblem",
        ["promise_without_record", "record_differs", "record_without_call", "record_without_promise"];
    CaseState = "CaseState",
        ["waiting", "in_progress", "returned", "agreed", "rejected", "withdrawn", "completed"];
    StepKind = "StepKind", ["sign_off", "payment", "document", "answer"];
    SecondFactorRule = "SecondFactorRule", ["offered", "required"];
    PageLanguage = "PageLanguage", ["zh", "en"];
    CertificateStatus = "CertificateStatus", ["valid", "suspended", "revoked", "cancelled", "lapsed", "transferred_out", "withdrawn", "other"];
}

/// A word, or a rule of the provider's own.
impl PartialSchema for Masking {
    fn schema() -> RefOr<Schema> {
        let usual = "none, name, id_number, phone, address, bank_card, full";
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(format!(
                "{usual}; or keep_FIRST_LAST, keep_FIRST_LAST_SIGN: characters that stay at both ends"
            )))
            .into()
    }
}

impl ToSchema for Masking {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Masking")
    }
}

/// A text in both languages, as `schemas/common.json` says.
impl PartialSchema for Text {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        ObjectBuilder::new()
            .description(Some("A text in both languages"))
            .property("zh", text())
            .property("en", text())
            .required("zh")
            .required("en")
            .into()
    }
}
impl ToSchema for Text {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Text")
    }
}

impl PartialSchema for Actor {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .description(Some("A person or system of a department, in the role in which it acted"))
            .property("user", ObjectBuilder::new().schema_type(Type::String))
            .property("role", Ref::from_schema_name("Role"))
            .required("user")
            .required("role")
            .into()
    }
}
impl ToSchema for Actor {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Actor")
    }
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Role::name().into_owned(), Role::schema()));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde::Serialize;
    use serde_json::{Value, json};

    use super::*;

    /// The words that the description lists are those that are written.
    fn listed<T: PartialSchema + Serialize>(values: &[T]) {
        let schema: Value = serde_json::to_value(T::schema()).unwrap();
        let words = |list: &Value| list.as_array().unwrap().iter().map(|w| w.as_str().unwrap().to_owned()).collect();
        let listed: BTreeSet<String> = words(&schema["enum"]);
        let written: BTreeSet<String> = words(&json!(values));
        assert_eq!(listed, written);
    }

    #[test]
    fn every_word_is_described() {
        listed(&Role::ALL);
        listed(&DraftState::ALL);
        listed(&GrantState::ALL);
        listed(&[Sharing::Unconditional, Sharing::Conditional, Sharing::NotShared]);
        listed(&[Level::Duty, Level::Data, Level::Interface]);
        listed(&[EntryState::Published, EntryState::Deprecated, EntryState::Withdrawn]);
        listed(&[GrantMode::Query, GrantMode::Verify]);
        listed(&[AccessDecision::Allowed, AccessDecision::Refused]);
        listed(&CaseState::ALL);
        listed(&[StepKind::SignOff, StepKind::Payment, StepKind::Document, StepKind::Answer]);
        listed(&CertificateStatus::ALL);
        listed(&SecondFactorRule::ALL);
        listed(&PageLanguage::ALL);
        use UpdateCycle as U;
        listed(&[U::RealTime, U::Daily, U::Weekly, U::Monthly, U::Quarterly, U::Yearly, U::Irregular]);
    }
}
