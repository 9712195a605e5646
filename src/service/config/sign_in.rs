//! What people must show to sign in.

use serde::Deserialize;

use crate::domain::settings::SecondFactorRule;

/// How this department's people sign in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignInConfig {
    /// Whether reviewers and administrators must have a second factor, or may: the portal's settings may tighten it, and
    /// never loosen it. Default `offered`.
    pub second_factor: SecondFactorRule,
}
