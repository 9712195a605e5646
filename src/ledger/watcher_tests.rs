//! When a watcher raises which alarm, and what it trusts afterwards.

use super::*;
use crate::ledger::watch::judge;
use crate::ledger::watch::tests::{checkpoint, tree, vouched};

const NEVER: u64 = u64::MAX;
const START: Millis = Millis(1_000_000_000);

fn watcher(urls: &[&str]) -> Watcher {
    let sources = urls.iter().map(|url| Source::new((*url).to_owned(), 0, START)).collect();
    Watcher::new(None, sources, Limits { silence_ms: 60_000, growth_ms: None })
}

/// What a place shows, as a look would judge it with the help of honest proofs.
fn seen(watcher: &Watcher, size: u64, fork: u64, state: u8) -> Finding {
    let shown = vouched(&checkpoint(size, fork, state), START.0 / 1_000);
    let verdict = watcher.trusted().map_or(Verdict::Extends, |trusted| {
        let known = trusted.checkpoint();
        let (from, to) = (known.size.min(size), known.size.max(size));
        judge(known, shown.checkpoint(), tree(to, fork).consistency(from, to).as_deref())
    });
    Finding::Seen(shown, verdict)
}

fn honest(watcher: &Watcher, size: u64) -> Finding {
    seen(watcher, size, NEVER, 0)
}

/// One look, some milliseconds after the start; the alarms' kinds and urls.
fn look(watcher: &mut Watcher, at: u64, findings: &[Finding]) -> Vec<(Kind, String)> {
    let alarms = watcher.conclude(START.plus(at), findings, &[], false);
    alarms.into_iter().map(|alarm| (alarm.kind, alarm.url)).collect()
}

fn size(watcher: &Watcher) -> u64 {
    watcher.trusted().map_or(0, |trusted| trusted.checkpoint().size)
}

fn unheard() -> Finding {
    Finding::Unheard("connection refused".into())
}

#[test]
fn an_honest_ledger_is_followed_and_may_rest() {
    let mut watcher = watcher(&["a"]);
    for (at, shown) in [(0, 5), (10_000, 5), (20_000, 9), (1_000_000, 9), (2_000_000, 9)] {
        let finding = honest(&watcher, shown);
        assert_eq!(look(&mut watcher, at, &[finding]), []);
        assert_eq!(size(&watcher), shown);
    }
}

#[test]
fn a_changed_past_is_told_at_once_and_never_trusted() {
    for (finding, kind) in [((5, 3, 0), Kind::Fork), ((9, 3, 0), Kind::Fork), ((5, NEVER, 1), Kind::StateDivergence)] {
        let mut watcher = watcher(&["a", "b"]);
        let first = [honest(&watcher, 5), honest(&watcher, 5)];
        assert_eq!(look(&mut watcher, 0, &first), []);
        let before = watcher.trusted().cloned();
        let findings = [seen(&watcher, finding.0, finding.1, finding.2), honest(&watcher, 12)];
        let alarms = watcher.conclude(START, &findings, &[], false);
        assert_eq!((alarms.len(), alarms[0].kind, alarms[0].url.as_str()), (1, kind, "a"));
        assert!(alarms[0].seen.is_some() && alarms[0].seen != alarms[0].against);
        assert_eq!(watcher.trusted().cloned(), before, "trust went on past a {}", kind.name());
    }
}

#[test]
fn two_places_that_contradict_each_other_are_told_even_before_anything_is_trusted() {
    let mut watcher = watcher(&["a", "b"]);
    let findings = [honest(&watcher, 5), seen(&watcher, 5, 3, 0)];
    let clash = Clash { source: 1, against: 0, verdict: Verdict::Fork("two roots of one size") };
    let alarms = watcher.conclude(START, &findings, &[clash], false);
    assert_eq!((alarms.len(), alarms[0].kind, alarms[0].url.as_str()), (1, Kind::Fork, "b"));
    assert!(alarms[0].why.contains('a') && alarms[0].against.is_some());
    assert_eq!(watcher.trusted(), None);
    watcher.conclude(START, &findings[..1], &[], true);
    assert_eq!(watcher.trusted(), None, "trust went on while an alarm of before stood");
}

