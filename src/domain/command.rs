//! What a transaction's payload says: who acts, and which command.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::ids::{DepartmentId, EntryName, GrantId, TxId, Version};

use super::Actor;
use super::access::AccessRecord;
use super::case::{
    CaseAssignment, CaseCheck, CaseCompletion, CaseOpening, CasePull, CaseResubmission, CaseReturn, CaseWithdrawal,
    SignOff, WorkflowPublication,
};
use super::catalog::Entry;
use super::certificate::{CertificateAnnotation, CertificateIssue, CertificateStatusChange};
use super::certificate_type::TypePublication;
use super::department::{Department, Genesis};
use super::digest_record::DigestRecord;
use super::edition::EditionChange;
use super::finding::FindingReport;
use super::grant::life::AppealRuling;
use super::grant::{Approval, GrantRequest};
use super::keys::{KeyEndorsement, KeyRevocation, KeyRotation};
use super::node::{NodeRemoval, NodeSetting, VoterChoice};
use super::policy::{PolicyConfirmation, PolicyDocument, PolicyProposal, PolicyRejection};

/// A payload, read. The bytes that were signed stay in the transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The transaction's id.
    pub id: TxId,
    /// The department that signs.
    pub department: DepartmentId,
    /// Who acts in it.
    pub actor: Actor,
    /// What is to happen.
    pub command: Command,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPayload {
    v: u32,
    id: TxId,
    department: DepartmentId,
    actor: Actor,
    kind: String,
    body: Box<RawValue>,
}

#[derive(Serialize)]
struct PayloadRef<'a, B> {
    v: u32,
    id: TxId,
    department: &'a DepartmentId,
    actor: &'a Actor,
    kind: &'a str,
    body: &'a B,
}

macro_rules! commands {
    ($($(#[$doc:meta])* $variant:ident($body:ty) = $kind:literal,)*) => {
        /// A command to the state machine.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Command {
            $($(#[$doc])* $variant($body),)*
        }

        impl Command {
            /// Every kind, as named in payloads and in `schemas/tx/`.
            pub const KINDS: &'static [&'static str] = &[$($kind),*];

            /// The kind's name.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $kind,)* }
            }

            fn read(kind: &str, body: &str) -> Result<Self, String> {
                match kind {
                    $($kind => serde_json::from_str(body).map(Self::$variant).map_err(|e| e.to_string()),)*
                    _ => Err(format!("unknown kind `{}`", kind.chars().take(64).collect::<String>())),
                }
            }
        }

        impl Payload {
            /// The JSON text to be signed.
            ///
            /// # Errors
            /// What the serialiser says; none is expected.
            pub fn encode(&self) -> Result<String, serde_json::Error> {
                match &self.command {
                    $(Command::$variant(body) => serde_json::to_string(&PayloadRef {
                        v: 1, id: self.id, department: &self.department, actor: &self.actor, kind: $kind, body,
                    }),)*
                }
            }
        }
    };
}

commands! {
    /// Begins the chain.
    Genesis(Genesis) = "chain.genesis",
    /// The authority admits a department.
    RegisterDepartment(Department) = "department.register",
    /// The authority names a department's node, or the department moves its own.
    SetNode(NodeSetting) = "node.set",
    /// The authority ends a department's node.
    RemoveNode(NodeRemoval) = "node.remove",
    /// The authority says whose nodes vote.
    SetVoters(VoterChoice) = "voters.set",
    /// The authority raises the ledger to the next edition.
    SetEdition(EditionChange) = "edition.set",
    /// The authority sets the rules, by one signature: before edition 3.
    SetPolicy(PolicyDocument) = "policy.set",
    /// The authority proposes rules.
    ProposePolicy(PolicyProposal) = "policy.propose",
    /// The auditing department puts proposed rules into force.
    ConfirmPolicy(PolicyConfirmation) = "policy.confirm",
    /// The authority withdraws a proposal, or the auditing department refuses it.
    RejectPolicy(PolicyRejection) = "policy.reject",
    /// A department takes new keys.
    RotateKey(KeyRotation) = "key.rotate",
    /// A department ends a key at once.
    RevokeKey(KeyRevocation) = "key.revoke",
    /// A department vouches for another's key.
    EndorseKey(KeyEndorsement) = "key.endorse",
    /// A provider publishes a version of an entry.
    PublishEntry(EntryPublication) = "entry.publish",
    /// A provider points to a successor.
    DeprecateEntry(EntryEnding) = "entry.deprecate",
    /// A provider ends an entry.
    WithdrawEntry(EntryEnding) = "entry.withdraw",
    /// A consumer asks for a grant.
    RequestGrant(GrantRequest) = "grant.request",
    /// The provider grants, within the request.
    ApproveGrant(Approval) = "grant.approve",
    /// The first of two approvals, for an entry of grade 4.
    PreapproveGrant(Approval) = "grant.preapprove",
    /// The provider refuses.
    DenyGrant(GrantEnding) = "grant.deny",
    /// The provider or the consumer ends a grant.
    RevokeGrant(GrantEnding) = "grant.revoke",
    /// The provider or the authority suspends a grant.
    SuspendGrant(GrantEnding) = "grant.suspend",
    /// Who suspended it, or the authority, lets it go on.
    ResumeGrant(GrantEnding) = "grant.resume",
    /// The provider needs more time to decide.
    ExtendGrant(GrantEnding) = "grant.extend",
    /// The consumer appeals against a refusal.
    AppealGrant(GrantEnding) = "grant.appeal",
    /// The authority rules on the appeal.
    RuleOnAppeal(AppealRuling) = "grant.rule",
    /// A provider records accesses to its data.
    RecordAccesses(AccessBatch) = "access.batch",
    /// A consumer reports promises without record, and records without promise.
    ReportFindings(FindingReport) = "access.finding",
    /// A department puts a version of a workflow into force.
    PublishWorkflow(WorkflowPublication) = "workflow.publish",
    /// A department opens a case.
    OpenCase(CaseOpening) = "case.open",
    /// A department gives its word in a case.
    SignOffCase(SignOff) = "case.sign_off",
    /// The owner of a case pulled data.
    RecordPull(CasePull) = "case.pull",
    /// The owner of a case compared what was pulled.
    RecordCheck(CaseCheck) = "case.check",
    /// A department gives a case back to its owner.
    ReturnCase(CaseReturn) = "case.return",
    /// The owner brings a returned case again.
    ResubmitCase(CaseResubmission) = "case.resubmit",
    /// A step goes to another department or to one person.
    AssignCase(CaseAssignment) = "case.assign",
    /// The owner gives a case up.
    WithdrawCase(CaseWithdrawal) = "case.withdraw",
    /// The owner ends a case, or told its applicant.
    CompleteCase(CaseCompletion) = "case.complete",
    /// A department issues a certificate.
    IssueCertificate(CertificateIssue) = "certificate.issue",
    /// The issuer changes a certificate's status.
    SetCertificateStatus(CertificateStatusChange) = "certificate.status",
    /// An issuer publishes a version of a type of certificates.
    PublishCertificateType(TypePublication) = "certificate_type.publish",
    /// The issuer annotates a certificate.
    AnnotateCertificate(CertificateAnnotation) = "certificate.annotate",
    /// A department records the digest of a document that stays with it.
    RecordDigest(DigestRecord) = "digest.record",
}

impl Payload {
    /// Reads a payload; unknown fields and kinds are errors.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub fn decode(text: &str) -> Result<Self, String> {
        let raw: RawPayload = serde_json::from_str(text).map_err(|e| e.to_string())?;
        if raw.v != 1 {
            return Err(format!("unknown payload version {}", raw.v));
        }
        let command = Command::read(&raw.kind, raw.body.get())?;
        Ok(Self { id: raw.id, department: raw.department, actor: raw.actor, command })
    }
}

