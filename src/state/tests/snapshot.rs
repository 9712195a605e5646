//! A state that was written and read again is the same, goes on in the same way, and no damage passes for one.

use super::digest::busy;
use super::*;
use crate::fuzzing::fuzz;
use crate::state::snapshot::SnapshotError;

fn written(state: &State) -> Vec<u8> {
    let mut bytes = Vec::new();
    state.write(&mut bytes).unwrap();
    bytes
}

fn read(bytes: &[u8]) -> Result<State, SnapshotError> {
    State::read(&mut &*bytes)
}

/// A city in which everything happened, with an entry whose schema has numbers that JSON does not bring back exactly.
fn lived(hash: HashAlgorithm) -> City {
    let mut city = City::of(hash);
    busy(&mut city, |_, _| ());
    let fractions = json!({"multipleOf": 0.01, "maximum": 1.797_693_134_862_315_7e308, "minimum": [-0.0, 5e-324, 7.120_190_231_5e-121]});
    for version in ["2.0", "2.1"] {
        let history = city.state.entries().next().unwrap();
        let mut entry = history.current().entry.clone();
        entry.version = version.parse().unwrap();
        entry.request_schema = fractions.clone();
        let publication = EntryPublication { entry, drafted_by: actor("clerk1", Role::Clerk) };
        city.does(PS_REVIEWER, Command::PublishEntry(publication)).unwrap();
    }
    for days in [3, 1, 2] {
        let Command::RequestGrant(request) = city.request(&["name"], 9, days) else { unreachable!("it asks") };
        let request = GrantRequest { version: "2.1".parse().unwrap(), ..request };
        city.does(CA_CLERK, Command::RequestGrant(request)).unwrap();
    }
    city
}

#[test]
fn a_state_survives_its_bytes_and_goes_on_in_the_same_way() {
    for hash in [HashAlgorithm::Sm3, HashAlgorithm::Sha256] {
        let mut city = lived(hash);
        let bytes = written(&city.state);
        let mut again = read(&bytes).unwrap();
        assert_eq!((again.digest(), again.digest_recomputed()), (city.state.digest(), city.state.digest()));
        assert_eq!(written(&again), bytes);
        let (entry, consumer) =
            ("public-security/household-registration".parse().unwrap(), "civil-affairs".parse().unwrap());
        let grants = |state: &State| state.grants_of(&consumer, &entry).map(|grant| grant.id).collect::<Vec<_>>();
        assert_eq!(grants(&again).len(), 5);
        assert_eq!(grants(&again), grants(&city.state), "in the order in which they came");
        assert_eq!(again.entry(&entry), city.state.entry(&entry), "with all versions");
        for department in city.state.departments() {
            let keys = |state: &State| state.keys_of(&department.id).cloned().collect::<Vec<_>>();
            assert_eq!(keys(&again), keys(&city.state));
        }
        let (repeated, time, _) = city.history.last().unwrap().clone();
        assert!(matches!(again.clone().apply(&repeated, time, true).result, Err(Refusal::Repeated { .. })));
        let before = city.history.len();
        city.publish(PS_REVIEWER, "clerk1", "3.0", "conditional").unwrap();
        let (next, time, outcome) = city.history.get(before).unwrap();
        assert_eq!(again.apply(next, *time, true), *outcome);
        assert_eq!(again.digest(), city.state.digest());
    }
}

#[test]
fn a_state_cut_anywhere_is_none() {
    let bytes = written(&lived(HashAlgorithm::Sm3).state);
    for end in 0..bytes.len() {
        assert!(read(&bytes[..end]).is_err(), "{end} of {}", bytes.len());
    }
}

#[test]
fn what_this_program_does_not_know_is_refused() {
    let bytes = written(&City::new().state);
    let with = |kind: &str| {
        let mut other = bytes[..bytes.len() - 1].to_vec();
        other.push(u8::try_from(kind.len()).unwrap());
        other.extend_from_slice(kind.as_bytes());
        other.extend_from_slice(&[0, 0, 0, 0, 0]);
        read(&other).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(with("case"), Ok(()));
    assert!(with("ship").unwrap_err().contains("unknown kind"));
}

#[test]
fn fuzz_a_snapshot() {
    let city = lived(HashAlgorithm::Sm3);
    let good = city.state.digest();
    fuzz!(200, vec![written(&City::new().state), written(&city.state)], |bytes: &[u8]| {
        let Ok(state) = read(bytes) else { return false };
        assert_eq!(state.digest(), state.digest_recomputed());
        if state.digest() == good {
            // Only what no digest covers may differ: in which order keys and grants came, and where ids stand.
            assert_eq!(state.size(), city.state.size());
        }
        assert_eq!(read(&written(&state)).map(|again| again.digest()).ok(), Some(state.digest()));
        true
    });
}