#[test]
fn a_rollback_must_last_and_a_copy_may_lag() {
    let mut watcher = watcher(&["a", "b"]);
    let first = [honest(&watcher, 9), honest(&watcher, 5)];
    assert_eq!(look(&mut watcher, 0, &first), []);
    // The copy lags behind the other one, but not behind itself.
    for at in [1, 2, 3, 4] {
        let findings = [honest(&watcher, 9), honest(&watcher, 6)];
        assert_eq!(look(&mut watcher, at, &findings), []);
    }
    let rolled_back = [honest(&watcher, 8), honest(&watcher, 9)];
    assert_eq!(look(&mut watcher, 5, &rolled_back), []);
    assert!(watcher.is_in_doubt());
    let recovered = [honest(&watcher, 9), honest(&watcher, 9)];
    assert_eq!(look(&mut watcher, 6, &recovered), []);
    assert!(!watcher.is_in_doubt());
    assert_eq!(look(&mut watcher, 7, &rolled_back), []);
    assert_eq!(look(&mut watcher, 8, &rolled_back), []);
    assert_eq!(look(&mut watcher, 9, &rolled_back), [(Kind::Rollback, "a".to_owned())]);
    assert_eq!(size(&watcher), 9);
}

#[test]
fn nobody_may_show_less_than_was_trusted_not_even_a_stranger() {
    let mut earlier = watcher(&["a"]);
    let first = honest(&earlier, 9);
    look(&mut earlier, 0, &[first]);
    let mut watcher =
        Watcher::new(earlier.trusted().cloned(), vec![Source::new("new".into(), 0, START)], earlier.limits);
    let smaller = [honest(&watcher, 7)];
    assert_eq!(look(&mut watcher, 1, &smaller), []);
    assert_eq!(look(&mut watcher, 2, &smaller), []);
    assert_eq!(look(&mut watcher, 3, &smaller), [(Kind::Rollback, "new".to_owned())]);
}

#[test]
fn silence_is_no_answer_no_checkpoint_or_an_old_one_for_too_long() {
    let malformed = || Finding::Distrusted(Distrust::Malformed("no note".into()));
    let mut watcher = watcher(&["a", "b", "c", "d"]);
    let first = [honest(&watcher, 5), honest(&watcher, 5), honest(&watcher, 5), honest(&watcher, 5)];
    assert_eq!(look(&mut watcher, 0, &first), []);
    let growth = honest(&watcher, 9);
    let second = [unheard(), malformed(), honest(&watcher, 5), growth.clone()];
    assert_eq!(look(&mut watcher, 1, &second), []);
    let third = |watcher: &Watcher| [unheard(), malformed(), honest(watcher, 5), honest(watcher, 9)];
    let findings = third(&watcher);
    assert_eq!(look(&mut watcher, 60_000, &findings), []);
    let silent = |url: &str| (Kind::Silence, url.to_owned());
    assert_eq!(look(&mut watcher, 60_002, &findings), [silent("a"), silent("b"), silent("c")]);
    let again = [honest(&watcher, 9), honest(&watcher, 9), honest(&watcher, 9), unheard()];
    assert_eq!(look(&mut watcher, 60_003, &again), []);
}

#[test]
fn what_is_not_signed_enough_must_last_and_what_is_signed_wrongly_need_not() {
    let table = [
        (Distrust::BadSignature("city/tax".into()), Kind::BadSignature, 1),
        (Distrust::OtherChain("mulu-2".into()), Kind::OtherChain, 1),
        (Distrust::TooFew("1 of 2".into()), Kind::TooFew, LOOKS_MIN),
    ];
    for (distrust, kind, looks) in table {
        let mut watcher = watcher(&["a"]);
        for n in 1..=LOOKS_MIN {
            let alarms = look(&mut watcher, u64::from(n), &[Finding::Distrusted(distrust.clone())]);
            let expected = if n >= looks { vec![(kind, "a".to_owned())] } else { vec![] };
            assert_eq!(alarms, expected, "{distrust}, look {n}");
        }
        assert_eq!(watcher.trusted(), None);
    }
}

#[test]
fn growth_that_nobody_proves_is_not_trusted() {
    let mut watcher = watcher(&["a"]);
    let first = honest(&watcher, 5);
    look(&mut watcher, 0, &[first]);
    let unproven = [Finding::Seen(vouched(&checkpoint(9, NEVER, 0), 5), Verdict::Unproven)];
    assert_eq!((look(&mut watcher, 1, &unproven), look(&mut watcher, 2, &unproven)), (vec![], vec![]));
    assert_eq!(look(&mut watcher, 3, &unproven), [(Kind::Unproven, "a".to_owned())]);
    assert_eq!(size(&watcher), 5);
}

#[test]
fn an_expected_growth_that_does_not_come_is_told() {
    let mut watcher = watcher(&["a"]);
    watcher.limits.growth_ms = Some(30_000);
    let resting = [honest(&watcher, 5)];
    assert_eq!(look(&mut watcher, 0, &resting), []);
    assert_eq!(look(&mut watcher, 30_000, &resting), []);
    assert_eq!(look(&mut watcher, 30_001, &resting), [(Kind::Stalled, "a".to_owned())]);
}
