//! Kinds that come with an edition, before and after it.

use super::*;
use crate::crypto::digest::Hash;
use crate::domain::digest_record::DigestRecord;
use crate::domain::edition::EditionChange;

const AUTHORITY: (&str, &str, Role) = ("data-bureau", "root", Role::Admin);

fn record() -> Command {
    Command::RecordDigest(DigestRecord { digest: Hash([7; 32]), label: "x".into(), kind: None })
}

fn raise(edition: u32) -> Command {
    Command::SetEdition(EditionChange { edition })
}

#[test]
fn a_kind_of_a_later_edition_is_refused_as_one_that_nobody_knows() {
    let mut city = City::of_edition(None);
    let before = city.state.clone();
    let known = payload(city.now, "audit", "root", Role::Admin, record());
    let tx = city.sign(&known);
    let outcome = city.apply(&tx);
    assert_eq!((outcome.id, outcome.result.unwrap_err().code()), (None, "payload_unreadable"));
    // What an older program makes of it: the same bytes under a name that it does not know.
    let mut older = before;
    let unknown = known.encode().unwrap().replace("digest.record", "digest.unheard");
    let key = key("audit");
    let unheard = Transaction::sign(older.chain(), unknown.as_bytes(), &key).unwrap();
    assert_eq!(older.apply(&unheard, city.now, true).result.unwrap_err().code(), "payload_unreadable");
    assert_eq!(older.items(), city.state.items(), "neither leaves anything but its outcome");
    // An id that was never read was not used up.
    city.does(AUTHORITY, raise(2)).unwrap();
    assert_eq!(city.apply(&tx).result, Ok(()));
}

#[test]
fn only_the_authority_raises_the_edition_and_by_one() {
    let mut city = City::of_edition(None);
    assert_eq!(city.state.edition(), 1);
    assert!(matches!(city.does(("audit", "root", Role::Admin), raise(2)), Err(Refusal::NotAllowed(_))));
    assert!(matches!(city.does(("data-bureau", "c", Role::Clerk), raise(2)), Err(Refusal::NotAllowed(_))));
    for wrong in [0, 1, 3] {
        assert!(matches!(city.does(AUTHORITY, raise(wrong)), Err(Refusal::Conflict(_))), "{wrong}");
    }
    city.does(AUTHORITY, raise(2)).unwrap();
    assert_eq!(city.state.edition(), 2);
    assert_eq!(city.state.digest(), city.state.digest_recomputed());
    assert_eq!(City::of_edition(Some(2)).state.edition(), 2, "a chain may begin with it");
}
