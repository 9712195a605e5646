//! A city of running nodes.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;

use super::caller::Caller;
use super::command::mulu;
use super::postgres_server::PostgresServer;
use super::process::{AtEnd, Process, is_running, kill, signal};
use super::seats::Seat;
use super::wait::{SOON, until};

/// A city is ready within 30 s on a machine of its own; the stories' machine does other things too.
const READY_WITHIN: Duration = Duration::from_secs(90);

/// One node, as `demo.json` tells it.
#[derive(Clone, Deserialize)]
pub struct Node {
    /// Whose it is.
    pub department: String,
    /// `voter` or `learner`.
    pub raft: String,
    /// Its portal and API.
    pub url: String,
    pid: u32,
    /// Where it keeps its data.
    pub data_dir: PathBuf,
    /// The token of its system.
    pub system_token: String,
    accounts: Vec<Account>,
}

#[derive(Clone, Deserialize)]
struct Account {
    user: String,
    password: String,
}

#[derive(Deserialize)]
struct Manifest {
    chain: String,
    nodes: Vec<Node>,
}

/// Running nodes; they end when it is dropped.
pub struct City {
    running: Mutex<BTreeMap<String, Process>>,
    sessions: Mutex<BTreeMap<String, Caller>>,
    manifest: Manifest,
    folder: PathBuf,
    demo: Option<Process>,
    temporary: Option<TempDir>,
    seat: Option<Seat>,
}

/// Departments of the shared city whose listings are on PostgreSQL: half of them, so that each story meets both kinds.
const ON_POSTGRESQL: [&str; 4] = ["data-bureau", "audit", "housing", "tax"];

static SHARED: LazyLock<City> = LazyLock::new(|| {
    let folder = temporary().keep();
    let dir = folder.join("city");
    let only = "public-security,civil-affairs,planning-resources,housing,tax,transport";
    let shape = ["--base-port", "0", "--only", only, "--voters", "5"];
    mulu(&[&["init", "--out", dir.to_str().unwrap()], &shape[..]].concat()).ok();
    for department in ON_POSTGRESQL {
        put_on_postgresql(&dir.join(department), PostgresServer::shared());
    }
    let demo = Process::mulu(&["demo", "--dir", dir.to_str().unwrap()], &folder.join("demo.log"), &folder, AtEnd::All);
    let manifest = ready(&folder, &demo);
    let mut city = City::new(folder, manifest);
    city.demo = Some(demo);
    city
});

/// Has a node that is not running keep its listings on a server.
fn put_on_postgresql(folder: &Path, server: &PostgresServer) {
    let (config, password) = (folder.join("node.toml"), "secret/database-password");
    std::fs::copy(server.password_file(), folder.join(password)).unwrap();
    std::fs::set_permissions(folder.join(password), std::fs::Permissions::from_mode(0o600)).unwrap();
    let begin = format!("version = 1\ndatabase_url = \"{}\"\ndatabase_password_file = \"{password}\"", server.url());
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replacen("version = 1", &begin, 1)).unwrap();
}

fn temporary() -> TempDir {
    tempfile::Builder::new().prefix("mulu-city-").tempdir().unwrap()
}

fn demo(folder: &Path, only: &str, voters: usize, at_end: AtEnd) -> Process {
    demo_with(folder, only, voters, at_end, &[])
}

fn demo_with(folder: &Path, only: &str, voters: usize, at_end: AtEnd, more: &[&str]) -> Process {
    let city = folder.join("city");
    let voters = voters.to_string();
    let arguments = ["demo", "--dir", city.to_str().unwrap(), "--base-port", "0", "--only", only, "--voters", &voters];
    Process::mulu(&[&arguments, more].concat(), &folder.join("demo.log"), folder, at_end)
}

/// Waits for `demo.json`, which the demo writes when the city is ready.
fn ready(folder: &Path, demo: &Process) -> Manifest {
    let file = folder.join("city/demo.json");
    until(&format!("{} of a new city", file.display()), READY_WITHIN, || {
        let text = std::fs::read_to_string(&file).ok();
        let said = || std::fs::read_to_string(folder.join("demo.log")).unwrap_or_default();
        assert!(text.is_some() || is_running(demo.pid()), "the demo ended: {}", said());
        Some(serde_json::from_str(&text?).expect("demo.json as the interface says"))
    })
}

