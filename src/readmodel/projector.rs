//! From a block to rows: what each accepted command changes in the projection.

use crate::clock::Millis;
use crate::domain::Actor;
use crate::domain::catalog::EntryState;
use crate::domain::command::{Command, Payload};
use crate::domain::grant::GrantState;
use crate::ids::{DepartmentId, TxId};
use crate::state::applied::AppliedBlock;

use super::database::Database;
use super::error::ReadError;
use super::follower::Options;
use super::transactions::Listed;
use super::{accesses, cases, catalog, certificates, findings, grants, transactions};

/// Who did what, where and when: what every row may need to know of its transaction.
pub(super) struct Origin<'a> {
    pub id: TxId,
    pub department: &'a DepartmentId,
    pub actor: &'a Actor,
    pub at: Millis,
    pub index: u64,
    pub height: u64,
}

/// Projects one block. The caller's transaction holds the position too, so that a block counts
/// exactly once.
pub(super) fn project(connection: &mut Database, options: &Options, block: &AppliedBlock) -> Result<(), ReadError> {
    transactions::project_block(connection, block)?;
    let mut listed = Listed::default();
    for (tx, outcome) in block.transactions.iter().zip(&block.outcomes) {
        let payload = Payload::decode(tx.payload()).ok();
        listed.add(block, tx, outcome, payload.as_ref());
        if let (Some(payload), Ok(())) = (payload, &outcome.result) {
            let origin = Origin {
                id: payload.id,
                department: &payload.department,
                actor: &payload.actor,
                at: block.time,
                index: outcome.index,
                height: block.height,
            };
            apply(connection, options, &origin, payload.command)?;
        }
    }
    listed.write(connection)
}

fn apply(connection: &mut Database, options: &Options, origin: &Origin<'_>, command: Command) -> Result<(), ReadError> {
    match command {
        // Departments, nodes, keys, rules, workflows and types of certificates are few: they are read from the state. A digest is found by its reference.
        Command::Genesis(_)
        | Command::RegisterDepartment(_)
        | Command::SetNode(_)
        | Command::RemoveNode(_)
        | Command::SetVoters(_)
        | Command::SetEdition(_)
        | Command::SetPolicy(_)
        | Command::ProposePolicy(_)
        | Command::ConfirmPolicy(_)
        | Command::RejectPolicy(_)
        | Command::RotateKey(_)
        | Command::RevokeKey(_)
        | Command::EndorseKey(_)
        | Command::PublishWorkflow(_)
        | Command::PublishCertificateType(_)
        | Command::RecordDigest(_) => Ok(()),
        Command::PublishEntry(publication) => catalog::publish(connection, origin, publication),
        Command::DeprecateEntry(ending) => catalog::end(connection, origin, ending, EntryState::Deprecated),
        Command::WithdrawEntry(ending) => catalog::end(connection, origin, ending, EntryState::Withdrawn),
        Command::RequestGrant(request) => grants::request(connection, origin, request),
        Command::ApproveGrant(approval) => grants::approve(connection, origin, approval),
        Command::PreapproveGrant(approval) => grants::preapprove(connection, origin, approval),
        Command::SuspendGrant(said) => grants::turn(connection, origin, &said, "grant.suspend", GrantState::Suspended),
        Command::ResumeGrant(said) => grants::turn(connection, origin, &said, "grant.resume", GrantState::Active),
        Command::ExtendGrant(said) => grants::turn(connection, origin, &said, "grant.extend", GrantState::Requested),
        Command::AppealGrant(said) => grants::turn(connection, origin, &said, "grant.appeal", GrantState::Appealed),
        Command::RuleOnAppeal(ruling) => grants::rule(connection, origin, ruling),
        Command::DenyGrant(ending) => grants::end(connection, origin, ending, GrantState::Denied),
        Command::RevokeGrant(ending) => grants::end(connection, origin, ending, GrantState::Revoked),
        Command::RecordAccesses(batch) => {
            accesses::record(connection, options, origin, &batch)?;
            findings::resolve(connection, origin, &batch)
        }
        Command::ReportFindings(report) => findings::report(connection, options, origin, report),
        Command::OpenCase(opening) => cases::open(connection, origin, opening),
        Command::SignOffCase(sign_off) => cases::sign_off(connection, origin, sign_off),
        Command::RecordPull(pull) => cases::pull(connection, origin, pull),
        Command::RecordCheck(check) => cases::check(connection, origin, check),
        Command::ReturnCase(word) => cases::give_back(connection, origin, word),
        Command::ResubmitCase(word) => cases::resubmit(connection, origin, word),
        Command::AssignCase(word) => cases::assign(connection, origin, word),
        Command::WithdrawCase(word) => cases::withdraw(connection, origin, word),
        Command::CompleteCase(word) => cases::finish(connection, origin, word),
        Command::IssueCertificate(issue) => {
            if let Some(case) = issue.case {
                cases::complete(connection, origin, case, &issue.identifier)?;
            }
            certificates::issue(connection, origin, issue)
        }
        Command::SetCertificateStatus(change) => certificates::set_status(connection, origin, change),
        Command::AnnotateCertificate(annotation) => certificates::annotate(connection, origin, annotation),
    }
}
