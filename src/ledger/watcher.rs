//! What a watcher remembers of a ledger and of each place that shows it, and when it raises an alarm. Time is a parameter.

use crate::clock::Millis;

use super::watch::{Distrust, Kind, Verdict, Vouched};

/// Looks in a row that must show what may pass by itself: a restart, a copy that lags, a cosignature still under way.
pub const LOOKS_MIN: u32 = 3;

/// What may take how long, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Without an answer that can be verified and is as new as what is known.
    pub silence_ms: u64,
    /// Without anything new that enough departments vouch for; none when a ledger may rest.
    pub growth_ms: Option<u64>,
}

/// What is remembered of a place that shows the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Where it is.
    pub url: String,
    /// The largest size that it has shown.
    pub size: u64,
    /// When it last showed all that is known, or when the watch began.
    pub heard: Millis,
    doubt: Option<(Kind, u32)>,
}

impl Source {
    /// A place of which so much is known.
    pub fn new(url: String, size: u64, heard: Millis) -> Self {
        Self { url, size, heard, doubt: None }
    }

    /// Counts a look that shows what may pass; whether it has been shown often enough.
    fn doubted(&mut self, kind: Kind) -> bool {
        let before = self.doubt.filter(|(doubted, _)| *doubted == kind).map_or(0, |(_, looks)| looks);
        let looks = before.saturating_add(1);
        self.doubt = Some((kind, looks));
        looks >= LOOKS_MIN
    }
}

/// What a place showed in one look.
#[derive(Clone, Debug)]
pub enum Finding {
    /// Nothing; why.
    Unheard(String),
    /// A note that is not to be trusted.
    Distrusted(Distrust),
    /// A checkpoint that enough departments vouch for, and what it is to the trusted one; the first of all extends nothing.
    Seen(Vouched, Verdict),
}

/// Two places whose checkpoints, each vouched for, contradict each other.
#[derive(Clone, Copy, Debug)]
pub struct Clash {
    /// Number of the place that the alarm names.
    pub source: usize,
    /// Number of the place that it contradicts.
    pub against: usize,
    /// How.
    pub verdict: Verdict,
}

/// An alarm. Kind and url together name it for as long as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Which.
    pub kind: Kind,
    /// Who showed it.
    pub url: String,
    /// For people.
    pub why: String,
    /// The signed note that was shown.
    pub seen: Option<String>,
    /// The signed note that it is held against: the trusted one, or another place's.
    pub against: Option<String>,
}

/// The watcher's memory.
#[derive(Clone, Debug)]
pub struct Watcher {
    trusted: Option<Vouched>,
    sources: Vec<Source>,
    limits: Limits,
}

impl Watcher {
    /// A watcher that trusts so much; nothing before the first look.
    pub fn new(trusted: Option<Vouched>, sources: Vec<Source>, limits: Limits) -> Self {
        Self { trusted, sources, limits }
    }

    /// The checkpoint that it trusts.
    pub fn trusted(&self) -> Option<&Vouched> {
        self.trusted.as_ref()
    }

    /// The places.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Whether another look may turn something that was seen into an alarm, or let it pass.
    pub fn is_in_doubt(&self) -> bool {
        self.sources.iter().any(|source| source.doubt.is_some_and(|(_, looks)| looks < LOOKS_MIN))
    }

    /// Takes in one look: a finding for each place, in their order. Answers the alarms that stand, gravest first. The
    /// newest checkpoint is trusted from now on, unless a grave alarm stands, or `frozen` says that one stood before.
    pub fn conclude(&mut self, now: Millis, findings: &[Finding], clashes: &[Clash], frozen: bool) -> Vec<Alarm> {
        let known = self.trusted.as_ref().map_or(0, |trusted| trusted.checkpoint().size);
        let is_reached = findings.iter().any(|finding| shown(finding).is_some_and(|size| size >= known));
        let against = self.trusted.as_ref().map(Vouched::note);
        let mut alarms = Vec::new();
        for (source, finding) in self.sources.iter_mut().zip(findings) {
            let raised = judge_source(source, finding, now, known, is_reached);
            let raised = raised.or_else(|| overdue(source, finding, now, &self.limits));
            alarms.extend(raised.map(|(kind, why)| Alarm {
                kind,
                url: source.url.clone(),
                why,
                seen: note(finding),
                against: against.clone(),
            }));
        }
        alarms.extend(clashes.iter().filter_map(|clash| self.clash(clash, findings)));
        alarms.sort_by_key(|alarm| alarm.kind);
        if !frozen && !alarms.iter().any(|alarm| alarm.kind.is_grave()) {
            self.advance(findings);
        }
        alarms
    }

