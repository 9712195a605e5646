//! The ledger: where it stands, who vouches for it, and the files with which anybody checks that elsewhere.

use actix_web::HttpResponse;
use actix_web::http::header;

use crate::clock::Millis;
use crate::crypto::digest::Hash;
use crate::domain::department::Department;
use crate::domain::keys::KeyRecord;
use crate::ids::TxId;
use crate::ledger::checkpoint::SignedCheckpoint;
use crate::readmodel::PageRequest;
use crate::readmodel::transactions::TransactionFilter;
use crate::service::anchoring::Anchoring;
use crate::web::problem::Problem;

use super::codes;
use super::desk::{Desk, Visitor};
use super::explorer::{block_row, row};
use super::href::encode;
use super::render::Answer;
use super::views::ledger::{CheckpointView, DepartmentRow, KeyRow, Ledger, LedgerBody};
use super::words::{Lang, Words};

const BLOCKS: u32 = 12;
const TRANSACTIONS: u32 = 20;
/// Keys shown of one department, newest first; more of them only its own history needs.
const KEYS_MAX: usize = 8;

/// Checkpoint, departments, and the latest blocks and transactions.
pub async fn ledger(visitor: Visitor) -> Answer {
    let body = body(&visitor).await?;
    if visitor.partial {
        return visitor.show(&body);
    }
    let keys = keys(&visitor);
    visitor.show(&Ledger { page: visitor.page(), t: visitor.t, body, keys })
}

async fn body(desk: &Desk) -> Result<LedgerBody, Problem> {
    let node = &desk.node;
    let blocks = node.blocks(PageRequest { cursor: None, size: Some(BLOCKS) }).await?.items;
    let page = PageRequest { cursor: None, size: Some(TRANSACTIONS) };
    let latest = node.transactions(TransactionFilter { page, ..TransactionFilter::default() }).await?;
    let anchoring = node.anchoring();
    let size = node.chain.size();
    let time = node.chain.state().time();
    Ok(LedgerBody {
        t: desk.t,
        chain: node.chain_id().to_owned(),
        hash: codes::word(&node.hash_algorithm()),
        size,
        height: node.chain.height(),
        time: time.local_text(),
        // In its first moments a node has none.
        checkpoint: node.checkpoint().ok().map(|note| checkpoint_view(desk, &note, &anchoring)),
        needed: anchoring.needed,
        lag: anchoring.lag,
        lag_s: anchoring.lag_ms / 1_000,
        departments: departments(desk, &anchoring, size),
        blocks: blocks.iter().map(block_row).collect(),
        transactions: latest.items.iter().map(|view| row(desk, view)).collect(),
    })
}

fn checkpoint_view(desk: &Desk, note: &SignedCheckpoint, anchoring: &Anchoring) -> CheckpointView {
    let checkpoint = note.checkpoint();
    let last = checkpoint.size.checked_sub(1).and_then(|last| desk.node.chain.time_of(last));
    CheckpointView {
        anchored: checkpoint.size <= anchoring.size,
        size: checkpoint.size,
        root: checkpoint.root.to_string(),
        state: checkpoint.state.to_string(),
        time: last.map(Millis::local_text).unwrap_or_default(),
        cosigned: note.named().len(),
        text: note.encode(),
    }
}

fn departments(desk: &Desk, anchoring: &Anchoring, size: u64) -> Vec<DepartmentRow> {
    let row = |department: &Department| {
        let word = anchoring.departments.iter().find(|word| word.department == department.id);
        DepartmentRow {
            name: desk.t.pick(&department.name).to_owned(),
            id: department.id.to_string(),
            size: word.map(|word| word.size),
            time: word.map(|word| seconds(word.time_s)).unwrap_or_default(),
            behind: word.map(|word| size.saturating_sub(word.size)),
            state: match word {
                Some(word) if word.size >= anchoring.size => "current",
                Some(_) => "behind",
                None => "silent",
            },
            here: desk.is_own(&department.id),
        }
    };
    desk.node.chain.state().departments().map(row).collect()
}

/// A time in seconds since 1970, for people.
pub fn seconds(time_s: u64) -> String {
    Millis(time_s.saturating_mul(1_000)).local_text()
}

fn keys(desk: &Desk) -> Vec<KeyRow> {
    let state = desk.node.chain.state();
    let now = state.time();
    let row = |record: &KeyRecord, department: &Department| KeyRow {
        department: desk.t.pick(&department.name).to_owned(),
        key: record.key.to_string(),
        state: record.state(now).as_str(),
        index: record.from_index,
        since: record.from_time.local_text(),
        until: record.ends_at().map(Millis::local_text).unwrap_or_default(),
    };
    let newest = |department: &Department| {
        let records = state.keys_of(&department.id).rev().take(KEYS_MAX);
        records.map(|record| row(record, department)).collect::<Vec<_>>()
    };
    state.departments().flat_map(newest).collect()
}

/// What somebody looks for: a transaction by id or index, a block by its height, or a document by its digest.
pub async fn find(visitor: Visitor) -> Answer {
    let (what, sought) = (visitor.query.get("what"), visitor.query.get("q"));
    let number = sought.strip_prefix('#').unwrap_or(sought).parse::<u64>().ok();
    match (number, what) {
        (Some(height), "block") => Ok(visitor.go(&format!("/ledger/blocks/{height}"))),
        (Some(index), _) => Ok(visitor.go(&format!("/ledger/transactions/{index}"))),
        (None, _) if sought.parse::<TxId>().is_ok() => {
            Ok(visitor.go(&format!("/ledger/transactions/{}", encode(sought))))
        }
        (None, _) if sought.parse::<Hash>().is_ok() => {
            Ok(visitor.go(&format!("/ledger/transactions?reference={}", encode(sought))))
        }
        (None, _) => {
            let hint = |lang| Words::of(lang).say("find-hint");
            Err(Problem::new("invalid_parameter").detail(hint(Lang::En)).detail_zh(hint(Lang::Zh)))
        }
    }
}

/// The checkpoint as a signed note.
pub async fn checkpoint(visitor: Visitor) -> Answer {
    Ok(file("checkpoint.txt", "text/plain; charset=utf-8", visitor.node.checkpoint()?.encode()))
}

/// The policy file for `mulu receipt verify`, by the ledger's keys.
pub async fn trust(visitor: Visitor) -> Answer {
    let text = visitor.node.trust_policy()?.file().map_err(Problem::internal)?;
    Ok(file("trust.toml", "application/toml; charset=utf-8", text))
}

/// A file to keep.
pub fn file(name: &str, content_type: &str, text: String) -> HttpResponse {
    let disposition = format!("attachment; filename=\"{name}\"");
    HttpResponse::Ok().insert_header((header::CONTENT_DISPOSITION, disposition)).content_type(content_type).body(text)
}
