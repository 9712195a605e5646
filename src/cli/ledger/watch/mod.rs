//! `mulu ledger watch`: follows a ledger, trusts nobody, and says when somebody lies or falls silent.

mod evidence;
mod look;
mod memory;
mod place;
mod tell;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use reqwest::Url;
use tokio::time::sleep;

use crate::cli::error::CliError;
use crate::cli::node::stop_signal;
use crate::cli::receipt::{policy, read};
use crate::cli::runtime;
use crate::clock::{Clock as _, Millis, SystemClock};
use crate::crypto::tls::install_provider;
use crate::ledger::watch::Kind;
use crate::ledger::watcher::{LOOKS_MIN, Limits, Source, Watcher};
use crate::web::metrics::TextPage;

use evidence::Evidence;
use look::{Follower, Look};
use memory::Memory;
use place::Place;
use tell::Teller;

/// Places in one watch.
const URLS_MAX: usize = 64;
/// Between looks that are repeated to be sure.
const AGAIN: Duration = Duration::from_secs(1);

const CODES: &str = "Exit codes: 0 no alarm stands; 1 failed, or a url shows nothing that can be verified, but not yet for \
    too long; 2 wrong use; 16 the policy file is faulty; and of alarms, the gravest: 20 fork, 21 state_divergence, \
    22 rollback, 23 bad_signature, 24 other_chain, 25 too_few_cosignatures, 26 unproven, 27 silence, 28 stalled.\n\n\
    fork, state_divergence and rollback leave a file with both signed notes in STATE.evidence/. While one lies there its \
    alarm stands and nothing newer is trusted.";

/// Follow a ledger, at one node or several, or where an export of it is served, and raise an alarm when it contradicts
/// what it showed before, contradicts itself between places, goes back, or falls silent. The first look trusts what the
/// policy trusts; from then on everything must be proven to go on from there. Ends with 0 at Ctrl-C when no alarm stands.
#[derive(Args)]
#[command(after_help = CODES)]
pub struct Watch {
    /// A node, or a folder of tiles at a web server; may be given several times
    #[arg(long = "url", required = true, value_name = "URL")]
    urls: Vec<Url>,
    /// Whom to trust, TOML, as for `mulu receipt verify`
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Where the trusted checkpoint is kept from look to look
    #[arg(long, value_name = "FILE")]
    state: PathBuf,
    /// A file with the bearer token for a node: one for all urls, or one for each in their order
    #[arg(long = "token-file", value_name = "FILE")]
    token_files: Vec<PathBuf>,
    /// Certificates of the authorities to believe over TLS, PEM, instead of this machine's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Seconds between looks
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    every: u64,
    /// Seconds without a checkpoint that can be verified and is as new as what is known, until that is an alarm. A
    /// ledger at rest that shows its last checkpoint again is not silent
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    silence: u64,
    /// Raise an alarm also when enough departments have cosigned nothing new for so many seconds
    #[arg(long, value_name = "SECONDS")]
    expect_growth: Option<u64>,
    /// Look, tell, and end; silence counts from when a url was last heard, by the state
    #[arg(long)]
    once: bool,
    /// Post each change of an alarm there, as JSON
    #[arg(long, value_name = "URL")]
    webhook: Option<Url>,
    /// Serve numbers for Prometheus at `http://ADDR/metrics`
    #[arg(long, value_name = "ADDR", conflicts_with = "once")]
    metrics: Option<SocketAddr>,
    /// Tell in lines of JSON
    #[arg(long)]
    json: bool,
}

impl Watch {
    pub(super) fn run(self) -> Result<(), CliError> {
        install_provider();
        let mut follower = self.follower(SystemClock.now())?;
        let runtime = runtime()?;
        let look = runtime.block_on(async {
            if self.once { self.look_once(&mut follower).await } else { self.follow(&mut follower).await }
        })?;
        verdict(&look, self.once)
    }

    fn follower(&self, now: Millis) -> Result<Follower, CliError> {
        let policy = policy(&self.policy)?;
        let tokens = self.tokens()?;
        let (memory, known) = Memory::open(&self.state, &policy)?;
        let mut sources = Vec::new();
        for url in self.urls.iter().map(address) {
            let url = url?;
            let (size, heard) = known.source(&url).unwrap_or_default();
            if sources.iter().any(|source: &Source| source.url == url) {
                return Err(CliError::usage(format_args!("{url} is given twice")));
            }
            // Who follows was not there to hear anything before.
            sources.push(Source::new(url, size, if self.once { heard } else { now }));
        }
        let needs_tls = self.urls.iter().chain(&self.webhook).any(|url| url.scheme() == "https");
        let limits = Limits {
            silence_ms: self.silence.saturating_mul(1_000),
            growth_ms: self.expect_growth.map(|seconds| seconds.saturating_mul(1_000)),
        };
        Ok(Follower {
            http: place::http(self.ca.as_deref(), needs_tls)?,
            places: sources.iter().zip(tokens).map(|(source, token)| Place::new(&source.url, token)).collect(),
            watcher: Watcher::new(known.trusted, sources, limits),
            evidence: Evidence::beside(&self.state, &policy),
            policy,
            memory,
        })
    }

