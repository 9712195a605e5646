//! A small ledger for this floor's tests: real signed transactions, with outcomes as the test says.

use std::path::Path;

use diesel::prelude::*;
use parking_lot::RwLock;
use tokio::sync::watch;

use crate::clock::Millis;
use crate::crypto::digest::Hash;
use crate::crypto::sign::SigningKey;
use crate::domain::access::{AccessDecision, AccessRecord};
use crate::domain::catalog::{Classification, Entry, Format, Item, ItemKind, Level, Masking, Sharing, UpdateCycle};
use crate::domain::command::{AccessBatch, Command, EntryPublication, Payload};
use crate::domain::{Actor, Role, Text};
use crate::ids::{AccessId, TxId};
use crate::ledger::transaction::Transaction;
use crate::state::applied::AppliedBlock;
use crate::state::outcome::{Outcome, Refusal};

use super::ReadModel;
use super::database::Database;
use super::follower::BlockSource;
use super::place::{Place, READ_TIME_MAX};
use super::postgres_server::PostgresServer;
use super::server::Server;

/// Time of the first block; each further block is a second later.
pub(super) const BEGIN: Millis = Millis(1_795_000_000_000);

/// Runs stories over SQLite and over PostgreSQL: each is told how to make a [`Home`].
macro_rules! on_both {
    ($($story:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[test] fn $story() { super::$story($crate::readmodel::testing::Home::file) })+
        }
        mod on_postgres {
            $(#[test] fn $story() { super::$story($crate::readmodel::testing::Home::server) })+
        }
    };
}
pub(super) use on_both;

/// How a story makes its homes.
pub(super) type MakeHome = fn() -> Home;

/// Where a story's projection lies; gone with it.
pub(super) struct Home {
    folder: tempfile::TempDir,
    server: Option<Server>,
}

impl Home {
    /// A file.
    pub(super) fn file() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), server: None }
    }

    /// A schema of its own on the tests' server.
    pub(super) fn server() -> Self {
        Self::on(PostgresServer::shared())
    }

    /// A schema of its own on another server.
    pub(super) fn on(server: &PostgresServer) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let chain = folder.path().display().to_string();
        let password = Some(server.password_file());
        let server = Server::new(&server.url(), password, &"tax".parse().unwrap(), &chain).unwrap();
        Self { folder, server: Some(server) }
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn open(&self) -> ReadModel {
        ReadModel::open_keeping(self.path(), &self.path().join("damaged"), self.server.clone()).unwrap()
    }

    pub(super) fn rebuild(&self) {
        self.try_rebuild().unwrap();
    }

    pub(super) fn try_rebuild(&self) -> Result<(), super::ReadError> {
        super::rebuild(self.path(), self.server.clone())
    }

    /// A connection beside the model's.
    pub(super) fn connect(&self) -> Database {
        self.place().reader(READ_TIME_MAX).unwrap()
    }

    /// Where the model's rows are.
    pub(super) fn place(&self) -> Place {
        super::place_of(self.path(), self.server.clone())
    }

    /// Every row of every table but the migrations', as text.
    pub(super) fn dump(&self) -> Vec<String> {
        let mut connection = self.connect();
        let mut all = Vec::new();
        for table in TABLES {
            let query = if connection.is_server() {
                format!("SELECT CAST(t AS TEXT) AS line FROM {table} AS t ORDER BY 1")
            } else {
                let columns = format!("SELECT 'quote(\"' || name || '\")' AS line FROM pragma_table_info('{table}')");
                let columns = lines(&mut connection, &columns).join(" || ',' || ");
                format!("SELECT {columns} AS line FROM {table} ORDER BY 1")
            };
            all.extend(lines(&mut connection, &query).into_iter().map(|row| format!("{table}: {row}")));
        }
        all
    }
}

/// Every table of the projection.
pub(super) const TABLES: [&str; 17] = [
    "access_actors",
    "access_days",
    "access_pairs",
    "access_reasons",
    "accesses",
    "blocks",
    "case_events",
    "case_sign_offs",
    "cases",
    "certificates",
    "entries",
    "entry_versions",
    "findings",
    "grant_members",
    "grants",
    "position",
    "transactions",
];

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = diesel::sql_types::Text)]
    line: String,
}

/// The column `line` of a query.
pub(super) fn lines(connection: &mut Database, query: &str) -> Vec<String> {
    diesel::sql_query(query).load::<Line>(connection).unwrap().into_iter().map(|row| row.line).collect()
}

pub(super) fn text(zh: &str) -> Text {
    Text { zh: zh.into(), en: format!("{zh} in English") }
}

pub(super) fn actor(user: &str) -> Actor {
    Actor { user: user.into(), role: Role::Reviewer }
}

