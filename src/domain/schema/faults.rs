//! What a schema finds wrong becomes faults: places, sentences without the value, and codes.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;

use super::super::fault::{Fault, FaultCode, below};
use super::super::formats;
use super::{FAULTS_MAX, MESSAGE_CHARS_MAX, cut};

const POINTER_CHARS_MAX: usize = 240;

/// One fault, or one for each member that the schema does not know: then the place is the member's own.
pub(super) fn faults(error: &ValidationError<'_>) -> Vec<Fault> {
    let place = error.instance_path().as_str();
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let member = |name: &String| {
                let message = format!("'{name}' was unexpected: it is not known here");
                fault(FaultCode::UnknownMember, &below(place, name), &message, name)
            };
            unexpected.iter().take(FAULTS_MAX).map(member).collect()
        }
        // Of alternatives the one that is meant has the value's own type: what it says is more use than that none fits.
        Kind::AnyOf { context } => {
            let is_meant = |branch: &&Vec<ValidationError<'_>>| {
                let of_type = |one: &ValidationError<'_>| matches!(one.kind(), Kind::Type { .. }) && is_at(one, place);
                !branch.is_empty() && !branch.iter().any(of_type)
            };
            let Some(branch) = context.iter().find(is_meant) else { return vec![told(error)] };
            let mut found: Vec<Fault> = branch.iter().flat_map(faults).take(FAULTS_MAX).collect();
            if let (Some(names), Some(first)) = (alternatives(context, place), found.first_mut()) {
                first.code = FaultCode::AnyRequired;
                first.named = cut(&names, MESSAGE_CHARS_MAX);
            }
            found
        }
        _ => vec![told(error)],
    }
}

fn fault(code: FaultCode, pointer: &str, message: &str, named: &str) -> Fault {
    let message = cut(message, MESSAGE_CHARS_MAX);
    Fault::of(code, cut(pointer, POINTER_CHARS_MAX), message).naming(cut(named, MESSAGE_CHARS_MAX))
}

fn is_at(error: &ValidationError<'_>, place: &str) -> bool {
    error.instance_path().as_str() == place
}

/// The members of which one is needed, where each of several ways lacks just a member of this very place.
fn alternatives(context: &[Vec<ValidationError<'_>>], place: &str) -> Option<String> {
    let name = |branch: &Vec<ValidationError<'_>>| match branch.as_slice() {
        [one] if is_at(one, place) => match one.kind() {
            Kind::Required { property } => Some(plain(property)),
            _ => None,
        },
        _ => None,
    };
    let names: Option<Vec<String>> = context.iter().map(name).collect();
    names.filter(|names| names.len() > 1).map(|names| names.join(", "))
}

/// What is wrong, without the value; for our own formats also why.
fn told(error: &ValidationError<'_>) -> Fault {
    let place = error.instance_path().as_str();
    if let (Kind::Format { format }, Some(text)) = (error.kind(), error.instance().as_str())
        && let Err(why) = formats::check(format, text)
    {
        return fault(why.into(), place, &format!("is not a valid {format}: it {why}"), format);
    }
    let (code, named) = coded(error.kind(), place);
    fault(code, place, &error.masked().to_string(), &named)
}

/// The code of a kind, and what it names. What is named is the schema's, never the document's.
fn coded(kind: &Kind, place: &str) -> (FaultCode, String) {
    let unnamed = |code| (code, String::new());
    match kind {
        Kind::Required { property } => (FaultCode::Required, plain(property)),
        Kind::Type { kind } => (FaultCode::Type, types(kind)),
        Kind::Enum { options } => (FaultCode::Enum, list(options)),
        Kind::Constant { expected_value } => (FaultCode::Const, plain(expected_value)),
        Kind::MinLength { limit } => (FaultCode::MinLength, limit.to_string()),
        Kind::MaxLength { limit } => (FaultCode::MaxLength, limit.to_string()),
        Kind::Minimum { limit } => (FaultCode::Minimum, limit.to_string()),
        Kind::Maximum { limit } => (FaultCode::Maximum, limit.to_string()),
        Kind::ExclusiveMinimum { limit } => (FaultCode::ExclusiveMinimum, limit.to_string()),
        Kind::ExclusiveMaximum { limit } => (FaultCode::ExclusiveMaximum, limit.to_string()),
        Kind::MultipleOf { multiple_of } => (FaultCode::MultipleOf, multiple_of.to_string()),
        Kind::Pattern { pattern } => (FaultCode::Pattern, pattern.clone()),
        Kind::Format { format } => (FaultCode::Format, format.clone()),
        Kind::MinItems { limit } => (FaultCode::MinItems, limit.to_string()),
        Kind::MaxItems { limit } => (FaultCode::MaxItems, limit.to_string()),
        Kind::AdditionalItems { limit } => (FaultCode::MaxItems, limit.to_string()),
        Kind::MinProperties { limit } => (FaultCode::MinMembers, limit.to_string()),
        Kind::MaxProperties { limit } => (FaultCode::MaxMembers, limit.to_string()),
        Kind::UniqueItems => unnamed(FaultCode::UniqueItems),
        Kind::Contains => unnamed(FaultCode::Contains),
        Kind::OneOfNotValid { context } => match alternatives(context, place) {
            Some(names) => (FaultCode::AnyRequired, names),
            None => unnamed(FaultCode::AnyOf),
        },
        Kind::AnyOf { .. } => unnamed(FaultCode::AnyOf),
        Kind::OneOfMultipleValid { .. } => unnamed(FaultCode::Ambiguous),
        Kind::PropertyNames { .. } => unnamed(FaultCode::MemberName),
        Kind::FalseSchema | Kind::Not { .. } | Kind::UnevaluatedItems { .. } => unnamed(FaultCode::Forbidden),
        _ => unnamed(FaultCode::Other),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn list(options: &Value) -> String {
    let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
    options.iter().map(plain).collect::<Vec<_>>().join(", ")
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => one.as_str().to_owned(),
        TypeKind::Multiple(set) => set.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
#[path = "faults_tests.rs"]
mod tests;
