//! `mulu keygen`: a department's private keys.

use std::path::PathBuf;

use clap::Args;

use crate::crypto::keyring::Keyring;

use super::error::CliError;

/// Writes `signing.pem` and `sealing.pem`, readable by their owner alone, and prints the public keys.
#[derive(Args)]
pub struct Keygen {
    /// Folder for the two files; files that exist are not overwritten
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Keygen {
    pub(super) fn run(self) -> Result<(), CliError> {
        let keyring = Keyring::generate()?;
        keyring.save(&self.out)?;
        println!("signing_key = \"{}\"", keyring.signing.public());
        println!("sealing_key = \"{}\"", keyring.sealing.public());
        Ok(())
    }
}
