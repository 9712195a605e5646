//! What the city's ledger offers as objects: registers and grants.

use super::linear::Object;

/// The papers that record one digest: written through any node, read as the newest of them.
pub struct Register;

/// A call of a register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegisterOp {
    /// A paper was handed in.
    Wrote(String),
    /// The newest paper was this one.
    Read(Option<String>),
}

impl Object for Register {
    type State = Option<String>;
    type Op = RegisterOp;

    fn first() -> Self::State {
        None
    }

    fn after(state: &Self::State, op: &RegisterOp) -> Option<Self::State> {
        match op {
            RegisterOp::Wrote(paper) => Some(Some(paper.clone())),
            RegisterOp::Read(paper) => (paper == state).then(|| state.clone()),
        }
    }
}

/// A grant that was asked for.
pub struct Grant;

/// Where a grant stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stands {
    /// Asked for.
    Requested,
    /// Approved.
    Active,
    /// Refused.
    Denied,
    /// Ended.
    Revoked,
}

impl Stands {
    /// As the API says it.
    pub fn of(text: &str) -> Self {
        match text {
            "requested" => Self::Requested,
            "active" => Self::Active,
            "denied" => Self::Denied,
            "revoked" => Self::Revoked,
            other => panic!("no grant of this story is {other}"),
        }
    }

    /// Where it must stand for this to come next.
    fn before(self) -> Self {
        match self {
            Self::Revoked => Self::Active,
            _ => Self::Requested,
        }
    }
}

/// A call about a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantOp {
    /// It was approved, denied or revoked.
    Made(Stands),
    /// That was refused, because it stood elsewhere.
    TooLate(Stands),
    /// Somebody read where it stands.
    Seen(Stands),
    /// A query was served on its ground.
    Served,
}

impl Object for Grant {
    type State = Stands;
    type Op = GrantOp;

    fn first() -> Stands {
        Stands::Requested
    }

    fn after(state: &Stands, op: &GrantOp) -> Option<Stands> {
        match *op {
            GrantOp::Made(next) => (*state == next.before()).then_some(next),
            GrantOp::TooLate(next) => (*state != next.before()).then_some(*state),
            GrantOp::Seen(seen) => (*state == seen).then_some(seen),
            GrantOp::Served => (*state == Stands::Active).then_some(*state),
        }
    }
}
