//! Blocks and transactions, page by page.

use actix_web::web::{self, Path};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

use crate::domain::command::Payload;
use crate::ledger::transaction::Transaction;
use crate::readmodel::PageRequest;
use crate::readmodel::transactions::{BlockView, TransactionFilter, TransactionView};
use crate::service::ServiceError;
use crate::service::ledger::Which;
use crate::state::applied::AppliedBlock;
use crate::web::problem::Problem;

use super::codes;
use super::desk::{Desk, Visitor};
use super::entry_body::indented;
use super::href::href;
use super::listing::{cursor, pager};
use super::render::Answer;
use super::views::explorer::{BlockPage, BlockRow, Blocks, TransactionPage, TransactionRow, Transactions};

const PAGE_SIZE: u32 = 50;
/// Transactions of a block on one page.
const BLOCK_PAGE: usize = 50;
/// Facts of a payload shown as a table.
const FACTS_MAX: usize = 300;
const DONE: &str = "done";

/// All blocks, newest first.
pub async fn blocks(visitor: Visitor) -> Answer {
    let query = &visitor.query;
    let page = visitor.node.blocks(PageRequest { cursor: cursor(query), size: Some(PAGE_SIZE) }).await?;
    let (first_href, next_href) = pager("/ledger/blocks", query, &[], page.next_cursor.as_deref());
    visitor.show(&Blocks {
        page: visitor.page(),
        t: visitor.t,
        rows: page.items.iter().map(block_row).collect(),
        ledger_index: page.ledger_index,
        first_href,
        next_href,
    })
}

/// A block of a list.
pub fn block_row(block: &BlockView) -> BlockRow {
    BlockRow {
        height: block.height,
        time: block.time.local_text(),
        count: block.transactions,
        refused: block.refused,
        first_index: block.first_index,
    }
}

/// All transactions, or those about one thing, newest first.
pub async fn transactions(visitor: Visitor) -> Answer {
    let query = &visitor.query;
    let page = PageRequest { cursor: cursor(query), size: Some(PAGE_SIZE) };
    let reference = Some(query.get("reference")).filter(|reference| !reference.is_empty()).map(str::to_owned);
    let page = visitor.node.transactions(TransactionFilter { page, reference, ..TransactionFilter::default() }).await?;
    let (first_href, next_href) = pager("/ledger/transactions", query, &["reference"], page.next_cursor.as_deref());
    visitor.show(&Transactions {
        page: visitor.page(),
        t: visitor.t,
        rows: page.items.iter().map(|view| row(&visitor, view)).collect(),
        ledger_index: page.ledger_index,
        first_href,
        next_href,
    })
}

