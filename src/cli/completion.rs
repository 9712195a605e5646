//! `mulu completion`: what a shell needs to complete the command line.

use clap::{Args, CommandFactory as _};
use clap_complete::{Shell, generate};

use super::error::CliError;

/// Print what a shell needs to complete this command line.
#[derive(Args)]
#[command(after_help = "In bash: source <(mulu completion bash)")]
pub struct Completion {
    /// The shell
    shell: Shell,
}

impl Completion {
    pub(super) fn run(self) -> Result<(), CliError> {
        generate(self.shell, &mut super::Cli::command(), "mulu", &mut std::io::stdout());
        Ok(())
    }
}
