//! The state and how one transaction changes it.

use std::sync::Arc;

use imbl::OrdMap;

use crate::clock::Millis;
use crate::crypto::digest::{Hash, HashAlgorithm};
use crate::crypto::sign::KeyId;
use crate::domain::Actor;
use crate::domain::case::Case;
use crate::domain::certificate::Certificate;
use crate::domain::certificate_type::PublishedType;
use crate::domain::command::{Command, Payload};
use crate::domain::department::{Department, Genesis};
use crate::domain::grant::Grant;
use crate::domain::keys::KeyRecord;
use crate::domain::node::NodeRecord;
use crate::domain::policy::{PolicyDocument, PolicyRecord, WaitingPolicy};
use crate::ids::{CaseId, DepartmentId, EntryName, GrantId, Slug, TxId};
use crate::ledger::chain::chain_id;
use crate::ledger::transaction::Transaction;

use super::catalog::EntryHistory;
use super::catalog_index::CatalogIndex;
use super::ids_seen::IdsSeen;
use super::items::Items;
use super::keys::Endorsement;
use super::outcome::{Outcome, Refusal};
use super::repeated::Repeated;
use super::workflows::PublishedWorkflow;

/// An index of the grants, which are in the digest themselves: those of a consumer on an entry, each with its purpose's tag.
type GrantsOf = OrdMap<(DepartmentId, EntryName), Arc<Vec<(u32, GrantId)>>>;

/// Everything the ledger says, in memory. A copy costs nothing: it shares what neither changes.
#[derive(Clone, Debug)]
pub struct State {
    pub(super) chain: String,
    pub(super) algorithm: HashAlgorithm,
    pub(super) genesis: Items<(), Genesis>,
    pub(super) departments: Items<DepartmentId, Department>,
    /// What changed since the genesis.
    pub(super) nodes: Items<DepartmentId, NodeRecord>,
    /// Once it was raised above the one of the genesis.
    pub(super) edition: Items<(), u32>,
    pub(super) members_changed: Items<(), u64>,
    /// Whose a number became since the genesis: none is used twice.
    pub(super) numbers: Items<u64, DepartmentId>,
    pub(super) keys: Items<KeyId, KeyRecord>,
    /// An index of the keys, oldest first.
    pub(super) keys_of: OrdMap<DepartmentId, Arc<Vec<KeyId>>>,
    /// By whose key it is and who gave it.
    pub(super) endorsements: Items<(DepartmentId, DepartmentId), Endorsement>,
    pub(super) policy: Items<(), PolicyDocument>,
    /// What waits for its second signature.
    pub(super) proposal: Items<(), WaitingPolicy>,
    /// Every document that two departments signed, and the one before the first of them.
    pub(super) policies: Items<u64, PolicyRecord>,
    pub(super) entries: Items<EntryName, EntryHistory>,
    /// An index of the entries.
    pub(super) catalog_index: CatalogIndex,
    pub(super) grants: Items<GrantId, Grant>,
    pub(super) grants_of: GrantsOf,
    /// What the grants repeat.
    pub(super) repeated: Repeated,
    /// By department, name and version.
    pub(super) workflows: Items<(DepartmentId, Slug, u32), PublishedWorkflow>,
    pub(super) cases: Items<CaseId, Case>,
    pub(super) certificates: Items<String, Certificate>,
    /// By department, name and version.
    pub(super) certificate_types: Items<(DepartmentId, Slug, u32), PublishedType>,
    pub(super) ids: IdsSeen,
    /// A hash over every transaction's fate, in their order.
    pub(super) outcomes: Hash,
    pub(super) size: u64,
    pub(super) time: Millis,
}

impl Default for State {
    fn default() -> Self {
        Self::of(HashAlgorithm::default())
    }
}

/// Who does what, where and when: what every command's rule may look at.
pub(super) struct Context<'a> {
    pub id: TxId,
    pub department: &'a DepartmentId,
    pub actor: &'a Actor,
    /// The key that signed.
    pub key: KeyId,
    pub at: Millis,
    pub index: u64,
}

