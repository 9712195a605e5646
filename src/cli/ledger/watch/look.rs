//! One look at all places: their checkpoints, the proofs that tie these together, and what the watcher makes of them.

use futures_util::future::join_all;
use reqwest::Client;

use crate::cli::error::CliError;
use crate::clock::Millis;
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::trust::TrustPolicy;
use crate::ledger::watch::{Verdict, Vouched, judge, proof_needed};
use crate::ledger::watcher::{Alarm, Clash, Finding, Watcher};

use super::evidence::Evidence;
use super::memory::Memory;
use super::place::Place;

/// Places that are asked for one proof.
const ASKED_MAX: usize = 4;

/// Everything that looks.
pub struct Follower {
    /// Asks.
    pub http: Client,
    /// Whom, in the watcher's order.
    pub places: Vec<Place>,
    /// Whose word counts.
    pub policy: TrustPolicy,
    /// What is known.
    pub watcher: Watcher,
    /// Where that is kept.
    pub memory: Memory,
    /// Where lies are kept.
    pub evidence: Evidence,
}

/// What a look showed.
#[derive(Default)]
pub struct Look {
    /// The alarms that stand, gravest first.
    pub alarms: Vec<Alarm>,
    /// Places that showed nothing, and why.
    pub unheard: Vec<(String, String)>,
}

impl Follower {
    /// Looks once. What it found is durable when this has returned.
    ///
    /// # Errors
    /// The disk's.
    pub async fn look(&mut self, now: Millis) -> Result<Look, CliError> {
        let (http, policy) = (&self.http, &self.policy);
        let shown = join_all(self.places.iter_mut().map(|place| place.checkpoint(http))).await;
        let mut findings: Vec<Finding> = shown
            .into_iter()
            .map(|note| match note {
                Err(why) => Finding::Unheard(why),
                Ok(note) => match Vouched::check(&note, policy) {
                    Err(distrust) => Finding::Distrusted(distrust),
                    Ok(seen) => Finding::Seen(seen, Verdict::Extends),
                },
            })
            .collect();
        let mut proofs =
            Proofs { http, places: &self.places, sizes: findings.iter().map(size).collect(), known: vec![] };
        if let Some(trusted) = self.watcher.trusted() {
            for finding in &mut findings {
                if let Finding::Seen(seen, verdict) = finding {
                    *verdict = proofs.relate(trusted.checkpoint(), seen.checkpoint()).await;
                }
            }
        }
        let clashes = proofs.clashes(&mut findings).await;
        self.conclude(now, &findings, &clashes)
    }

    fn conclude(&mut self, now: Millis, findings: &[Finding], clashes: &[Clash]) -> Result<Look, CliError> {
        let is_frozen = !self.evidence.standing()?.is_empty();
        let mut alarms = self.watcher.conclude(now, findings, clashes, is_frozen);
        for alarm in alarms.iter().filter(|alarm| alarm.kind.is_grave()) {
            self.evidence.keep(now, alarm)?;
        }
        self.memory.keep(&self.watcher)?;
        // A grave alarm stands as its evidence does, whatever is shown since.
        alarms.retain(|alarm| !alarm.kind.is_grave());
        alarms.extend(self.evidence.standing()?);
        alarms.sort_by_key(|alarm| alarm.kind);
        let urls = self.watcher.sources().iter().map(|source| source.url.clone());
        let unheard = urls.zip(findings).filter_map(|(url, finding)| match finding {
            Finding::Unheard(why) => Some((url, why.clone())),
            Finding::Distrusted(distrust) => Some((url, distrust.to_string())),
            Finding::Seen(..) => None,
        });
        Ok(Look { alarms, unheard: unheard.collect() })
    }
}

fn size(finding: &Finding) -> Option<u64> {
    match finding {
        Finding::Seen(seen, _) => Some(seen.checkpoint().size),
        Finding::Unheard(_) | Finding::Distrusted(_) => None,
    }
}

/// The proofs of one look. A proof carries itself: it does not matter who gives it.
struct Proofs<'a> {
    http: &'a Client,
    places: &'a [Place],
    /// What each place has shown; it can prove nothing beyond.
    sizes: Vec<Option<u64>>,
    known: Vec<(Checkpoint, Checkpoint, Verdict)>,
}

impl Proofs<'_> {
    /// What one checkpoint is to another, by the first place that can prove it.
    async fn relate(&mut self, known: &Checkpoint, seen: &Checkpoint) -> Verdict {
        let Some((from, to)) = proof_needed(known, seen) else { return judge(known, seen, None) };
        if let Some((.., verdict)) = self.known.iter().find(|(one, other, _)| (one, other) == (known, seen)) {
            return *verdict;
        }
        let mut able: Vec<(u64, &Place)> =
            self.sizes.iter().zip(self.places).filter_map(|(s, p)| Some(((*s)?, p))).collect();
        able.retain(|(size, _)| *size >= to);
        able.sort_by_key(|(size, _)| *size);
        let mut verdict = Verdict::Unproven;
        for (_, place) in able.into_iter().take(ASKED_MAX) {
            let Ok(proof) = place.proof(self.http, known.algorithm(), from, to).await else { continue };
            verdict = judge(known, seen, Some(&proof));
            if !matches!(verdict, Verdict::Fork(_)) {
                break;
            }
        }
        self.known.push((known.clone(), seen.clone(), verdict));
        verdict
    }

    /// Holds the places against each other, from the smallest ledger to the largest. What nobody ties to the smaller
    /// ones is unproven.
    async fn clashes(&mut self, findings: &mut [Finding]) -> Vec<Clash> {
        let fits = |finding: &Finding| matches!(finding, Finding::Seen(_, verdict) if !matches!(verdict, Verdict::Fork(_) | Verdict::StateDiverges));
        let mut order: Vec<(Option<u64>, usize)> = findings
            .iter()
            .enumerate()
            .filter(|(_, finding)| fits(finding))
            .map(|(n, finding)| (size(finding), n))
            .collect();
        order.sort();
        let mut clashes = Vec::new();
        for pair in order.windows(2) {
            let [(_, against), (_, source)] = *pair else { continue };
            let (Some(Finding::Seen(older, _)), Some(Finding::Seen(newer, _))) =
                (findings.get(against), findings.get(source))
            else {
                continue;
            };
            let (older, newer) = (older.checkpoint().clone(), newer.checkpoint().clone());
            match self.relate(&older, &newer).await {
                verdict @ (Verdict::Fork(_) | Verdict::StateDiverges) => {
                    clashes.push(Clash { source, against, verdict })
                }
                Verdict::Unproven => {
                    if let Some(Finding::Seen(_, verdict)) = findings.get_mut(source) {
                        *verdict = Verdict::Unproven;
                    }
                }
                Verdict::Same | Verdict::Extends | Verdict::Precedes => {}
            }
        }
        clashes
    }
}
