//! A PostgreSQL server of the tests' own: in a temporary folder, on a free loopback port, ended with its test.

use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use diesel::{Connection as _, RunQueryDsl as _};
use rustix::process::{Pid, Signal};

/// Who PostgreSQL runs as when the tests run as root, which it refuses to do: nobody, anywhere on Debian.
const NOBODY: u32 = 65_534;
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server; its superuser is `owner`, with a password.
pub struct PostgresServer {
    folder: tempfile::TempDir,
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    child: Child,
}

impl PostgresServer {
    /// The superuser's password.
    pub const PASSWORD: &'static str = "Gr0ß'er \\Geheimtext";

    /// Makes a database cluster and starts its server.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let password = folder.path().join("password");
        std::fs::write(&password, Self::PASSWORD).unwrap();
        for path in [folder.path(), &password] {
            if is_root() {
                chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        let made = program("initdb")
            .args(["--no-sync", "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", "--username=owner"])
            .arg("--pwfile")
            .arg(&password)
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = serve(&data, folder.path(), port);
        let server = Self { folder, port, child };
        server.wait();
        server
    }

    /// The server that the tests of this process share. It ends, and its folder with it, when the process does.
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<PostgresServer> = LazyLock::new(|| {
            let server = PostgresServer::start();
            let watch = "read _; kill -INT \"$0\"; tail --pid=\"$0\" -f /dev/null; rm -rf \"$1\"";
            let mut watcher = Command::new("sh");
            watcher.args(["-c", watch, &server.child.id().to_string()]).arg(server.folder.path());
            // The watcher reads until this end is closed, which the system does however the process ends.
            Box::leak(Box::new(watcher.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()));
            server
        });
        &SHARED
    }

    /// Its URL, without the password.
    pub fn url(&self) -> String {
        format!("postgresql://owner@127.0.0.1:{}/postgres", self.port)
    }

    /// A file with the password.
    pub fn password_file(&self) -> PathBuf {
        self.folder.path().join("password")
    }

    /// Stops it where it is: it takes connections still, and answers nobody.
    pub fn freeze(&self) {
        // The first one before the others: it starts no more.
        signal(self.child.id(), Signal::STOP);
        children(self.child.id()).into_iter().for_each(|child| signal(child, Signal::STOP));
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        children(self.child.id()).into_iter().for_each(|child| signal(child, Signal::CONT));
        signal(self.child.id(), Signal::CONT);
    }

    /// Ends the server, without waiting for its callers.
    pub fn stop(&mut self) {
        signal(self.child.id(), Signal::INT);
        self.child.wait().unwrap();
    }

    /// Starts it again at the same place.
    pub fn start_again(&mut self) {
        self.child = serve(&self.folder.path().join("data"), self.folder.path(), self.port);
        self.wait();
    }

    /// The folder of its socket.
    pub fn socket_folder(&self) -> &Path {
        self.folder.path()
    }

    /// A connection of the superuser.
    pub fn connect(&self) -> diesel::ConnectionResult<PgConnection> {
        let password = Self::PASSWORD.replace('\\', "\\\\").replace('\'', "\\'");
        let port = self.port;
        let address = format!("host=127.0.0.1 port={port} user=owner dbname=postgres password='{password}'");
        PgConnection::establish(&address)
    }

    /// Runs statements as the superuser.
    pub fn run(&self, sql: &str) {
        self.connect().unwrap().batch_execute(sql).unwrap();
    }

    /// The first row's only column, a text, of a query as the superuser.
    pub fn ask(&self, sql: &str) -> String {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Text)]
            answer: String,
        }
        let sql = format!("SELECT answer FROM ({sql}) AS asked (answer)");
        diesel::sql_query(sql).get_result::<Row>(&mut self.connect().unwrap()).unwrap().answer
    }

    fn wait(&self) {
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = self.connect() {
            assert!(Instant::now() < deadline, "PostgreSQL does not start: {error}");
            std::thread::yield_now();
        }
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.thaw();
        signal(self.child.id(), Signal::INT);
        let _ = self.child.wait();
    }
}

fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    // One that has ended meanwhile needs none.
    let _ = pid.map(|pid| rustix::process::kill_process(pid, signal));
}

/// Processes that a process started and that run still.
fn children(parent: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for folder in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = folder.file_name().to_string_lossy().parse() else { continue };
        let stat = std::fs::read_to_string(folder.path().join("stat")).unwrap_or_default();
        // After the name in brackets, which may hold anything: the state and the parent.
        let of = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        if of == Some(parent) {
            found.push(pid);
        }
    }
    found
}

fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

fn serve(data: &Path, socket: &Path, port: u16) -> Child {
    program("postgres")
        .arg("-D")
        .arg(data)
        .arg("-k")
        .arg(socket)
        .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-c", "fsync=off", "-c", "log_min_messages=panic"])
        .spawn()
        .unwrap()
}

/// One of PostgreSQL's programs: Debian keeps them by version, outside of PATH.
fn program(name: &str) -> Command {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|version| version.path().join("bin").join(name)).collect())
        .unwrap_or_default();
    found.retain(|path| path.exists());
    found.sort();
    let path = found.pop().expect("PostgreSQL's server is not installed: apt-get install postgresql");
    let mut command = Command::new(path);
    command.current_dir("/").env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    if name == "postgres" {
        command.stderr(Stdio::null());
    }
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}