impl State {
    /// The state before the genesis transaction.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, for a chain of this algorithm.
    pub(super) fn of(algorithm: HashAlgorithm) -> Self {
        Self {
            chain: String::new(),
            algorithm,
            genesis: Items::new("genesis", algorithm),
            departments: Items::new("department", algorithm),
            nodes: Items::new("node", algorithm),
            edition: Items::new("edition", algorithm),
            members_changed: Items::new("members_changed", algorithm),
            numbers: Items::new("number", algorithm),
            keys: Items::new("key", algorithm),
            keys_of: OrdMap::new(),
            endorsements: Items::new("endorsement", algorithm),
            policy: Items::new("policy", algorithm),
            proposal: Items::new("policy_proposal", algorithm),
            policies: Items::new("policy_version", algorithm),
            entries: Items::new("entry", algorithm),
            catalog_index: CatalogIndex::default(),
            grants: Items::new("grant", algorithm),
            grants_of: OrdMap::new(),
            repeated: Repeated::default(),
            workflows: Items::new("workflow", algorithm),
            cases: Items::new("case", algorithm),
            certificates: Items::new("certificate", algorithm),
            certificate_types: Items::new("certificate_type", algorithm),
            ids: IdsSeen::default(),
            outcomes: Hash([0; 32]),
            size: 0,
            time: Millis(0),
        }
    }

    /// Applies the next transaction. `block_time` is the time of its block; `verified` says whether
    /// the caller found its signature to fit the key of [`State::key`]; whether that key may sign is decided here. Never fails: a transaction
    /// that may not be is refused, and its refusal is the same on every node.
    pub fn apply(&mut self, tx: &Transaction, block_time: Millis, verified: bool) -> Outcome {
        // Monotonic, whatever a leader with a wrong clock writes.
        self.time = self.time.max(block_time);
        let index = self.size;
        self.size += 1;
        let algorithm = self.algorithm;
        let leaf = tx.leaf(algorithm);
        let outcome = match Payload::decode(tx.payload()) {
            Err(why) => Outcome { index, id: None, result: Err(Refusal::Payload(why)) },
            Ok(payload) => match self.check_edition(&payload.command) {
                Err(refusal) => Outcome { index, id: None, result: Err(refusal) },
                Ok(()) => {
                    let id = Some(payload.id);
                    Outcome { index, id, result: self.admit(tx, leaf, payload, index, verified) }
                }
            },
        };
        // The genesis itself says by which digest it is hashed.
        let leaf = if self.algorithm == algorithm { leaf } else { tx.leaf(self.algorithm) };
        self.fold(leaf, &outcome);
        outcome
    }

    fn admit(
        &mut self,
        tx: &Transaction,
        leaf: Hash,
        payload: Payload,
        index: u64,
        verified: bool,
    ) -> Result<(), Refusal> {
        if self.genesis.is_empty() {
            let Command::Genesis(genesis) = payload.command else {
                return Err(Refusal::Conflict("the chain has not begun".into()));
            };
            self.begin(chain_id(tx.payload()), genesis, tx, &payload.department, index)?;
            self.ids.remember(payload.id, tx.leaf(self.algorithm), index, self.time);
            return Ok(());
        }
        let signer = self.keys.get(&tx.key()).map(|record| &record.department);
        if !verified || signer != Some(&payload.department) {
            return Err(Refusal::Signature);
        }
        self.signing_key(tx.key())?;
        self.ids.admit(payload.id, leaf, index, self.time)?;
        let Payload { id, department, actor, command } = payload;
        let context = Context { id, department: &department, actor: &actor, key: tx.key(), at: self.time, index };
        self.execute(&context, command)
    }

