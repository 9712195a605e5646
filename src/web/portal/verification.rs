//! "Verify this": the node checks its own receipt and says what was proven, step by step.

use actix_web::web::Path;

use crate::ledger::receipt::ReceiptFault;
use crate::service::verification::{Verification, Word};
use crate::web::problem::Problem;

use super::desk::{Desk, Visitor};
use super::explorer::{row, which};
use super::ledger::{file, seconds};
use super::render::Answer;
use super::views::explorer::{CosignerRow, ProofStep, VerificationPage};

/// What the receipt of a transaction proves.
pub async fn verify(visitor: Visitor, sought: Path<String>) -> Answer {
    let verification = visitor.node.verify_receipt(which(&sought)?).await?;
    let fault = verification.verdict.as_ref().err();
    let cosigner = |(id, word): &(_, Word)| CosignerRow {
        name: visitor.department(id),
        state: match word {
            Word::Given(_) => "fits",
            Word::Bad => "false",
            Word::None => "none",
        },
        time: if let Word::Given(time_s) = word { seconds(*time_s) } else { String::new() },
    };
    visitor.show(&VerificationPage {
        page: visitor.page(),
        t: visitor.t,
        transaction: row(&visitor, &verification.transaction),
        fault: fault.map_or("", ReceiptFault::code).to_owned(),
        fault_text: fault.map(ToString::to_string).unwrap_or_default(),
        steps: steps(&visitor, &verification),
        cosigners: verification.words.iter().map(cosigner).collect(),
        size: verification.checkpoint.size,
        root: verification.checkpoint.root.to_string(),
        state: verification.checkpoint.state.to_string(),
        cosigned: verification.cosigned(),
        needed: verification.needed,
    })
}

/// The steps in their order: what comes after the first that fails was not reached.
fn steps(desk: &Desk, verification: &Verification) -> Vec<ProofStep> {
    let failed = verification.verdict.as_ref().err().map(failed_at);
    let signer = verification.verdict.as_ref().ok().map(|proven| proven.signer.as_ref());
    let key = verification.key.map(|key| key.to_string()).unwrap_or_default();
    let signed = match signer.flatten() {
        Some(department) => format!("{} · {key}", desk.department(department)),
        None => key,
    };
    let checkpoint = &verification.checkpoint;
    let placed = format!("{} / {}", verification.transaction.ledger_index, checkpoint.size);
    let cosigned = format!("{} / {}", verification.cosigned(), verification.needed);
    let details = [("form", checkpoint.chain().to_owned()), ("signature", signed), ("inclusion", placed)];
    let details = details.into_iter().chain([("checkpoint", cosigned)]);
    let step = |(at, (code, detail)): (usize, (&'static str, String))| ProofStep {
        code,
        state: match failed {
            Some(failed) if failed == at => "false",
            Some(failed) if failed < at => "open",
            _ if code == "signature" && signer == Some(None) => "strange",
            _ => "fits",
        },
        detail,
    };
    details.enumerate().map(step).collect()
}

fn failed_at(fault: &ReceiptFault) -> usize {
    match fault {
        ReceiptFault::Malformed(_) | ReceiptFault::OtherChain(_) => 0,
        ReceiptFault::TransactionSignature(_) => 1,
        ReceiptFault::Inclusion => 2,
        ReceiptFault::Cosignature(_) | ReceiptFault::TooFew(_) => 3,
    }
}

/// The receipt, to be kept and checked offline.
pub async fn receipt(visitor: Visitor, sought: Path<String>) -> Answer {
    let which = which(&sought)?;
    let receipt = visitor.node.receipt(which).await?;
    let text = serde_json::to_string(&receipt).map_err(Problem::internal)?;
    Ok(file(&format!("receipt-{which}.json"), "application/json", text))
}