/// An entry, with the two persons that the rule of four eyes asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryPublication {
    /// The entry's new version.
    pub entry: Entry,
    /// Who drafted it; the transaction's actor approves it and is someone else.
    pub drafted_by: Actor,
}

/// End of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryEnding {
    /// The entry.
    pub entry: EntryName,
    /// The version that is current, so that nobody ends what they have not seen.
    pub version: Version,
    /// Why.
    pub reason: String,
    /// What to use instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<EntryName>,
}

/// A word on a grant with its reason, such as its refusal or end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantEnding {
    /// The grant.
    pub grant: GrantId,
    /// Why.
    pub reason: String,
}

/// Accesses to a provider's data, in the order of their decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessBatch {
    /// One to some hundred records.
    pub records: Vec<AccessRecord>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Role;

    fn denial() -> Payload {
        let id = TxId::new(crate::clock::Millis(1_795_000_000_000));
        Payload {
            id,
            department: "civil-affairs".parse().unwrap(),
            actor: Actor { user: "li.na".into(), role: Role::Reviewer },
            command: Command::DenyGrant(GrantEnding { grant: id.into(), reason: "no basis".into() }),
        }
    }

    #[test]
    fn a_payload_survives_its_text() {
        let denial = denial();
        let text = denial.encode().unwrap();
        assert!(text.starts_with("{\"v\":1,\"id\":\""));
        assert_eq!(Payload::decode(&text), Ok(denial));
    }

    #[test]
    fn what_is_unknown_is_refused() {
        let text = denial().encode().unwrap();
        for (from, to) in [
            ("\"v\":1", "\"v\":2"),
            ("grant.deny", "grant.dent"),
            ("\"reason\"", "\"x\":1,\"reason\""),
            ("\"v\":1", "\"v\":1,\"y\":0"),
        ] {
            assert!(Payload::decode(&text.replacen(from, to, 1)).is_err(), "{to} passed");
        }
    }
}
