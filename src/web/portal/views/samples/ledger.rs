//! The ledger, its blocks and transactions, and what a receipt proves.

use super::{DIGEST, EVIL, ID, page, s, two};
use crate::web::portal::views::explorer::{
    BlockPage, BlockRow, Blocks, CosignerRow, ProofStep, TransactionPage, TransactionRow, Transactions,
    VerificationPage,
};
use crate::web::portal::views::ledger::{CheckpointView, DepartmentRow, KeyRow, Ledger, LedgerBody};
use crate::web::portal::words::{Lang, Words};

fn transaction_row(lang: Lang, index: u64, outcome: &str) -> TransactionRow {
    TransactionRow {
        index,
        id: s(ID),
        kind: s("grant.request"),
        department: two(lang, "民政局", "Civil Affairs"),
        actor: s(EVIL),
        time: s("2026-11-21 10:15:30"),
        outcome: s(outcome),
    }
}

fn block_row(height: u64) -> BlockRow {
    BlockRow { height, time: s("2026-11-21 10:15:30"), count: 2, refused: 1, first_index: 2 * height }
}

fn department_row(lang: Lang, state: &'static str, size: Option<u64>) -> DepartmentRow {
    DepartmentRow {
        name: two(lang, "民政局", "Civil Affairs"),
        id: s("civil-affairs"),
        size,
        time: s(if size.is_some() { "2026-11-21 10:15:30" } else { "" }),
        behind: size.map(|size| 1284 - size),
        state,
        here: state == "current",
    }
}

fn key_row(lang: Lang, state: &'static str) -> KeyRow {
    KeyRow {
        department: two(lang, "民政局", "Civil Affairs"),
        key: s(DIGEST),
        state,
        index: 17,
        since: s("2026-11-21 09:00:00"),
        until: s(if state == "current" { "" } else { "2026-11-21 10:00:00" }),
    }
}

pub fn ledger(lang: Lang) -> Ledger {
    let checkpoint = CheckpointView {
        anchored: true,
        size: 1280,
        root: s(DIGEST),
        state: s(DIGEST),
        time: s("2026-11-21 10:15:29"),
        cosigned: 8,
        text: s("mulu-66c7f0f462eeedd9 sm3\n1284\nZsfw9GLu7dnR8tRr3BDk4kFnxIdc8veiKX2gK49LqOA=\n"),
    };
    let body = LedgerBody {
        t: Words::of(lang),
        chain: s("mulu-66c7f0f462eeedd9"),
        hash: s("sm3"),
        size: 1284,
        height: 310,
        time: s("2026-11-21 10:15:30"),
        checkpoint: Some(checkpoint),
        needed: 7,
        lag: 4,
        lag_s: 1,
        departments: vec![
            department_row(lang, "current", Some(1284)),
            department_row(lang, "behind", Some(1200)),
            department_row(lang, "silent", None),
        ],
        blocks: (0..6).map(|n| block_row(310 - n)).collect(),
        transactions: vec![transaction_row(lang, 1283, "done"), transaction_row(lang, 1282, "own_request")],
    };
    let keys = vec![key_row(lang, "current"), key_row(lang, "retired"), key_row(lang, "revoked")];
    Ledger { page: page(lang, "/ledger"), t: Words::of(lang), body, keys }
}

/// In a node's first moments.
pub fn ledger_young(lang: Lang) -> Ledger {
    let whole = ledger(lang);
    Ledger { body: LedgerBody { checkpoint: None, ..whole.body }, ..whole }
}

pub fn blocks(lang: Lang) -> Blocks {
    Blocks {
        page: page(lang, "/ledger/blocks"),
        t: Words::of(lang),
        rows: vec![block_row(310), block_row(309)],
        ledger_index: 1284,
        first_href: None,
        next_href: Some(s("/ledger/blocks?cursor=x")),
    }
}

pub fn block(lang: Lang) -> BlockPage {
    BlockPage {
        page: page(lang, "/ledger/blocks/310"),
        t: Words::of(lang),
        block: block_row(310),
        state: "anchored",
        root: s(DIGEST),
        previous: Some(309),
        next: None,
        rows: vec![transaction_row(lang, 1283, "done"), transaction_row(lang, 1282, "own_request")],
        first_href: None,
        next_href: Some(s("/ledger/blocks/310?from=50")),
    }
}

pub fn transactions(lang: Lang) -> Transactions {
    Transactions {
        page: page(lang, "/ledger/transactions"),
        t: Words::of(lang),
        rows: vec![transaction_row(lang, 1283, "done"), TransactionRow::default()],
        ledger_index: 1284,
        first_href: Some(s("/ledger/transactions")),
        next_href: None,
    }
}

pub fn transaction(lang: Lang) -> TransactionPage {
    TransactionPage {
        page: page(lang, "/ledger/transactions/x"),
        t: Words::of(lang),
        transaction: transaction_row(lang, 1283, "done"),
        height: 310,
        previous: Some(1282),
        next: Some(1284),
        state: s("committed"),
        refusal: s(EVIL),
        algorithm: s("ed25519"),
        key: s(DIGEST),
        signature: s(DIGEST),
        leaf: s(DIGEST),
        facts: vec![(s("body.cause"), s(EVIL)), (s("v"), s("1"))],
        cut: true,
        payload: s("{\n  \"v\": 1\n}"),
    }
}

fn cosigner_row(lang: Lang, state: &'static str) -> CosignerRow {
    let time = s(if state == "fits" { "2026-11-21 10:15:31" } else { "" });
    CosignerRow { name: two(lang, "民政局", "Civil Affairs"), state, time }
}

pub fn verification(lang: Lang) -> VerificationPage {
    let step = |code, state| ProofStep { code, state, detail: s(EVIL) };
    VerificationPage {
        page: page(lang, "/ledger/transactions/1283/verify"),
        t: Words::of(lang),
        transaction: transaction_row(lang, 1283, "done"),
        fault: s(""),
        fault_text: s(""),
        steps: vec![
            step("form", "fits"),
            step("signature", "strange"),
            step("inclusion", "fits"),
            step("checkpoint", "fits"),
        ],
        cosigners: vec![cosigner_row(lang, "fits"), cosigner_row(lang, "none")],
        size: 1284,
        root: s(DIGEST),
        state: s(DIGEST),
        cosigned: 7,
        needed: 7,
    }
}

/// When something does not fit.
pub fn verification_failed(lang: Lang) -> VerificationPage {
    let step = |code, state| ProofStep { code, state, detail: s(DIGEST) };
    VerificationPage {
        fault: s("transaction_signature"),
        fault_text: s(EVIL),
        steps: vec![
            step("form", "fits"),
            step("signature", "false"),
            step("inclusion", "open"),
            step("checkpoint", "open"),
        ],
        cosigners: vec![cosigner_row(lang, "false")],
        ..verification(lang)
    }
}
