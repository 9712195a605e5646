//! The `mulu` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    mulu::cli::run()
}
