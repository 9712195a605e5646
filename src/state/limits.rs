//! Bounds that every command keeps, so that no transaction can grow the state without measure.

use crate::domain::access::{AccessRecord, BATCH_RECORDS_MAX, CASE_ID_CHARS_MAX, CAUSE_CHARS_MAX, FACTS_BYTES_MAX};
use crate::domain::command::AccessBatch;
use crate::domain::digest_record::{DigestRecord, LABEL_CHARS_MAX};

use super::machine::Context;
use super::outcome::Refusal;

/// The longest purpose code, in characters.
pub const PURPOSE_CHARS_MAX: usize = 64;
/// The longest reason, legal basis, matter or note, in characters.
pub const TEXT_CHARS_MAX: usize = 500;

/// A text that must say something and not too much.
pub(super) fn text(what: &str, value: &str, max: usize) -> Result<(), Refusal> {
    let length = value.chars().count();
    if value.trim().is_empty() {
        Err(Refusal::Invalid(format!("{what} is missing")))
    } else if length > max {
        Err(Refusal::Invalid(format!("{what} has {length} characters, {max} are allowed")))
    } else {
        Ok(())
    }
}

/// A purpose code: lower-case words joined by hyphens.
pub(super) fn purpose(value: &str) -> Result<(), Refusal> {
    code("purpose", value)
}

fn code(what: &str, value: &str) -> Result<(), Refusal> {
    text(what, value, PURPOSE_CHARS_MAX)?;
    if value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        Ok(())
    } else {
        Err(Refusal::Invalid(format!("{what} is a code of a-z, 0-9 and -")))
    }
}

/// Checks a batch of access records. The records themselves live in the ledger and the read model,
/// not in the state: it stays as small with a billion accesses as with none.
pub(super) fn access_batch(context: &Context<'_>, batch: &AccessBatch) -> Result<(), Refusal> {
    if batch.records.is_empty() || batch.records.len() > BATCH_RECORDS_MAX {
        return Err(Refusal::Invalid(format!("a batch holds 1 to {BATCH_RECORDS_MAX} records")));
    }
    batch.records.iter().try_for_each(|record| access_record(context, record))
}

/// Checks the record of a document's digest. It lives in the ledger and the read model, not in the state.
pub(super) fn digest_record(record: &DigestRecord) -> Result<(), Refusal> {
    text("label", &record.label, LABEL_CHARS_MAX)?;
    record.kind.as_deref().map_or(Ok(()), |kind| code("kind", kind))
}

fn access_record(context: &Context<'_>, record: &AccessRecord) -> Result<(), Refusal> {
    if &record.entry.provider != context.department {
        return Err(Refusal::NotAllowed("only the provider records accesses to its data".into()));
    }
    if record.cause.chars().count() > CAUSE_CHARS_MAX
        || record.purpose.chars().count() > PURPOSE_CHARS_MAX
        || record.case_id.as_ref().is_some_and(|id| id.chars().count() > CASE_ID_CHARS_MAX)
        || record.subject.as_ref().is_some_and(|subject| subject.len() > 1024)
        || record.facts.as_ref().is_some_and(|facts| facts.len() > FACTS_BYTES_MAX)
    {
        return Err(Refusal::Invalid(format!("the record of access {} has an overlong text", record.access_id)));
    }
    Ok(())
}
