//! `mulu ledger watch`: passes an honest city, and names every lie that it is shown.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use mulu::crypto::digest::HashAlgorithm;
use mulu::crypto::sign::SigningKey;
use mulu::ledger::checkpoint::{Checkpoint, SignedCheckpoint};
use mulu::ledger::merkle::{Nodes as _, Tree};
use mulu::ledger::tiles::{Holds, tiles};

use crate::harness::{Caller, City, FileServer, Files, Wish, eventually, mulu, now, signal};

const CHAIN: &str = "mulu-5e1f";
const NEVER: u64 = u64::MAX;

/// A watch with a policy and a state of its own.
struct Watch {
    folder: TempDir,
    policy: PathBuf,
    urls: Vec<String>,
    more: Vec<String>,
}

impl Watch {
    fn new(policy: &Path, urls: &[&str]) -> Self {
        let urls = urls.iter().map(|url| (*url).to_owned()).collect();
        Self { folder: tempfile::tempdir().unwrap(), policy: policy.to_owned(), urls, more: Vec::new() }
    }

    fn arguments(&self, more: &[&str]) -> Vec<String> {
        let (policy, state) = (self.policy.to_str().unwrap(), self.state());
        let fixed = ["ledger", "watch", "--policy", policy, "--state", state.to_str().unwrap(), "--every", "1"];
        let urls = self.urls.iter().flat_map(|url| ["--url", url.as_str()]);
        let more = self.more.iter().map(String::as_str).chain(more.iter().copied());
        fixed.into_iter().chain(urls).chain(more).map(ToOwned::to_owned).collect()
    }

    /// One look that must end with a code.
    #[track_caller]
    fn once(&self, code: i32, more: &[&str]) -> String {
        let said = mulu(&self.arguments(&[&["--once"][..], more].concat()));
        if code == 0 { said.ok() } else { said.failed(code) }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state.json")
    }

    /// The trusted size, as the state says.
    fn size(&self) -> u64 {
        let state: Value = serde_json::from_slice(&std::fs::read(self.state()).unwrap()).unwrap();
        SignedCheckpoint::parse(state["trusted"].as_str().unwrap()).unwrap().checkpoint().size
    }

    /// The files that say what was seen.
    fn evidence(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder.path().join("state.json.evidence"));
        let paths = entries.into_iter().flatten().map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|end| end == "json")).collect()
    }

    /// A person has looked into it.
    fn accept_evidence(&self) {
        for file in self.evidence() {
            mulu(&["ledger", "evidence", file.to_str().unwrap(), "--accept"]).ok();
        }
    }
}

#[test]
fn a_watch_passes_an_honest_city_that_grows_and_two_of_its_nodes_agree() {
    let city = City::shared();
    let (tax, audit) = (&city.node("tax").url, &city.node("audit").url);
    let mut watch = Watch::new(&city.dir().join("trust.toml"), &[tax, audit]);
    for department in ["tax", "audit"] {
        let file = watch.folder.path().join(department);
        std::fs::write(&file, &city.node(department).system_token).unwrap();
        watch.more.extend(["--token-file".to_owned(), file.to_str().unwrap().to_owned()]);
    }
    let said = watch.once(0, &[]);
    assert!(said.contains("trusted size") && said.contains("cosigned by"), "{said}");
    let before = watch.size();
    let wish = Wish { consumer: "tax", purpose: "statistics", ..Wish::marriage() };
    let asked = city.system("tax").post("grants?wait=anchored", &wish.body()).ok();
    let index = asked["ledger_index"].as_u64().unwrap();
    watch.once(0, &[]);
    assert!(watch.size() > index && index >= before, "the watch trusts {} after {index}", watch.size());
    assert_eq!(watch.evidence(), Vec::<PathBuf>::new());

    watch.more.clear();
    watch.once(1, &[]);
    let said = watch.once(27, &["--silence", "0"]);
    assert!(said.contains("401"), "{said}");
}

/// A ledger as an export of it is served; from leaf `fork` on it is another one.
struct Shown {
    checkpoint: Checkpoint,
    files: Files,
}

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32])
}

