//! What can go wrong in the exchange, with a stable code for each.

use crate::crypto::CryptoError;
use crate::domain::schema::Fault;
use crate::ids::{AccessId, DepartmentId, EntryName, Version};

use super::answer::{AnswerError, Explanation};

/// Failures of the exchange itself, not of one call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// The node's store does not write or read.
    #[error("the node's store fails: {0}")]
    Store(String),
    /// Something cannot be written in its form.
    #[error("cannot be written: {0}")]
    Form(String),
    /// A key or certificate is not usable.
    #[error("{0}")]
    Crypto(String),
}

impl From<CryptoError> for ExchangeError {
    fn from(cause: CryptoError) -> Self {
        Self::Crypto(cause.to_string())
    }
}

/// Why a query brought no rows.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum QueryError {
    /// The catalog has no such entry.
    #[error("the catalog has no entry {0}: look it up in the catalog")]
    UnknownEntry(EntryName),
    /// The call names a version that is not the current one.
    #[error("version {asked} of {entry} is not current: use {current}")]
    Conflict {
        /// The entry.
        entry: EntryName,
        /// The version of the call.
        asked: Version,
        /// The version in force.
        current: Version,
    },
    /// The call does not fit the entry's schema or the limits of a query.
    #[error("the call does not fit the entry's schema: correct the places named in errors")]
    Unprocessable(Vec<Fault>),
    /// The provider refused.
    #[error("the provider's rules refuse this call: see reasons")]
    Refused {
        /// The recorded access.
        access_id: AccessId,
        /// Rule, reasons, grant and ledger size.
        explanation: Explanation,
    },
    /// The day's quota of the grant is used up.
    #[error("the daily quota of the grant is used up: try again after midnight at UTC+8")]
    QuotaExceeded {
        /// The recorded access.
        access_id: AccessId,
        /// Seconds until midnight at UTC+8.
        retry_after_s: u64,
    },
    /// The grant's rate a second or minute is used up.
    #[error("the grant allows no more queries in this second or minute: try again when it is over")]
    RateExceeded {
        /// The recorded access.
        access_id: AccessId,
        /// Seconds until the next second or minute begins.
        retry_after_s: u64,
    },
    /// The two nodes' clocks differ by more than five minutes.
    #[error("the request's time is more than five minutes from the provider's clock: correct this node's clock")]
    ClockSkew,
    /// The access id came before.
    #[error("the provider has seen this access id before: send a new call")]
    Replayed,
    /// No address is known, or nobody answers there.
    #[error("the node of {0} cannot be reached: try again later")]
    ProviderUnreachable(DepartmentId),
    /// Who answers there is not the provider.
    #[error("the node that answers for {0} has no certificate of that department: tell your operator")]
    ProviderCertificate(DepartmentId),
    /// No answer in time.
    #[error("the node of {0} did not answer in time: try again later")]
    ProviderLate(DepartmentId),
    /// The answer has a wrong signature, form or content.
    #[error("the answer of {provider} is not acceptable: {why}")]
    ProviderAnswer {
        /// Who answered.
        provider: DepartmentId,
        /// What is wrong with it.
        why: String,
    },
    /// The provider's data source failed, after the access was allowed and recorded.
    #[error("{detail}")]
    ProviderFailed {
        /// Who answered.
        provider: DepartmentId,
        /// Stable code.
        code: String,
        /// For people.
        detail: String,
        /// Seconds to wait, when the provider knows.
        retry_after_s: Option<u64>,
    },
    /// Accesses cannot be recorded now, so they do not happen.
    #[error("too many access records wait for the ledger: try again when it has a quorum")]
    OutboxFull,
    /// This node's disk is full, so no call can be noted, and none is made.
    #[error("the disk of this node is full or cannot be written: try again when its operator has made room")]
    DiskFull,
    /// More calls than the node can take.
    #[error("the node has more calls than it can take: try again in a moment")]
    Busy,
    /// This node cannot work now.
    #[error("this node cannot exchange data now: {0}")]
    Unavailable(String),
}

