//! Which algorithms a new city uses.

use clap::{Args, ValueEnum};

use crate::crypto::digest::HashAlgorithm;
use crate::crypto::sign::Algorithm;

/// The departments' keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Suite {
    /// Ed25519 and X25519
    #[default]
    Standard,
    /// SM2 for all keys
    Sm,
    /// Departments by turns the one and the other
    Mixed,
}

impl Suite {
    /// The keys of the department with this place in the city, from 0.
    pub(super) fn keys(self, number: usize) -> Algorithm {
        match self {
            Self::Mixed if number % 2 == 1 => Algorithm::Sm2,
            Self::Standard | Self::Mixed => Algorithm::Ed25519,
            Self::Sm => Algorithm::Sm2,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TreeHash {
    Sm3,
    Sha256,
}

/// What a city chooses.
#[derive(Clone, Copy, Debug, Default)]
pub struct Algorithms {
    /// The departments' keys.
    pub suite: Suite,
    /// The tree's digest.
    pub hash: HashAlgorithm,
}

/// What was asked for on the command line.
#[derive(Args, Clone)]
pub struct AlgorithmChoice {
    /// Keys of the departments: Ed25519 and X25519, SM2 for both, or by turns; default standard
    #[arg(long, value_enum, value_name = "SUITE")]
    suite: Option<Suite>,
    /// Digest of the ledger's tree; default sm3
    #[arg(long, value_enum, value_name = "HASH")]
    hash: Option<TreeHash>,
}

impl AlgorithmChoice {
    /// Whether anything was asked for.
    pub fn is_made(&self) -> bool {
        self.suite.is_some() || self.hash.is_some()
    }

    /// What was asked for, the rest being the default.
    pub fn algorithms(&self) -> Algorithms {
        let hash = match self.hash {
            Some(TreeHash::Sha256) => HashAlgorithm::Sha256,
            Some(TreeHash::Sm3) | None => HashAlgorithm::Sm3,
        };
        Algorithms { suite: self.suite.unwrap_or_default(), hash }
    }
}
