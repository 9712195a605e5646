//! The ledger: where it stands, its blocks, one transaction, its receipt.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{self, Path};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::domain::command::Payload;
use crate::ids::TxId;
use crate::readmodel::PageRequest;
use crate::readmodel::transactions::{BlockView, TransactionFilter, TransactionView};
use crate::web::problem::Problem;

use super::codes;
use super::desk::{Desk, Visitor};
use super::entry_body::indented;
use super::render::Answer;
use super::views::ledger::{BlockRow, Ledger, LedgerBody, TransactionPage, TransactionRow};

const BLOCKS: u32 = 12;
const TRANSACTIONS: u32 = 20;
const DONE: &str = "done";

/// Checkpoint, blocks, and the latest transactions or those of one block.
pub async fn ledger(visitor: Visitor) -> Answer {
    let block = Some(visitor.query.get("block")).filter(|height| !height.is_empty());
    let block: Option<u64> = block.map(str::parse).transpose().map_err(|_| Problem::new("invalid_parameter"))?;
    let body = body(&visitor, block).await?;
    if visitor.partial {
        return visitor.show(&body);
    }
    visitor.show(&Ledger { page: visitor.page(), t: visitor.t, block, body })
}

async fn body(desk: &Desk, block: Option<u64>) -> Result<LedgerBody, Problem> {
    let (size, root) = desk.node.chain.head();
    let blocks = desk.node.blocks(PageRequest { cursor: None, size: Some(BLOCKS) }).await?.items;
    let transactions = match block {
        Some(height) => of_block(desk, height).await?,
        None => {
            let page = PageRequest { cursor: None, size: Some(TRANSACTIONS) };
            let latest = desk.node.transactions(TransactionFilter { page, ..TransactionFilter::default() }).await?;
            latest.items.iter().map(|view| row(desk, view)).collect()
        }
    };
    let time = desk.node.chain.state().time();
    // In its first moments a node has none.
    let note = desk.node.checkpoint().ok();
    let cosigners = note.iter().flat_map(|note| note.named()).map(|id| desk.department(&id)).collect();
    Ok(LedgerBody {
        t: desk.t,
        chain: desk.node.chain_id().to_owned(),
        hash: codes::word(&desk.node.hash_algorithm()),
        size,
        height: desk.node.chain.height(),
        root: root.to_string(),
        time: time.local_text(),
        anchored: desk.node.anchoring().size,
        cosigners,
        checkpoint: note.map(|note| note.encode()).unwrap_or_default(),
        blocks: blocks.iter().map(block_row).collect(),
        transactions,
    })
}

fn block_row(block: &BlockView) -> BlockRow {
    BlockRow {
        height: block.height,
        time: block.time.local_text(),
        count: block.transactions,
        first_index: block.first_index,
    }
}

fn row(desk: &Desk, view: &TransactionView) -> TransactionRow {
    TransactionRow {
        index: view.ledger_index,
        id: view.transaction_id.map(|id| id.to_string()).unwrap_or_default(),
        kind: view.kind.clone().unwrap_or_default(),
        department: view.department.as_ref().map(|id| desk.department(id)).unwrap_or_default(),
        actor: view.actor.as_ref().map(|actor| actor.user.clone()).unwrap_or_default(),
        time: view.time.local_text(),
        outcome: view.refusal.as_ref().map_or_else(|| DONE.to_owned(), |refusal| refusal.code.clone()),
    }
}

/// The transactions of a block, as they stand in the ledger's own files.
async fn of_block(desk: &Desk, height: u64) -> Result<Vec<TransactionRow>, Problem> {
    let chain = desk.node.chain.clone();
    let block = web::block(move || chain.block(height)).await.map_err(Problem::internal)?;
    let block = block.ok_or_else(|| Problem::new("not_found"))?;
    let row = |(at, transaction): (u64, &crate::ledger::transaction::Transaction)| {
        let payload = Payload::decode(transaction.payload()).ok();
        let index = block.first_index + at;
        TransactionRow {
            index,
            id: payload.as_ref().map(|payload| payload.id.to_string()).unwrap_or_default(),
            kind: payload.as_ref().map(|payload| payload.command.kind().to_owned()).unwrap_or_default(),
            department: payload.as_ref().map(|payload| desk.department(&payload.department)).unwrap_or_default(),
            actor: payload.map(|payload| payload.actor.user).unwrap_or_default(),
            time: block.time.local_text(),
            outcome: desk.node.chain.refusal(index).map_or(DONE, |refusal| refusal.code()).to_owned(),
        }
    };
    Ok((0..).zip(&block.transactions).map(row).collect())
}

/// One transaction.
pub async fn transaction(visitor: Visitor, id: Path<TxId>) -> Answer {
    let detail = visitor.node.transaction(*id).await?;
    let view = &detail.transaction;
    let (chain, index) = (visitor.node.chain.clone(), view.ledger_index);
    let signed = web::block(move || {
        let (block, at) = chain.at(index)?;
        block.transactions.get(at).map(|tx| (codes::word(&tx.algorithm()), BASE64.encode(tx.signature())))
    });
    let (algorithm, signature) = signed.await.map_err(Problem::internal)?.unwrap_or_default();
    let page = TransactionPage {
        page: visitor.page(),
        t: visitor.t,
        transaction: row(&visitor, view),
        height: view.block_height,
        state: detail.state.to_owned(),
        refusal: view.refusal.as_ref().map(|refusal| refusal.text.clone()).unwrap_or_default(),
        algorithm,
        key: detail.key.clone(),
        signature,
        leaf: detail.leaf.to_string(),
        payload: indented(&detail.payload),
    };
    visitor.show(&page)
}

/// The receipt, to be kept and checked offline.
pub async fn receipt(visitor: Visitor, id: Path<TxId>) -> Answer {
    let receipt = visitor.node.receipt(*id).await?;
    let name = format!("attachment; filename=\"receipt-{id}.json\"");
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_DISPOSITION, name)).json(receipt))
}