/// Seconds after which a call that met a short trouble may come again.
const RETRY_SOON_S: u64 = 5;
const RETRY_OUTBOX_S: u64 = 30;

impl QueryError {
    /// A stable code for programs.
    pub fn code(&self) -> &str {
        match self {
            Self::UnknownEntry(_) => "unknown_entry",
            Self::Conflict { .. } => "version_conflict",
            Self::Unprocessable(_) => "unprocessable",
            // The first reason names what to mend; a refusal without one is the rules' default.
            Self::Refused { explanation, .. } => explanation.reasons.first().map_or("refused", |reason| &reason.code),
            Self::QuotaExceeded { .. } => "quota_exceeded",
            Self::RateExceeded { .. } => "rate_exceeded",
            Self::ClockSkew => "clock_skew",
            Self::Replayed => "replayed_request",
            Self::ProviderUnreachable(_) => "provider_unreachable",
            Self::ProviderCertificate(_) => "provider_certificate",
            Self::ProviderLate(_) => "provider_late",
            Self::ProviderAnswer { .. } => "provider_answer_invalid",
            Self::ProviderFailed { code, .. } => code,
            Self::OutboxFull => "outbox_full",
            Self::DiskFull => "disk_full",
            Self::Busy => "busy",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// The provider whose fault it is, and its state, when it is a provider's: stable words for programs.
    pub fn provider_state(&self) -> Option<(&DepartmentId, &'static str)> {
        match self {
            Self::ProviderUnreachable(provider) => Some((provider, "down")),
            Self::ProviderLate(provider) => Some((provider, "late")),
            Self::ProviderCertificate(provider) | Self::ProviderAnswer { provider, .. } => {
                Some((provider, "untrusted"))
            }
            Self::ProviderFailed { provider, code, .. } => {
                let state = match code.as_str() {
                    "provider_data_unavailable" => "source_down",
                    "provider_data_late" => "source_late",
                    "provider_data_overloaded" => "source_overloaded",
                    "provider_data_resting" => "circuit_open",
                    "provider_connector_broken" => "connector_broken",
                    "provider_answer_invalid" => "source_misfit",
                    _ => "failed",
                };
                Some((provider, state))
            }
            _ => None,
        }
    }

    /// Seconds to wait before the same call may succeed, when waiting helps.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::QuotaExceeded { retry_after_s, .. } | Self::RateExceeded { retry_after_s, .. } => {
                Some(*retry_after_s)
            }
            Self::ProviderFailed { retry_after_s, .. } => *retry_after_s,
            Self::OutboxFull | Self::DiskFull => Some(RETRY_OUTBOX_S),
            Self::ProviderUnreachable(_) | Self::ProviderLate(_) | Self::Busy | Self::Unavailable(_) => {
                Some(RETRY_SOON_S)
            }
            _ => None,
        }
    }

    /// The error that the provider's error means for the caller.
    pub(super) fn of_provider(provider: &DepartmentId, access_id: AccessId, error: AnswerError) -> Self {
        match error.code.as_str() {
            "quota_exceeded" => {
                Self::QuotaExceeded { access_id, retry_after_s: error.retry_after_s.unwrap_or(RETRY_SOON_S) }
            }
            "rate_exceeded" => Self::RateExceeded { access_id, retry_after_s: error.retry_after_s.unwrap_or(1) },
            "unprocessable" => Self::Unprocessable(error.errors.into_iter().map(Fault::from).collect()),
            "clock_skew" => Self::ClockSkew,
            "replayed_request" => Self::Replayed,
            "outbox_full" => Self::OutboxFull,
            "busy" => Self::Busy,
            _ => Self::ProviderFailed {
                provider: provider.clone(),
                code: error.code,
                detail: error.detail,
                retry_after_s: error.retry_after_s,
            },
        }
    }
}