fn shown(size: u64, fork: u64) -> Shown {
    let algorithm = HashAlgorithm::Sm3;
    let mut tree = Tree::new(algorithm);
    for n in 0..size {
        let branch = if n < fork { NEVER } else { fork };
        tree.push(algorithm.digest(&[&n.to_be_bytes(), &branch.to_be_bytes()]));
    }
    let hashes = tiles(size).filter(|tile| matches!(tile.holds, Holds::Hashes(_)));
    let files = hashes.map(|tile| {
        let nodes = (tile.first()..tile.end()).map(|index| tree.node(tile.tree_level(), index).unwrap().0);
        (format!("/{tile}"), nodes.collect::<Vec<_>>().concat())
    });
    let state = algorithm.digest(&[&size.to_be_bytes()]);
    Shown { checkpoint: Checkpoint::new(CHAIN, algorithm, size, tree.root(), state), files: files.collect() }
}

impl Shown {
    /// Its note, cosigned by the first departments of the policy at a time in seconds since 1970.
    fn note(&self, cosigners: u8, time_s: u64) -> String {
        let mut signed = self.checkpoint.unsigned().unwrap();
        for (n, department) in (1..=cosigners).zip(["audit", "tax", "water"]) {
            signed.cosign(&department.parse().unwrap(), &key(n), time_s);
        }
        signed.encode()
    }

    fn with(mut self, note: String) -> Files {
        self.files.insert("/checkpoint".into(), note.into_bytes());
        self.files
    }

    fn whole(self) -> Files {
        let note = self.note(2, now().0 / 1_000);
        self.with(note)
    }
}

/// Any two of audit, tax and water.
fn policy(folder: &Path) -> PathBuf {
    let keys = [("audit", 1), ("tax", 2), ("water", 3)].map(|(name, n)| format!("{name} = \"{}\"\n", key(n).public()));
    let file = folder.join("policy.toml");
    let text = format!("chain = \"{CHAIN}\"\nsignatures_min = 2\n[departments]\n{}", keys.concat());
    std::fs::write(&file, text).unwrap();
    file
}

#[test]
fn forks_and_rollbacks_have_their_code_leave_evidence_and_are_never_trusted() {
    let (folder, server) = (tempfile::tempdir().unwrap(), FileServer::start());
    let watch = Watch::new(&policy(folder.path()), &[&server.url]);
    for size in [300, 300, 700] {
        server.serve(shown(size, NEVER).whole());
        watch.once(0, &[]);
        assert_eq!(watch.size(), size);
    }
    let mut other_state = shown(700, NEVER);
    other_state.checkpoint.state = other_state.checkpoint.root;
    for (what, files, code) in [
        ("a fork that goes on", shown(900, 500).whole(), 20),
        ("a fork of the same size", shown(700, 699).whole(), 20),
        ("another state", other_state.whole(), 21),
        ("a rollback", shown(650, NEVER).whole(), 22),
    ] {
        server.serve(files);
        let said = watch.once(code, &[]);
        assert!(said.contains(&server.url), "{what}: {said}");
        let evidence = watch.evidence();
        assert_eq!(evidence.len(), 1, "{what}");
        let said =
            mulu(&["ledger", "evidence", evidence[0].to_str().unwrap(), "--policy", watch.policy.to_str().unwrap()])
                .ok();
        assert!(said.contains(&server.url) && said.contains("audit, tax cosigned size 700"), "{what}: {said}");
        assert_eq!(said.contains("which no honest node does"), what.contains("same") || code == 21, "{what}: {said}");
        // Who lied once and tells the truth again has lied.
        server.serve(shown(900, NEVER).whole());
        let said = watch.once(code, &[]);
        assert!(said.contains(evidence[0].to_str().unwrap()), "{what}: {said}");
        assert_eq!((watch.size(), watch.evidence().len()), (700, 1), "{what} was forgotten");
        watch.accept_evidence();
        server.serve(shown(700, NEVER).whole());
        watch.once(0, &[]);
    }
    server.serve(shown(900, NEVER).whole());
    watch.once(0, &[]);
    assert_eq!(watch.size(), 900);
}