/// A transaction of a list.
pub fn row(desk: &Desk, view: &TransactionView) -> TransactionRow {
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

/// One block, as it stands in the ledger's own files.
pub async fn block(visitor: Visitor, height: Path<u64>) -> Answer {
    let (chain, height) = (visitor.node.chain.clone(), *height);
    let block = web::block(move || chain.block(height)).await.map_err(Problem::internal)?;
    let block = block.ok_or_else(|| match visitor.node.chain.archived_block(height) {
        Some(file) => Problem::from(ServiceError::archived(&file)),
        None => Problem::new("not_found"),
    })?;
    let from = Some(visitor.query.get("from")).filter(|from| !from.is_empty()).map(str::parse);
    let from: usize = from.transpose().map_err(|_| Problem::new("invalid_parameter"))?.unwrap_or(0);
    let path = format!("/ledger/blocks/{height}");
    let next_from = from.saturating_add(BLOCK_PAGE);
    let more = next_from < block.transactions.len();
    let refused = block.outcomes.iter().filter(|outcome| outcome.result.is_err()).count();
    let root = visitor.node.chain.root_at(block.size());
    visitor.show(&BlockPage {
        page: visitor.page(),
        t: visitor.t,
        block: BlockRow {
            height,
            time: block.time.local_text(),
            count: block.size().saturating_sub(block.first_index),
            refused: u64::try_from(refused).unwrap_or(u64::MAX),
            first_index: block.first_index,
        },
        state: visitor.node.state_of(block.size().saturating_sub(1)),
        root: root.map(|root| root.to_string()).unwrap_or_default(),
        previous: height.checked_sub(1),
        next: Some(height.saturating_add(1)).filter(|next| *next <= visitor.node.chain.height()),
        rows: (0_u64..)
            .zip(&block.transactions)
            .skip(from)
            .take(BLOCK_PAGE)
            .map(|at| in_block(&visitor, &block, at))
            .collect(),
        first_href: (from > 0).then(|| path.clone()),
        next_href: more.then(|| href(&path, &[("from", &next_from.to_string())])),
    })
}

fn in_block(desk: &Desk, block: &AppliedBlock, (at, transaction): (u64, &Transaction)) -> TransactionRow {
    let payload = Payload::decode(transaction.payload()).ok();
    let index = block.first_index.saturating_add(at);
    TransactionRow {
        index,
        id: payload.as_ref().map(|payload| payload.id.to_string()).unwrap_or_default(),
        kind: payload.as_ref().map(|payload| payload.command.kind().to_owned()).unwrap_or_default(),
        department: payload.as_ref().map(|payload| desk.department(&payload.department)).unwrap_or_default(),
        actor: payload.map(|payload| payload.actor.user).unwrap_or_default(),
        time: block.time.local_text(),
        outcome: desk.node.chain.refusal(index).map_or(DONE, |refusal| refusal.code()).to_owned(),
    }
}

/// A transaction's id or index in an address.
pub fn which(text: &str) -> Result<Which, Problem> {
    text.parse().map_err(|_| Problem::new("not_found"))
}

/// One transaction.
pub async fn transaction(visitor: Visitor, sought: Path<String>) -> Answer {
    let detail = visitor.node.transaction(which(&sought)?).await?;
    let view = &detail.transaction;
    let (chain, index) = (visitor.node.chain.clone(), view.ledger_index);
    let signed = web::block(move || {
        let (block, at) = chain.at(index)?;
        block.transactions.get(at).map(|tx| (codes::word(&tx.algorithm()), BASE64.encode(tx.signature())))
    });
    let (algorithm, signature) = signed.await.map_err(Problem::internal)?.unwrap_or_default();
    let (facts, cut) = facts(&detail.payload);
    visitor.show(&TransactionPage {
        page: visitor.page(),
        t: visitor.t,
        transaction: row(&visitor, view),
        height: view.block_height,
        previous: index.checked_sub(1),
        next: Some(index.saturating_add(1)).filter(|next| *next < visitor.node.chain.size()),
        state: detail.state.to_owned(),
        refusal: view.refusal.as_ref().map(|refusal| refusal.text.clone()).unwrap_or_default(),
        algorithm,
        key: detail.key.clone(),
        signature,
        leaf: detail.leaf.to_string(),
        facts,
        cut,
        payload: indented(&detail.payload),
    })
}

/// What a payload says, one line a value under its path, such as `body.items[2].name`; and whether there was more.
fn facts(payload: &Value) -> (Vec<(String, String)>, bool) {
    let mut found = Vec::new();
    // A payload's depth is bounded by its length, so the way down is a list, not a recursion.
    let mut open = vec![(String::new(), payload)];
    while let Some((path, value)) = open.pop() {
        if found.len() == FACTS_MAX {
            return (found, true);
        }
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                let dot = if path.is_empty() { "" } else { "." };
                open.extend(fields.iter().rev().map(|(name, value)| (format!("{path}{dot}{name}"), value)));
            }
            Value::Array(items) if !items.is_empty() => {
                open.extend(items.iter().enumerate().rev().map(|(at, value)| (format!("{path}[{at}]"), value)));
            }
            Value::String(text) => found.push((path, text.clone())),
            other => found.push((path, other.to_string())),
        }
    }
    (found, false)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_payload_reads_as_a_table() {
        let (found, cut) = facts(&json!({"v": 1, "body": {"items": [{"name": "a"}, "b"], "none": null, "empty": []}}));
        let expected = [
            ("body.empty", "[]"),
            ("body.items[0].name", "a"),
            ("body.items[1]", "b"),
            ("body.none", "null"),
            ("v", "1"),
        ];
        let mut seen: Vec<(&str, &str)> = found.iter().map(|(path, value)| (path.as_str(), value.as_str())).collect();
        seen.sort_unstable();
        assert!(!cut && seen == expected, "{seen:?}");
        let (found, cut) = facts(&json!(vec![0; FACTS_MAX + 1]));
        assert!(cut && found.len() == FACTS_MAX);
    }
}
