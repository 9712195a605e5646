//! `mulu` commands that end by themselves.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// What a command said.
pub struct Said {
    /// Its exit code.
    pub code: i32,
    /// What it answered.
    pub out: String,
    /// What it complained about.
    pub err: String,
}

impl Said {
    /// Its answer, when it succeeded.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}\n{}", self.out, self.err);
        self.out
    }

    /// Everything that it said when it failed with a code.
    #[track_caller]
    pub fn failed(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        format!("{}{}", self.out, self.err)
    }
}

/// Runs `mulu` to its end.
pub fn mulu<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Said {
    mulu_told(arguments, "")
}

/// Runs `mulu` to its end, with something on its standard input, such as a password.
pub fn mulu_told<S: AsRef<std::ffi::OsStr>>(arguments: &[S], input: &str) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mulu"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("mulu can be started");
    // One that needs no input may have ended before it takes some.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().expect("mulu can be waited for");
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
