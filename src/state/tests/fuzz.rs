//! Fuzz target of the state machine: whatever a department signs, no node panics, and all nodes make the same of it.

use super::digest::busy;
use super::*;
use crate::fuzzing::fuzz;

/// Inputs for each transaction of a busy city.
const INPUTS: usize = 100;

#[test]
fn a_payload_of_any_command() {
    let mut city = City::new();
    busy(&mut city, |_, _| ());
    let mut state = State::new();
    for (tx, time, _) in &city.history {
        let (before, time) = (state.clone(), *time);
        assert_eq!(state.apply(tx, time, true).result, Ok(()));
        let department = Payload::decode(tx.payload()).unwrap().department;
        let (chain, key) = (state.chain().to_owned(), key(department.as_str()));
        fuzz!(INPUTS, vec![tx.payload().as_bytes().to_vec()], |bytes: &[u8]| {
            let Ok(tx) = Transaction::sign(&chain, bytes, &key) else { return false };
            let apply = || {
                let mut state = before.clone();
                let outcome = state.apply(&tx, time, true);
                (outcome, state)
            };
            let ((outcome, after), (outcome_again, again)) = (apply(), apply());
            assert_eq!((after.size(), outcome.index), (before.size() + 1, before.size()));
            assert_eq!((outcome_again, again.digest()), (outcome.clone(), after.digest()));
            assert_eq!(after.digest(), after.digest_recomputed());
            assert_ne!(after.digest(), before.digest());
            outcome.result.is_ok()
        });
    }
}