    pub(super) fn execute(&mut self, context: &Context<'_>, command: Command) -> Result<(), Refusal> {
        match command {
            Command::Genesis(_) => Err(Refusal::Conflict("the chain has begun already".into())),
            Command::RegisterDepartment(department) => self.register_department(context, department),
            Command::SetNode(setting) => self.set_node(context, setting),
            Command::RemoveNode(removal) => self.remove_node(context, &removal),
            Command::SetEdition(change) => self.set_edition(context, change),
            Command::SetVoters(choice) => self.set_voters(context, &choice),
            Command::SetPolicy(document) => self.set_policy(context, document),
            Command::ProposePolicy(proposal) => self.propose_policy(context, proposal),
            Command::ConfirmPolicy(confirmation) => self.confirm_policy(context, &confirmation),
            Command::RejectPolicy(rejection) => self.reject_policy(context, &rejection),
            Command::RotateKey(rotation) => self.rotate_key(context, rotation),
            Command::RevokeKey(revocation) => self.revoke_key(context, revocation),
            Command::EndorseKey(endorsement) => self.endorse_key(context, endorsement),
            Command::PublishEntry(publication) => self.publish_entry(context, publication),
            Command::DeprecateEntry(ending) => self.deprecate_entry(context, ending),
            Command::WithdrawEntry(ending) => self.withdraw_entry(context, ending),
            Command::RequestGrant(request) => self.request_grant(context, request),
            Command::ApproveGrant(approval) => self.approve_grant(context, approval),
            Command::PreapproveGrant(approval) => self.preapprove_grant(context, approval),
            Command::DenyGrant(ending) => self.deny_grant(context, ending),
            Command::RevokeGrant(ending) => self.revoke_grant(context, ending),
            Command::SuspendGrant(word) => self.suspend_grant(context, word),
            Command::ResumeGrant(word) => self.resume_grant(context, word),
            Command::ExtendGrant(word) => self.extend_grant(context, word),
            Command::AppealGrant(word) => self.appeal_grant(context, word),
            Command::RuleOnAppeal(ruling) => self.rule_on_appeal(context, ruling),
            Command::RecordAccesses(batch) => super::limits::access_batch(context, &batch),
            Command::ReportFindings(report) => self.report_findings(context, &report),
            Command::PublishWorkflow(publication) => self.publish_workflow(context, publication),
            Command::OpenCase(opening) => self.open_case(context, opening),
            Command::RecordPull(pull) => self.record_pull(context, pull),
            Command::RecordCheck(check) => self.record_check(context, check),
            Command::ReturnCase(word) => self.return_case(context, &word),
            Command::ResubmitCase(word) => self.resubmit_case(context, word),
            Command::AssignCase(word) => self.assign_case(context, word),
            Command::WithdrawCase(word) => self.withdraw_case(context, &word),
            Command::CompleteCase(word) => self.complete_case(context, &word),
            Command::SignOffCase(sign_off) => self.sign_off_case(context, sign_off),
            Command::IssueCertificate(issue) => self.issue_certificate(context, issue),
            Command::SetCertificateStatus(change) => self.set_certificate_status(context, change),
            Command::PublishCertificateType(publication) => self.publish_certificate_type(context, publication),
            Command::AnnotateCertificate(annotation) => self.annotate_certificate(context, annotation),
            Command::RecordDigest(record) => super::limits::digest_record(&record),
        }
    }

    /// The chain's id, empty before genesis.
    pub fn chain(&self) -> &str {
        &self.chain
    }

    /// The document with which the chain began.
    pub fn genesis(&self) -> Option<&Genesis> {
        self.genesis.get(&())
    }

    /// Number of transactions applied: the size of the ledger that this state reflects.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Block time of the last transaction: the only clock of the ledger.
    pub fn time(&self) -> Millis {
        self.time
    }

    /// All departments, by id.
    pub fn departments(&self) -> impl Iterator<Item = &Department> {
        self.departments.values()
    }

    /// One department.
    pub fn department(&self, id: &DepartmentId) -> Option<&Department> {
        self.departments.get(id)
    }

    /// All entries ever published, by name.
    pub fn entries(&self) -> impl Iterator<Item = &EntryHistory> {
        self.entries.values()
    }

    /// One entry with its history.
    pub fn entry(&self, name: &EntryName) -> Option<&EntryHistory> {
        self.entries.get(name)
    }

    /// One grant.
    pub fn grant(&self, id: GrantId) -> Option<&Grant> {
        self.grants.get(&id)
    }

    /// The grants that a consumer has on an entry, or asked for, alone or with others: newest first.
    pub fn grants_of(&self, consumer: &DepartmentId, entry: &EntryName) -> impl Iterator<Item = &Grant> {
        let ids = self.grants_of.get(&(consumer.clone(), entry.clone())).map(|ids| ids.as_slice()).unwrap_or_default();
        ids.iter().rev().filter_map(|(_, id)| self.grants.get(id))
    }

    /// The same on any entry, those of one entry together.
    pub fn grants_of_consumer(&self, consumer: &DepartmentId) -> impl Iterator<Item = &Grant> {
        let places = self.grants_of.range((consumer.clone(), EntryName::before_all())..);
        places
            .take_while(move |((of, _), _)| of == consumer)
            .flat_map(|(_, ids)| ids.iter())
            .filter_map(|(_, id)| self.grants.get(id))
    }

    /// All cases, by id, so oldest first.
    pub fn cases(&self) -> impl Iterator<Item = &Case> {
        self.cases.values()
    }

    /// One case.
    pub fn case(&self, id: CaseId) -> Option<&Case> {
        self.cases.get(&id)
    }

    /// One certificate by its GB/T 36904 identifier.
    pub fn certificate(&self, identifier: &str) -> Option<&Certificate> {
        self.certificates.get(identifier)
    }
}
