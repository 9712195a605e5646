//! The check itself: good histories pass, and each kind of bad one does not.

use super::linear::{Call, Object, check};
use super::objects::{Grant, GrantOp, Register, RegisterOp, Stands};

fn call<Op>(start: u64, end: u64, op: Op) -> Call<Op> {
    Call { start, end: Some(end), op }
}

fn unanswered<Op>(start: u64, op: Op) -> Call<Op> {
    Call { start, end: None, op }
}

fn wrote(paper: &str) -> RegisterOp {
    RegisterOp::Wrote(paper.to_owned())
}

fn read(paper: &str) -> RegisterOp {
    RegisterOp::Read(Some(paper.to_owned()).filter(|paper| !paper.is_empty()))
}

fn passes<O: Object>(calls: &[Call<O::Op>]) -> bool {
    // Whatever order the calls were noted in.
    let backwards: Vec<_> = calls.iter().rev().cloned().collect();
    let found = check::<O>(calls);
    assert_eq!(found.is_ok(), check::<O>(&backwards).is_ok());
    found.is_ok()
}

#[test]
fn histories_of_one_copy_pass() {
    assert!(passes::<Register>(&[]));
    assert!(passes::<Register>(&[
        call(0, 1, read("")),
        call(2, 3, wrote("a")),
        call(4, 5, read("a")),
        call(6, 7, wrote("b")),
        call(8, 9, read("b")),
    ]));
    // While a write is under way, either is seen; of two writes at once, either is the last.
    assert!(passes::<Register>(&[call(0, 10, wrote("a")), call(1, 2, read("")), call(3, 4, read("a"))]));
    for last in ["a", "b"] {
        assert!(passes::<Register>(&[call(0, 10, wrote("a")), call(1, 9, wrote("b")), call(11, 12, read(last))]));
    }
}

#[test]
fn stale_readings_are_refused() {
    assert!(!passes::<Register>(&[call(0, 1, wrote("a")), call(2, 3, read(""))]));
    assert!(!passes::<Register>(&[call(0, 1, wrote("a")), call(2, 3, wrote("b")), call(4, 5, read("a"))]));
    // Once anybody has seen the new, nobody sees the old.
    assert!(!passes::<Register>(&[call(0, 10, wrote("a")), call(1, 2, read("a")), call(3, 4, read(""))]));
    // Nor do two see two orders.
    assert!(!passes::<Register>(&[
        call(0, 10, wrote("a")),
        call(0, 10, wrote("b")),
        call(11, 12, read("a")),
        call(13, 14, read("b")),
    ]));
}

#[test]
fn what_was_not_answered_may_have_happened_at_any_time_since_or_never() {
    let late = unanswered(0, wrote("a"));
    assert!(passes::<Register>(&[late.clone(), call(5, 6, read(""))]));
    assert!(passes::<Register>(&[late.clone(), call(5, 6, read("a"))]));
    assert!(passes::<Register>(&[late.clone(), call(5, 6, read("")), call(50, 60, read("a"))]));
    assert!(!passes::<Register>(&[late.clone(), call(5, 6, read("a")), call(7, 8, read(""))]));
    // It happens once, and not before it began.
    assert!(!passes::<Register>(&[late, call(1, 2, read("a")), call(3, 4, wrote("b")), call(5, 6, read("a"))]));
    assert!(!passes::<Register>(&[call(0, 1, read("a")), unanswered(2, wrote("a"))]));
}

#[test]
fn a_query_served_after_a_revocation_is_refused() {
    let approved = call(0, 1, GrantOp::Made(Stands::Active));
    let revoked = call(4, 8, GrantOp::Made(Stands::Revoked));
    let served = |start, end| call(start, end, GrantOp::Served);
    assert!(passes::<Grant>(&[approved.clone(), served(2, 3), revoked.clone(), served(5, 6)]));
    assert!(!passes::<Grant>(&[approved.clone(), revoked.clone(), served(9, 10)]));
    assert!(!passes::<Grant>(&[served(0, 1), call(2, 3, GrantOp::Made(Stands::Active))]));
    let seen = |start, end, stands| call(start, end, GrantOp::Seen(stands));
    assert!(!passes::<Grant>(&[approved.clone(), revoked, seen(5, 6, Stands::Revoked), served(7, 9)]));
    let lost = unanswered(2, GrantOp::Made(Stands::Revoked));
    assert!(passes::<Grant>(&[approved.clone(), lost.clone(), served(5, 6)]));
    assert!(!passes::<Grant>(&[approved.clone(), lost.clone(), seen(3, 4, Stands::Revoked), served(5, 6)]));
    assert!(passes::<Grant>(&[approved, lost, call(5, 6, GrantOp::TooLate(Stands::Revoked))]));
}

#[test]
fn a_grant_is_decided_once() {
    let made = |start, end, stands| call(start, end, GrantOp::Made(stands));
    let late = |start, end, stands| call(start, end, GrantOp::TooLate(stands));
    assert!(passes::<Grant>(&[made(0, 9, Stands::Denied), late(1, 8, Stands::Active)]));
    assert!(!passes::<Grant>(&[made(0, 9, Stands::Denied), made(1, 8, Stands::Active)]));
    assert!(!passes::<Grant>(&[late(0, 1, Stands::Active), made(2, 3, Stands::Active)]));
    assert!(!passes::<Grant>(&[made(0, 1, Stands::Active), late(2, 3, Stands::Revoked)]));
}
