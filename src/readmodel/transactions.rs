//! Blocks and transactions of the ledger as listings show them, refused ones too.

use diesel::prelude::*;
use serde::Serialize;

use crate::clock::Millis;
use crate::domain::command::{Command, Payload};
use crate::domain::{Actor, Role};
use crate::ids::{DepartmentId, TxId};
use crate::ledger::transaction::Transaction;
use crate::state::applied::AppliedBlock;
use crate::state::outcome::Outcome;

use super::ReadModel;
use super::columns::{column, count, from_text, key, number, words};
use super::database::{Database, insert_rows, on_each};
use super::error::ReadError;
use super::page::{Page, PageRequest};
use super::position::projected;
use super::schema::{blocks, transactions};

/// A block in a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BlockView {
    /// Number of the block.
    pub height: u64,
    /// Block time.
    pub time: Millis,
    /// Index of its first transaction.
    pub first_index: u64,
    /// Transactions in it.
    pub transactions: u64,
    /// How many of them were refused.
    pub refused: u64,
}

/// A transaction in a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TransactionView {
    /// Its id, if its payload could be read; so for the next three.
    pub transaction_id: Option<TxId>,
    /// Who signed.
    pub department: Option<DepartmentId>,
    /// Who acted.
    pub actor: Option<Actor>,
    /// What was to happen, such as `grant.request`.
    pub kind: Option<String>,
    /// Its place in the ledger.
    pub ledger_index: u64,
    /// Its block.
    pub block_height: u64,
    /// Block time.
    pub time: Millis,
    /// Why it was refused, none when it was done.
    pub refusal: Option<RefusalView>,
    /// What it is about: an entry, a grant, a case, a certificate, a department or a document's digest.
    pub reference: Option<String>,
    /// Its length.
    pub bytes: u64,
}

/// Why a transaction was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefusalView {
    /// Stable code.
    pub code: String,
    /// For people.
    pub text: String,
}

/// Which transactions to list.
#[derive(Clone, Debug, Default)]
pub struct TransactionFilter {
    /// Signed by this department.
    pub department: Option<DepartmentId>,
    /// Of this kind.
    pub kind: Option<String>,
    /// About this entry, grant, case or certificate.
    pub reference: Option<String>,
    /// Refused ones, or those that were done.
    pub refused: Option<bool>,
    /// Which page.
    pub page: PageRequest,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = blocks)]
struct BlockRow {
    height: i64,
    time: i64,
    first_index: i64,
    transactions: i64,
    refused: i64,
}

// What is absent is written as NULL and not left out: so every row is the same statement, prepared once.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = transactions, treat_none_as_default_value = false)]
struct TransactionRow {
    idx: i64,
    id: Option<String>,
    height: i64,
    time: i64,
    department: Option<String>,
    actor_user: Option<String>,
    actor_role: Option<String>,
    kind: Option<String>,
    refusal_code: Option<String>,
    refusal_text: Option<String>,
    reference: Option<String>,
    bytes: i64,
}

pub(super) fn project_block(connection: &mut Database, block: &AppliedBlock) -> Result<(), ReadError> {
    let row = BlockRow {
        height: column(block.height),
        time: column(block.time.0),
        first_index: column(block.first_index),
        transactions: count(block.transactions.len()),
        refused: count(block.outcomes.iter().filter(|outcome| outcome.result.is_err()).count()),
    };
    // Never twice, for the position is in the same transaction.
    on_each!(connection, |each| diesel::insert_into(blocks::table)
        .values(&row)
        .on_conflict_do_nothing()
        .execute(each))?;
    Ok(())
}

/// The rows of one block, written together.
#[derive(Default)]
pub(super) struct Listed {
    rows: Vec<TransactionRow>,
}

impl Listed {
    /// Writes them.
    pub fn write(self, connection: &mut Database) -> Result<(), ReadError> {
        insert_rows!(connection, transactions::table, self.rows, |insert| insert.on_conflict_do_nothing());
        Ok(())
    }