/// An entry with one item.
pub(super) fn entry(name: &str, title: &str) -> Entry {
    let item = Item {
        name: "id_number".parse().unwrap(),
        title: text("公民身份号码"),
        kind: ItemKind::String,
        length: 18,
        sensitive: true,
        grade: 3,
        masking: Masking::IdNumber,
        code_table: None,
        range: None,
        sharing: None,
        sharing_condition: None,
    };
    Entry {
        name: name.parse().unwrap(),
        version: "1.0".parse().unwrap(),
        level: Level::Interface,
        parent: None,
        code: "306060101/000001".into(),
        title: text(title),
        summary: text("Basic data"),
        classification: Classification {
            class: text("基础"),
            category: text("类"),
            topic: text("目"),
            detail: text("细目"),
        },
        provider_code: "11310000MB2F30002A".into(),
        duty: text("职责"),
        format: Format { category: "database".into(), kind: "sqlite".into() },
        sharing: Sharing::Conditional,
        sharing_condition: Some(text("依法")),
        sharing_means: None,
        open: false,
        open_condition: None,
        update_cycle: UpdateCycle::RealTime,
        issue_date: "2026-01-31".into(),
        related_codes: Vec::new(),
        subject: Some("id_number".parse().unwrap()),
        items: vec![item],
        request_schema: serde_json::json!({"type": "object"}),
        response_schema: serde_json::json!({"type": "object"}),
    }
}

/// An access of civil-affairs to `entry`, decided `at`.
pub(super) fn access(entry: &str, at: Millis) -> AccessRecord {
    AccessRecord {
        access_id: AccessId::new(at),
        time: at,
        consumer: "civil-affairs".parse().unwrap(),
        actor: Actor { user: "registry".into(), role: Role::System },
        entry: entry.parse().unwrap(),
        entry_version: "1.0".parse().ok(),
        grant: None,
        decision: AccessDecision::Allowed,
        rule: "conditional".into(),
        reasons: Vec::new(),
        purpose: "marriage".into(),
        cause: "registration".into(),
        case_id: None,
        items: vec!["id_number".parse().unwrap()],
        rows: 1,
        subject: Some("sealed:31010119900101123X".into()),
        request_digest: Hash([1; 32]),
        answer_digest: Some(Hash([2; 32])),
        basis: 7,
        facts: None,
    }
}

/// A ledger that grows as a test says, and is followed like consensus' chain.
pub(super) struct TestLedger {
    chain: String,
    blocks: RwLock<Vec<AppliedBlock>>,
    height: watch::Sender<u64>,
}

impl TestLedger {
    pub(super) fn new(chain: &str) -> Self {
        Self { chain: chain.into(), blocks: RwLock::default(), height: watch::Sender::new(0) }
    }

    /// Number of transactions.
    pub(super) fn size(&self) -> u64 {
        self.blocks.read().last().map_or(0, AppliedBlock::size)
    }

    /// Adds a block of commands, each by a department.
    pub(super) fn add(&self, commands: Vec<(&str, Command)>) -> Vec<TxId> {
        self.add_with(commands.into_iter().map(|(department, command)| (department, command, Ok(()))).collect())
    }

    /// Adds a block of commands, each by a department and with its outcome.
    pub(super) fn add_with(&self, commands: Vec<(&str, Command, Result<(), Refusal>)>) -> Vec<TxId> {
        let key = SigningKey::from_seed(&[7; 32]);
        let mut blocks = self.blocks.write();
        let height = blocks.len() as u64;
        let first_index = blocks.last().map_or(0, AppliedBlock::size);
        let time = BEGIN.plus(height * 1_000);
        let mut block = AppliedBlock { height, time, first_index, transactions: vec![], outcomes: vec![] };
        for (place, (department, command, result)) in commands.into_iter().enumerate() {
            let id = TxId::new(time);
            let department = department.parse().unwrap();
            let payload = Payload { id, department, actor: actor("wang"), command }.encode().unwrap();
            block.transactions.push(Transaction::sign(&self.chain, payload.as_bytes(), &key).unwrap());
            block.outcomes.push(Outcome { index: first_index + place as u64, id: Some(id), result });
        }
        let ids = block.outcomes.iter().filter_map(|outcome| outcome.id).collect();
        blocks.push(block);
        self.height.send_replace(height);
        ids
    }

    pub(super) fn publish(&self, entry: Entry) {
        let provider = entry.name.provider.to_string();
        let publication = EntryPublication { entry, drafted_by: actor("li.na") };
        self.add(vec![(&provider, Command::PublishEntry(publication))]);
    }

    pub(super) fn record(&self, records: Vec<AccessRecord>) {
        self.add(vec![("public-security", Command::RecordAccesses(AccessBatch { records }))]);
    }
}

impl BlockSource for TestLedger {
    type Mark = u64;
    fn chain_id(&self) -> String {
        self.chain.clone()
    }
    fn block(&self, height: u64) -> Option<AppliedBlock> {
        self.blocks.read().get(usize::try_from(height).ok()?).cloned()
    }
    fn applied(&self) -> watch::Receiver<u64> {
        self.height.subscribe()
    }
}
