//! Editions of the ledger: which kinds of transactions a chain knows, so that programs of two versions never read it differently.
//!
//! A new kind of transaction comes with a new edition. Until the authority raises a chain to it, every program treats the
//! kind as programs did that had never heard of it: as a payload that cannot be read. So a node may be
//! upgraded while others are not yet, and nobody's early transaction can make their states differ. The words that the rules of
//! a policy may use (`policy/facts.rs`, `policy/reason.rs`) and its principles belong to the edition too.

use serde::{Deserialize, Deserializer, Serialize};

use super::command::Command;
use super::grant::bounds::Bounds;
use super::grant::{Approval, GrantRequest};

/// The newest edition that this program knows.
pub const NEWEST: u32 = 5;
/// That of a chain whose genesis names none.
pub const FIRST: u32 = 1;

/// The authority raises the chain to the next edition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditionChange {
    /// One more than the one in force.
    pub edition: u32,
}

/// The edition that brought a command's kind, or the newest of the fields that it uses. [`Command::SetEdition`] is known to every edition: it leads from one to the next.
pub fn of(command: &Command) -> u32 {
    match command {
        Command::SetNode(_) | Command::RemoveNode(_) | Command::SetVoters(_) | Command::RecordDigest(_) => 2,
        Command::RequestGrant(GrantRequest { details: Some(details), .. }) if details.system.is_some() => 5,
        Command::RequestGrant(GrantRequest { bounds: Some(bounds), .. })
        | Command::PreapproveGrant(Approval { bounds: Some(bounds), .. })
        | Command::ApproveGrant(Approval { bounds: Some(bounds), .. })
            if has_terms(bounds) =>
        {
            5
        }
        Command::PreapproveGrant(_)
        | Command::SuspendGrant(_)
        | Command::ResumeGrant(_)
        | Command::ExtendGrant(_)
        | Command::AppealGrant(_)
        | Command::RuleOnAppeal(_) => 3,
        Command::RequestGrant(request) if request.members.is_some() => 4,
        Command::RequestGrant(request) if has_fields_of_edition_3(request) => 3,
        Command::ApproveGrant(approval) if has_limits_of_edition_3(approval) => 3,
        Command::PublishEntry(publication) if publication.entry.needs_edition_3() => 3,
        Command::RecordAccesses(batch) if batch.records.iter().any(|record| record.facts.is_some()) => 3,
        Command::PublishCertificateType(_) | Command::AnnotateCertificate(_) => 4,
        Command::IssueCertificate(issue) if issue.details.is_some() => 4,
        Command::SetCertificateStatus(change) if change.status.needs_edition_4() => 4,
        Command::ProposePolicy(_) | Command::ConfirmPolicy(_) | Command::RejectPolicy(_) => 3,
        Command::ResubmitCase(word) if word.correction.is_some() => 5,
        Command::PublishWorkflow(_)
        | Command::RecordPull(_)
        | Command::RecordCheck(_)
        | Command::ReturnCase(_)
        | Command::ResubmitCase(_)
        | Command::AssignCase(_)
        | Command::WithdrawCase(_)
        | Command::CompleteCase(_) => 4,
        Command::OpenCase(opening) if opening.needs_edition_4() => 4,
        Command::SignOffCase(word) if word.fact.is_some() => 4,
        _ => FIRST,
    }
}

fn has_terms(bounds: &Bounds) -> bool {
    bounds.item_terms.is_some()
}

fn has_fields_of_edition_3(request: &GrantRequest) -> bool {
    request.details.is_some() || request.bounds.is_some() || request.replaces.is_some()
}

fn has_limits_of_edition_3(approval: &Approval) -> bool {
    approval.network_zone.is_some()
        || approval.hours.is_some()
        || approval.bounds.is_some()
        || approval.items.iter().any(|item| item.masking.needs_edition_3())
}

/// Reads a field that a later edition brought. `null` is an error: programs that do not know the field refuse it
/// whatever it says, so it must not pass for one that was left out.
///
/// # Errors
/// Those of the value.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}