    /// Takes in one transaction.
    pub fn add(&mut self, block: &AppliedBlock, tx: &Transaction, outcome: &Outcome, payload: Option<&Payload>) {
        self.rows.push(row(block, tx, outcome, payload));
    }
}

fn row(block: &AppliedBlock, tx: &Transaction, outcome: &Outcome, payload: Option<&Payload>) -> TransactionRow {
    let refusal = outcome.result.as_ref().err();
    TransactionRow {
        idx: column(outcome.index),
        id: payload.map(|p| p.id.to_string()),
        height: column(block.height),
        time: column(block.time.0),
        department: payload.map(|p| p.department.to_string()),
        actor_user: payload.map(|p| words(&p.actor.user)),
        actor_role: payload.map(|p| p.actor.role.as_str().to_owned()),
        kind: payload.map(|p| p.command.kind().to_owned()),
        refusal_code: refusal.map(|r| r.code().to_owned()),
        refusal_text: refusal.map(|r| words(&r.to_string())),
        reference: payload.and_then(reference).map(|about| key(&about)),
        bytes: count(tx.as_bytes().len()),
    }
}

fn reference(payload: &Payload) -> Option<String> {
    Some(match &payload.command {
        Command::Genesis(_)
        | Command::SetPolicy(_)
        | Command::SetVoters(_)
        | Command::SetEdition(_)
        | Command::RecordAccesses(_)
        | Command::ReportFindings(_) => return None,
        Command::RegisterDepartment(department) => department.id.to_string(),
        Command::SetNode(setting) => setting.department.to_string(),
        Command::RemoveNode(removal) => removal.department.to_string(),
        Command::RotateKey(_) => payload.department.to_string(),
        Command::RevokeKey(revocation) => revocation.key.to_string(),
        Command::EndorseKey(endorsement) => endorsement.department.to_string(),
        Command::PublishEntry(publication) => publication.entry.name.to_string(),
        Command::DeprecateEntry(ending) | Command::WithdrawEntry(ending) => ending.entry.to_string(),
        Command::RequestGrant(_) | Command::OpenCase(_) | Command::ProposePolicy(_) => payload.id.to_string(),
        Command::ConfirmPolicy(confirmation) => confirmation.proposal.to_string(),
        Command::RejectPolicy(rejection) => rejection.proposal.to_string(),
        Command::ApproveGrant(approval) | Command::PreapproveGrant(approval) => approval.grant.to_string(),
        Command::DenyGrant(said)
        | Command::RevokeGrant(said)
        | Command::SuspendGrant(said)
        | Command::ResumeGrant(said)
        | Command::ExtendGrant(said)
        | Command::AppealGrant(said) => said.grant.to_string(),
        Command::RuleOnAppeal(ruling) => ruling.grant.to_string(),
        Command::PublishWorkflow(publication) => format!("{}/{}", payload.department, publication.name),
        Command::SignOffCase(sign_off) => sign_off.case.to_string(),
        Command::RecordPull(pull) => pull.case.to_string(),
        Command::RecordCheck(check) => check.case.to_string(),
        Command::ReturnCase(word) => word.case.to_string(),
        Command::ResubmitCase(word) => word.case.to_string(),
        Command::AssignCase(word) => word.case.to_string(),
        Command::WithdrawCase(word) => word.case.to_string(),
        Command::CompleteCase(word) => word.case.to_string(),
        Command::IssueCertificate(issue) => issue.identifier.clone(),
        Command::SetCertificateStatus(change) => change.identifier.clone(),
        Command::AnnotateCertificate(annotation) => annotation.identifier.clone(),
        Command::PublishCertificateType(publication) => publication.document.name.to_string(),
        Command::RecordDigest(record) => record.digest.to_string(),
    })
}