    /// A token, or none, for each url.
    fn tokens(&self) -> Result<Vec<Option<String>>, CliError> {
        if self.urls.len() > URLS_MAX {
            return Err(CliError::usage(format_args!("more than {URLS_MAX} urls")));
        }
        let tokens: Result<Vec<_>, _> =
            self.token_files.iter().map(|file| Ok(Some(read(file)?.trim().to_owned()))).collect();
        let tokens: Vec<Option<String>> = tokens.map_err(|error: CliError| error)?;
        match tokens.as_slice() {
            [] => Ok(vec![None; self.urls.len()]),
            [one] => Ok(vec![one.clone(); self.urls.len()]),
            each if each.len() == self.urls.len() => Ok(tokens),
            _ => Err(CliError::usage("give one token file for all urls, or one for each")),
        }
    }

    async fn look_once(&self, follower: &mut Follower) -> Result<Look, CliError> {
        let mut look = follower.look(SystemClock.now()).await?;
        for _ in 1..LOOKS_MIN {
            if !follower.watcher.is_in_doubt() {
                break;
            }
            sleep(AGAIN.min(Duration::from_secs(self.every))).await;
            look = follower.look(SystemClock.now()).await?;
        }
        let changes = Teller::new(self.json).tell(SystemClock.now(), &look, follower.watcher.trusted());
        if let Some(webhook) = &self.webhook {
            tell::post(&follower.http, webhook, &changes).await;
        }
        Ok(look)
    }

    async fn follow(&self, follower: &mut Follower) -> Result<Look, CliError> {
        let mut stop = std::pin::pin!(stop_signal()?);
        let page = TextPage::default();
        if let Some(address) = self.metrics {
            let server = page.serve(address).map_err(CliError::failed)?;
            tokio::spawn(server);
        }
        let mut teller = Teller::new(self.json);
        let mut last = Look::default();
        loop {
            last = tokio::select! {
                look = follower.look(SystemClock.now()) => look?,
                () = &mut stop => return Ok(last),
            };
            page.show(tell::metrics(&follower.watcher, &last));
            let changes = teller.tell(SystemClock.now(), &last, follower.watcher.trusted());
            let pause = async {
                if let Some(webhook) = &self.webhook {
                    tell::post(&follower.http, webhook, &changes).await;
                }
                sleep(Duration::from_secs(self.every)).await;
            };
            tokio::select! {
                () = pause => {}
                () = &mut stop => return Ok(last),
            }
        }
    }
}

/// The url as it is kept, without a slash at its end.
fn address(url: &Url) -> Result<String, CliError> {
    let is_plain =
        url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || !is_plain {
        return Err(CliError::usage(format_args!("{url}: write http(s)://host[:port][/folder]")));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn verdict(look: &Look, once: bool) -> Result<(), CliError> {
    if let Some(alarm) = look.alarms.first() {
        let why = format!("{}: {}", alarm.url, alarm.why);
        return Err(CliError::Proof { exit: exit_code(alarm.kind), code: alarm.kind.name(), why });
    }
    match look.unheard.first() {
        Some((url, why)) if once => {
            Err(CliError::failed(format_args!("{url} shows nothing that can be verified: {why}")))
        }
        _ => Ok(()),
    }
}

fn exit_code(kind: Kind) -> u8 {
    match kind {
        Kind::Fork => 20,
        Kind::StateDivergence => 21,
        Kind::Rollback => 22,
        Kind::BadSignature => 23,
        Kind::OtherChain => 24,
        Kind::TooFew => 25,
        Kind::Unproven => 26,
        Kind::Silence => 27,
        Kind::Stalled => 28,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alarm_has_an_exit_code_of_its_own_that_is_documented() {
        let codes: std::collections::BTreeSet<u8> = Kind::ALL.into_iter().map(exit_code).collect();
        assert_eq!(codes.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            let documented = format!("{} {}", exit_code(kind), kind.name());
            assert!(CODES.contains(&documented), "{documented} is not in the help");
        }
    }
}
