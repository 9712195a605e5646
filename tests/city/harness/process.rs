//! Processes that cannot outlive the tests: each is watched by a shell that ends it when the tests end, however they end.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::wait::until;

/// Starts the program, tells its id, and waits for its own standard input to close: the tests hold the other end,
/// and the system closes it when they exit, panic or are killed. Then the program, and what a city's record names
/// as its nodes, is ended: first kindly, then not. `$1` is the log, `$2` the city's folder, `$3` whether to remove it.
const WATCH: &str = r#"
trap '' INT HUP
log=$1 dir=$2 remove=$3
shift 3
"$@" </dev/null >>"$log" 2>&1 &
pid=$!
echo $pid
cat >/dev/null
kill -CONT $pid 2>/dev/null
kill -TERM $pid 2>/dev/null
tries=0
while kill -0 $pid 2>/dev/null && [ $tries -lt 200 ]; do tries=$((tries + 1)); sleep 0.05; done
kill -KILL $pid 2>/dev/null
wait $pid 2>/dev/null
code=$?
case $remove in
orphans|all)
    for pid in $(grep -o '"pid": *[0-9]*' "$dir/city/demo.json" 2>/dev/null | grep -o '[0-9]*'); do
        grep -q -a -F "$dir" /proc/$pid/cmdline 2>/dev/null && kill -KILL $pid 2>/dev/null
    done;;
esac
[ "$remove" = all ] && rm -rf "$dir"
exit $code
"#;

/// What becomes of a city's folder and nodes when the process ends.
#[derive(Clone, Copy)]
pub enum AtEnd {
    /// Nothing: the process was one node of several.
    Leave,
    /// Nodes that a demo left behind are ended.
    Orphans,
    /// The same, and the folder is removed.
    All,
}

/// A running process.
pub struct Process {
    watch: Child,
    pid: u32,
}

impl Process {
    /// Starts `mulu` with arguments; its output is appended to `log`.
    pub fn mulu(arguments: &[&str], log: &Path, dir: &Path, at_end: AtEnd) -> Self {
        Self::mulu_with(arguments, &[], log, dir, at_end)
    }

    /// The same, with more variables in its environment.
    pub fn mulu_with(arguments: &[&str], environment: &[(&str, &str)], log: &Path, dir: &Path, at_end: AtEnd) -> Self {
        let remove = match at_end {
            AtEnd::Leave => "nothing",
            AtEnd::Orphans => "orphans",
            AtEnd::All => "all",
        };
        let mut shell = Command::new("sh");
        shell.args(["-c", WATCH, "watch"]).arg(log).arg(dir).arg(remove);
        shell.arg(env!("CARGO_BIN_EXE_mulu")).args(arguments);
        shell.envs(environment.iter().copied());
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).current_dir(env!("CARGO_MANIFEST_DIR"));
        let mut watch = shell.spawn().expect("a shell can be started");
        let mut line = String::new();
        BufReader::new(watch.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { watch, pid: line.trim().parse().expect("the shell tells the process id") }
    }

    /// Its id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Ends it kindly and waits until it is gone.
    pub fn stop(self) {
        drop(self);
    }

    /// Ends it, if it has not ended by itself, and answers its exit code.
    pub fn code(mut self) -> i32 {
        self.release();
        self.watch.wait().ok().and_then(|status| status.code()).unwrap_or(-1)
    }

    /// Lets it end, without waiting.
    pub fn release(&mut self) {
        drop(self.watch.stdin.take());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.release();
        let _ = self.watch.wait();
    }
}

/// Sends a signal, such as `KILL`, to one process.
pub fn signal(pid: u32, name: &str) {
    let sent = Command::new("sh").args(["-c", "kill -s \"$1\" \"$2\"", "kill", name, &pid.to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "signal {name} cannot be sent to process {pid}");
}

/// Whether a process is there and not only waiting to be buried.
pub fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(PathBuf::from(format!("/proc/{pid}/stat"))).unwrap_or_default();
    // The state follows the name in brackets, which may itself hold anything.
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

/// Kills a process as a power cut would, and waits until it is gone.
pub fn kill(pid: u32) {
    signal(pid, "KILL");
    until("a killed process is gone", Duration::from_secs(10), || (!is_running(pid)).then_some(()));
}