impl ReadModel {
    /// Blocks, newest first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn blocks(&self, page: &PageRequest) -> Result<Page<BlockView>, ReadError> {
        let (limit, below) = (page.limit()?, page.below('b')?);
        self.read(|connection| {
            let rows: Vec<BlockRow> = blocks::table
                .filter(blocks::height.lt(below))
                .order(blocks::height.desc())
                .limit(limit)
                .select(BlockRow::as_select())
                .load(connection)?;
            let index = projected(connection)?.ledger_index();
            page.page('b', rows, index, |row| number(row.height), |row| Ok(block_view(&row)))
        })
    }

    /// One block.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn block(&self, height: u64) -> Result<Option<BlockView>, ReadError> {
        self.read(|connection| {
            let row = blocks::table.find(column(height)).select(BlockRow::as_select()).first(connection).optional()?;
            Ok(row.as_ref().map(block_view))
        })
    }

    /// Transactions, newest first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn transactions(&self, filter: &TransactionFilter) -> Result<Page<TransactionView>, ReadError> {
        let (limit, below) = (filter.page.limit()?, filter.page.below('t')?);
        let mut query = transactions::table.filter(transactions::idx.lt(below)).into_boxed();
        if let Some(department) = &filter.department {
            query = query.filter(transactions::department.eq(department.as_str()));
        }
        if let Some(kind) = &filter.kind {
            query = query.filter(transactions::kind.eq(key(kind)));
        }
        if let Some(reference) = &filter.reference {
            query = query.filter(transactions::reference.eq(key(reference)));
        }
        match filter.refused {
            Some(true) => query = query.filter(transactions::refusal_code.is_not_null()),
            Some(false) => query = query.filter(transactions::refusal_code.is_null()),
            None => {}
        }
        self.read(|connection| {
            let rows = query
                .order(transactions::idx.desc())
                .limit(limit)
                .select(TransactionRow::as_select())
                .load(connection)?;
            let index = projected(connection)?.ledger_index();
            filter.page.page('t', rows, index, |row| number(row.idx), transaction_view)
        })
    }

    /// The transaction at an index.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn transaction_at(&self, index: u64) -> Result<Option<TransactionView>, ReadError> {
        self.read(|connection| {
            let row = transactions::table.find(column(index)).select(TransactionRow::as_select());
            row.first(connection).optional()?.map(transaction_view).transpose()
        })
    }

    /// The transaction of an id: the one that was done, else the first that was refused.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn transaction(&self, id: TxId) -> Result<Option<TransactionView>, ReadError> {
        self.read(|connection| {
            transactions::table
                .filter(transactions::id.eq(id.to_string()))
                .order((transactions::refusal_code.is_null().desc(), transactions::idx.asc()))
                .select(TransactionRow::as_select())
                .first(connection)
                .optional()?
                .map(transaction_view)
                .transpose()
        })
    }
}

fn block_view(row: &BlockRow) -> BlockView {
    BlockView {
        height: number(row.height),
        time: Millis(number(row.time)),
        first_index: number(row.first_index),
        transactions: number(row.transactions),
        refused: number(row.refused),
    }
}

fn transaction_view(row: TransactionRow) -> Result<TransactionView, ReadError> {
    let role = |name: String| Role::ALL.into_iter().find(|role| role.as_str() == name);
    let actor = row.actor_user.zip(row.actor_role.and_then(role)).map(|(user, role)| Actor { user, role });
    Ok(TransactionView {
        transaction_id: row.id.as_deref().map(from_text).transpose()?,
        department: row.department.as_deref().map(from_text).transpose()?,
        actor,
        kind: row.kind,
        ledger_index: number(row.idx),
        block_height: number(row.height),
        time: Millis(number(row.time)),
        refusal: row.refusal_code.zip(row.refusal_text).map(|(code, text)| RefusalView { code, text }),
        reference: row.reference,
        bytes: number(row.bytes),
    })
}
