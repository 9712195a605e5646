//! A ledger that goes beyond what this program knows.

use super::*;
use crate::consensus::admission::{NotAdmitted, admit};
use crate::domain::edition::{EditionChange, NEWEST};
use crate::ledger::block::Block;

fn change(n: usize, chain: &Chain, edition: u32, at: Millis) -> Transaction {
    let actor = Actor { user: "root".into(), role: Role::Admin };
    let command = Command::SetEdition(EditionChange { edition });
    let payload = Payload { id: TxId::new(at), department: department(n), actor, command };
    Transaction::sign(chain.id(), payload.encode().unwrap().as_bytes(), &key(n)).unwrap()
}

#[test]
fn a_program_goes_no_further_than_it_understands_and_proposes_nothing_beyond() {
    let dir = tempfile::tempdir().unwrap();
    let log = Arc::new(LedgerLog::open(&dir.path().join("ledger")).unwrap());
    let store = Arc::new(NodeStore::open(&dir.path().join("store")).unwrap());
    Consensus::install_genesis(&log, &store, &genesis(3, 0)).unwrap();
    let chain = Chain::open(log).unwrap();
    let now = SystemClock.now();
    for edition in 2..=NEWEST {
        let tx = change(0, &chain, edition, now);
        assert_eq!(admit(&chain, &tx, now, false), Ok(()));
        let block = Block { height: chain.height() + 1, time: now, transactions: vec![tx] };
        let effect = chain.apply(u64::from(edition), &block, &[Some(true)]).unwrap();
        assert_eq!(effect.outcomes[0].result, Ok(()));
    }
    let beyond = change(0, &chain, NEWEST + 1, now);
    assert!(matches!(admit(&chain, &beyond, now, false), Err(NotAdmitted::Invalid(_))));
    // Departments with a newer program have agreed on it all the same.
    let before = (chain.size(), chain.root());
    let block = Block { height: chain.height() + 1, time: now, transactions: vec![beyond] };
    let stopped = chain.apply(u64::from(NEWEST) + 1, &block, &[Some(true)]).err().unwrap();
    assert!(stopped.to_string().contains("install a newer version"), "{stopped}");
    assert_eq!((chain.size(), chain.root()), before, "nothing of it is cosigned or shown");
}
