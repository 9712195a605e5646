//! `mulu` commands that end by themselves.

use std::process::Command;

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
    let output = Command::new(env!("CARGO_BIN_EXE_mulu")).args(arguments).output().expect("mulu can be started");
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