    fn clash(&self, clash: &Clash, findings: &[Finding]) -> Option<Alarm> {
        let (kind, how) = contradiction(clash.verdict)?;
        let (source, other) = (self.sources.get(clash.source)?, self.sources.get(clash.against)?);
        Some(Alarm {
            kind,
            url: source.url.clone(),
            why: format!("it contradicts {}: {how}", other.url),
            seen: findings.get(clash.source).and_then(note),
            against: findings.get(clash.against).and_then(note),
        })
    }

    fn advance(&mut self, findings: &[Finding]) {
        let rank = |vouched: &Vouched| (vouched.checkpoint().size, vouched.since_s());
        for finding in findings {
            if let Finding::Seen(seen, Verdict::Same | Verdict::Extends) = finding
                && self.trusted.as_ref().is_none_or(|trusted| rank(seen) > rank(trusted))
            {
                self.trusted = Some(seen.clone());
            }
        }
    }
}

fn shown(finding: &Finding) -> Option<u64> {
    match finding {
        Finding::Seen(seen, _) => Some(seen.checkpoint().size),
        Finding::Unheard(_) | Finding::Distrusted(_) => None,
    }
}

fn note(finding: &Finding) -> Option<String> {
    match finding {
        Finding::Seen(seen, _) => Some(seen.note()),
        Finding::Unheard(_) | Finding::Distrusted(_) => None,
    }
}

fn contradiction(verdict: Verdict) -> Option<(Kind, &'static str)> {
    match verdict {
        Verdict::Fork(how) => Some((Kind::Fork, how)),
        Verdict::StateDiverges => {
            Some((Kind::StateDivergence, "the same transactions with another digest of the state"))
        }
        Verdict::Same | Verdict::Extends | Verdict::Precedes | Verdict::Unproven => None,
    }
}

/// What one place's finding is worth an alarm for at once.
fn judge_source(
    source: &mut Source,
    finding: &Finding,
    now: Millis,
    known: u64,
    is_reached: bool,
) -> Option<(Kind, String)> {
    let (seen, verdict) = match finding {
        Finding::Unheard(_) => return None,
        Finding::Distrusted(distrust) => {
            let kind = distrust.kind()?;
            let is_sure = kind != Kind::TooFew || source.doubted(kind);
            return is_sure.then(|| (kind, distrust.to_string()));
        }
        Finding::Seen(seen, verdict) => (seen, *verdict),
    };
    if let Some((kind, how)) = contradiction(verdict) {
        return Some((kind, format!("it contradicts the trusted checkpoint: {how}")));
    }
    let size = seen.checkpoint().size;
    if size < known {
        // A copy may lag behind another one, but not behind itself, and not all of them at once.
        let is_rolled_back = size < source.size || !is_reached;
        let is_sure = is_rolled_back && source.doubted(Kind::Rollback);
        return is_sure.then(|| (Kind::Rollback, format!("size {size}, and {known} was trusted before")));
    }
    if verdict == Verdict::Unproven {
        let why = || format!("nobody proves that size {size} goes on where the trusted size {known} ended");
        return source.doubted(Kind::Unproven).then(|| (Kind::Unproven, why()));
    }
    (source.doubt, source.heard, source.size) = (None, now, source.size.max(size));
    None
}

/// What has lasted too long.
fn overdue(source: &Source, finding: &Finding, now: Millis, limits: &Limits) -> Option<(Kind, String)> {
    if now.since(source.heard) > limits.silence_ms {
        let what = match finding {
            Finding::Unheard(why) => why.clone(),
            Finding::Distrusted(distrust) => distrust.to_string(),
            Finding::Seen(seen, _) => format!("it stays behind, at size {}", seen.checkpoint().size),
        };
        return Some((Kind::Silence, what));
    }
    let (Finding::Seen(seen, _), Some(growth_ms)) = (finding, limits.growth_ms) else { return None };
    let since = Millis(seen.since_s().saturating_mul(1_000));
    let is_stalled = now.since(since) > growth_ms;
    is_stalled.then(|| (Kind::Stalled, format!("nothing new was cosigned since {since}")))
}

#[cfg(test)]
#[path = "watcher_tests.rs"]
mod tests;