impl City {
    /// The city that all stories share which change nothing that others rely on: eight departments, five of them voters,
    /// half of them with their listings on PostgreSQL.
    pub fn shared() -> &'static Self {
        &SHARED
    }

    /// A city of one's own: data-bureau, audit and one more, all three of them voters. Its nodes are the story's own
    /// processes, to be killed and started again one by one.
    pub fn of_three(third: &str) -> Self {
        let city = Self::at_rest(third);
        city.start_all();
        city
    }

    /// The same, with no node running yet: its files may still be changed.
    pub fn at_rest(third: &str) -> Self {
        Self::at_rest_with(third, 3)
    }

    /// The same with so many voters.
    pub fn at_rest_with(third: &str, voters: usize) -> Self {
        let seat = Seat::take();
        let temporary = temporary();
        let folder = temporary.path().to_owned();
        let demo = demo(&folder, third, voters, AtEnd::Orphans);
        let manifest = ready(&folder, &demo);
        demo.stop();
        let mut city = Self::new(folder, manifest);
        (city.temporary, city.seat) = (Some(temporary), Some(seat));
        city
    }

    /// A city of one's own as `mulu demo` runs it: data-bureau, audit and one more.
    pub fn of_demo(third: &str) -> Self {
        Self::of_demo_with(third, &[])
    }

    /// The same, with more arguments for `mulu demo`.
    pub fn of_demo_with(third: &str, more: &[&str]) -> Self {
        let seat = Seat::take();
        let temporary = temporary();
        let folder = temporary.path().to_owned();
        let demo = demo_with(&folder, third, 3, AtEnd::Orphans, more);
        let mut city = Self::new(folder.clone(), ready(&folder, &demo));
        (city.temporary, city.seat, city.demo) = (Some(temporary), Some(seat), Some(demo));
        city
    }

    /// Ends the demo as Ctrl-C does; no process may be left.
    pub fn interrupt(&mut self) {
        let demo = self.demo.take().expect("the demo runs");
        signal(demo.pid(), "INT");
        until("the demo ends", Duration::from_secs(20), || (!is_running(demo.pid())).then_some(()));
        for node in self.nodes() {
            assert!(!is_running(node.pid), "the node of {} outlived the demo", node.department);
        }
    }

    /// Runs the demo again on the same folder.
    pub fn again(&mut self) {
        let before = self.nodes()[0].pid;
        let demo = demo(&self.folder, "tax", 3, AtEnd::Orphans);
        // The first run's file is there until the second has read it.
        self.manifest = until("the city is ready again", READY_WITHIN, || {
            Some(ready(&self.folder, &demo)).filter(|manifest| manifest.nodes[0].pid != before)
        });
        self.demo = Some(demo);
    }

    /// Has a department of a city at rest keep its listings on a server instead of in a file.
    pub fn put_on_postgresql(&self, department: &str, server: &PostgresServer) {
        put_on_postgresql(&self.dir().join(department), server);
        std::fs::remove_file(self.node(department).data_dir.join("model/projection.db")).unwrap();
    }

    fn new(folder: PathBuf, manifest: Manifest) -> Self {
        Self {
            running: Mutex::default(),
            sessions: Mutex::default(),
            manifest,
            folder,
            demo: None,
            temporary: None,
            seat: None,
        }
    }

    /// The city's folder.
    pub fn dir(&self) -> PathBuf {
        self.folder.join("city")
    }

    /// The chain's id.
    pub fn chain(&self) -> &str {
        &self.manifest.chain
    }

    /// All nodes.
    pub fn nodes(&self) -> &[Node] {
        &self.manifest.nodes
    }

    /// A department's node.
    #[track_caller]
    pub fn node(&self, department: &str) -> &Node {
        let found = self.nodes().iter().find(|node| node.department == department);
        found.unwrap_or_else(|| panic!("{department} has no node in this city"))
    }

    /// A department's system, at its own node.
    #[track_caller]
    pub fn system(&self, department: &str) -> Caller {
        let node = self.node(department);
        Caller::bearer(&node.url, &node.system_token)
    }

    /// Nobody in particular, at a department's node.
    #[track_caller]
    pub fn anonymous(&self, department: &str) -> Caller {
        Caller::anonymous(&self.node(department).url)
    }

    /// A person's name and password.
    #[track_caller]
    pub fn password(&self, department: &str, user: &str) -> &str {
        let found = self.node(department).accounts.iter().find(|account| account.user == user);
        &found.unwrap_or_else(|| panic!("{department} has no {user}")).password
    }

    /// A person of a department, signed in at its own node.
    #[track_caller]
    pub fn person(&self, department: &str, user: &str) -> Caller {
        let name = format!("{department}/{user}");
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = sessions.get(&name) {
            return known.clone();
        }
        let body = json!({"user": user, "password": self.password(department, user)});
        let opened = self.anonymous(department).post("sessions", &body).ok();
        let caller = Caller::bearer(&self.node(department).url, opened["token"].as_str().unwrap());
        sessions.insert(name, caller.clone());
        caller
    }

    /// A department's `node.toml`.
    pub fn config(&self, department: &str) -> PathBuf {
        self.dir().join(department).join("node.toml")
    }

    /// What a node has logged so far.
    pub fn log(&self, department: &str) -> String {
        std::fs::read_to_string(self.dir().join(department).join("node.log")).unwrap_or_default()
    }

    /// The process of a node.
    #[track_caller]
    pub fn pid(&self, department: &str) -> u32 {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.get(department).map_or_else(|| self.node(department).pid, Process::pid)
    }

    /// Starts a node of a city of one's own.
    pub fn start(&self, department: &str) {
        self.start_with(department, &[]);
    }

    /// The same, with more variables in its environment.
    pub fn start_with(&self, department: &str, environment: &[(&str, &str)]) {
        let (config, log) = (self.config(department), self.dir().join(department).join("node.log"));
        let arguments = ["node", "--config", config.to_str().unwrap()];
        let process = Process::mulu_with(&arguments, environment, &log, &self.folder, AtEnd::Leave);
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(department.to_owned(), process);
    }

    /// Starts all nodes of a city of one's own and waits until they are ready.
    pub fn start_all(&self) {
        self.nodes().iter().for_each(|node| self.start(&node.department));
        self.nodes().iter().for_each(|node| self.wait_ready(&node.department));
    }

    /// Ends a node in order.
    pub fn stop(&self, department: &str) {
        let process = self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(department);
        process.expect("the node runs").stop();
    }

    /// Waits until a node has ended by itself; answers its exit code.
    #[track_caller]
    pub fn ended(&self, department: &str) -> i32 {
        let pid = self.pid(department);
        until(&format!("{department} ends"), SOON, || (!is_running(pid)).then_some(()));
        let process = self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(department);
        process.expect("the node was started").code()
    }

    /// Whether a node runs.
    pub fn runs(&self, department: &str) -> bool {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.get(department).is_some_and(|process| is_running(process.pid()))
    }

    /// Ends all nodes in order, at the same time.
    pub fn stop_all(&self) {
        let mut running = std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        running.values_mut().for_each(Process::release);
        drop(running);
    }

    /// Ends a node as a power cut would.
    pub fn kill(&self, department: &str) {
        kill(self.pid(department));
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(department);
    }

    /// Waits until a node says that it is ready.
    #[track_caller]
    pub fn wait_ready(&self, department: &str) {
        let caller = self.anonymous(department);
        until(&format!("{department} is ready"), Duration::from_secs(40), || {
            caller.try_get("/readyz").filter(|answer| answer.status == 200)
        });
    }

    /// The department that leads, when a node knows one.
    pub fn leader(&self, at: &str) -> Option<String> {
        let cluster = self.system(at).try_get("cluster").filter(|answer| answer.status == 200)?.body;
        Some(cluster["leader"].as_str()?.to_owned())
    }
}

impl Drop for City {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for node in self.nodes() {
                let log = self.log(&node.department);
                let last: Vec<&str> = log.lines().rev().take(15).collect();
                eprintln!("--- last lines of {}'s log, newest first:\n{}", node.department, last.join("\n"));
            }
        }
        self.stop_all();
        drop(self.demo.take());
        drop(self.temporary.take());
        drop(self.seat.take());
    }
}
