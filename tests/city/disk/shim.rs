//! Compiles the shim once and says how a node is started over it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// The compiled shim, in the folder that cargo keeps for tests.
static SHIM: LazyLock<PathBuf> = LazyLock::new(|| {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (library, begun) = (dir.join("disk-shim.so"), dir.join(format!("disk-shim-{}.so", std::process::id())));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/city/disk/shim.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-D_FORTIFY_SOURCE=0", "-o"]);
    let output = compiler.arg(&begun).arg(source).output().expect("a C compiler, `cc`, is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Another run of the tests may be using the one before.
    std::fs::rename(&begun, &library).unwrap();
    library
});

/// Environment of a node whose files below `dir` the shim looks after.
pub struct Shim(Vec<(String, String)>);

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

impl Shim {
    /// Looks after a folder and does nothing yet.
    pub fn over(dir: &Path) -> Self {
        Self(Vec::new()).with("LD_PRELOAD", text(&SHIM)).with("MULU_SHIM_DIR", text(dir))
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Writes every change down.
    pub fn recording(self, journal: &Path) -> Self {
        self.with("MULU_SHIM_JOURNAL", text(journal))
    }

    /// Lets the `nth` call of a kind fail on paths that contain `part`, and notes it in `said`.
    pub fn failing(self, call: &str, nth: u64, error: &str, part: &str, said: &Path) -> Self {
        self.with("MULU_SHIM_FAIL", &format!("{call}:{nth}:{error}:{part}")).with("MULU_SHIM_SAID", text(said))
    }

    /// Not before a file exists.
    pub fn armed_by(self, file: &Path) -> Self {
        self.with("MULU_SHIM_ARMED", text(file))
    }

    /// Lets everything that writes paths with `part` in them fail while a file exists.
    pub fn switched(self, file: &Path, error: &str, part: &str) -> Self {
        self.with("MULU_SHIM_SWITCH", &format!("{}:{error}:{part}", text(file)))
    }

    /// As the program's environment.
    pub fn environment(&self) -> Vec<(&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}