#[test]
fn what_is_not_vouched_for_and_what_is_silent_have_their_codes() {
    let (folder, server) = (tempfile::tempdir().unwrap(), FileServer::start());
    let watch = Watch::new(&policy(folder.path()), &[&server.url]);
    server.serve(shown(300, NEVER).whole());
    watch.once(0, &[]);
    let time_s = now().0 / 1_000;
    let altered = shown(400, NEVER).note(2, time_s).replacen("\n400\n", "\n401\n", 1);
    let mut other = shown(400, NEVER);
    other.checkpoint.origin = "mulu-0 sm3".into();
    let unproven = Files::from([("/checkpoint".into(), shown(400, NEVER).note(2, time_s).into_bytes())]);
    for (what, files, code) in [
        ("altered after it was signed", shown(400, NEVER).with(altered), 23),
        ("of another chain", other.whole(), 24),
        ("one cosignature", shown(400, NEVER).with(shown(400, NEVER).note(1, time_s)), 25),
        ("no proof", unproven, 26),
        ("nothing, for a moment", Files::new(), 1),
        ("no checkpoint, for a moment", Files::from([("/checkpoint".into(), b"hello\n".to_vec())]), 1),
    ] {
        server.serve(files);
        let said = watch.once(code, &[]);
        assert!(said.contains(&server.url), "{what}: {said}");
        assert_eq!((watch.size(), watch.evidence().len()), (300, 0), "{what}");
    }
    watch.once(27, &["--silence", "0"]);
    server.serve(shown(300, NEVER).with(shown(300, NEVER).note(2, time_s - 3_600)));
    watch.once(0, &[]);
    watch.once(28, &["--expect-growth", "1800"]);
    std::fs::write(&watch.policy, "chain = 1").unwrap();
    watch.once(16, &[]);
}

#[test]
fn two_places_that_contradict_each_other_are_a_fork_though_each_is_consistent() {
    let (folder, one, other) = (tempfile::tempdir().unwrap(), FileServer::start(), FileServer::start());
    let watch = Watch::new(&policy(folder.path()), &[&one.url, &other.url]);
    one.serve(shown(300, NEVER).whole());
    other.serve(shown(300, NEVER).whole());
    watch.once(0, &[]);
    // Both go on from what is trusted, each for itself.
    one.serve(shown(400, 350).whole());
    other.serve(shown(500, 370).whole());
    let said = watch.once(20, &["--json"]);
    assert!(said.contains(&one.url) && said.contains(&other.url), "{said}");
    assert_eq!((watch.size(), watch.evidence().len()), (300, 1));
}

/// A running watch; it ends with the test.
struct Following(Child);

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_watch_that_follows_tells_by_webhook_and_metric_and_ends_with_what_stands() {
    let (folder, server, hook) = (tempfile::tempdir().unwrap(), FileServer::start(), FileServer::start());
    let watch = Watch::new(&policy(folder.path()), &[&server.url]);
    server.serve(shown(300, NEVER).whole());
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let follow = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mulu"));
        command.args(watch.arguments(&["--metrics", &address, "--webhook", &hook.url]));
        Following(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    };
    let metrics = Caller::anonymous(&format!("http://{address}"));
    let shows = |line: &str| metrics.try_get("/metrics").is_some_and(|page| page.text.lines().any(|one| one == line));
    let alarm = |kind: &str, on: u8| format!("mulu_watch_alarm{{kind=\"{kind}\",url=\"{}\"}} {on}", server.url);

    let mut following = follow();
    eventually("the watch trusts the ledger", || shows("mulu_watch_trusted_size 300"));
    server.serve(shown(400, NEVER).with(shown(400, NEVER).note(2, 5).replacen("\n400\n", "\n401\n", 1)));
    eventually("a bad signature is an alarm", || shows(&alarm("bad_signature", 1)));
    server.serve(shown(400, NEVER).whole());
    eventually("the alarm is cleared", || shows(&alarm("bad_signature", 0)) && shows("mulu_watch_trusted_size 400"));
    signal(following.0.id(), "INT");
    assert_eq!(following.0.wait().unwrap().code(), Some(0));

    let mut following = follow();
    server.serve(shown(350, NEVER).whole());
    eventually("a rollback is an alarm", || shows(&alarm("rollback", 1)));
    eventually("the webhook has all of it", || hook.posted().len() == 3);
    let told: Vec<Value> = hook.posted().iter().map(|body| serde_json::from_str(body).unwrap()).collect();
    let changes: Vec<Value> = told.iter().map(|change| json!([change["event"], change["kind"]])).collect();
    let expected = [["alarm", "bad_signature"], ["cleared", "bad_signature"], ["alarm", "rollback"]];
    assert_eq!(changes, expected.map(|change| json!(change)));
    assert!(
        told[2]["trusted"].as_str().unwrap().contains("\n400\n")
            && told[2]["seen"].as_str().unwrap().contains("\n350\n")
    );
    signal(following.0.id(), "INT");
    assert_eq!(following.0.wait().unwrap().code(), Some(22));
}
