//! What Mulu does not do: Casbin over one line a grant, to be measured beside the facts that it is given instead.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use casbin::{CoreApi as _, DefaultModel, Enforcer, MemoryAdapter, MgmtApi as _};

use super::PolicyError;

const MODEL: &str = "[request_definition]
r = consumer, entry, purpose
[policy_definition]
p = consumer, entry, purpose
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.consumer == p.consumer && r.entry == p.entry && r.purpose == p.purpose
";

/// Casbin with a list of grants.
pub struct FlatLists(Enforcer);

impl FlatLists {
    /// Takes in one line a grant: consumer, entry, purpose.
    ///
    /// # Errors
    /// [`PolicyError::Casbin`].
    pub fn new(lines: Vec<[String; 3]>) -> Result<Self, PolicyError> {
        let build = async {
            let mut enforcer = Enforcer::new(DefaultModel::from_str(MODEL).await?, MemoryAdapter::default()).await?;
            enforcer.enable_auto_save(false);
            enforcer.add_policies(lines.into_iter().map(Vec::from).collect()).await?;
            Ok(enforcer)
        };
        // From memory, so one poll completes it.
        match pin!(build).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(enforcer)) => Ok(Self(enforcer)),
            Poll::Ready(Err(error)) => Err(casbin(&error)),
            Poll::Pending => Err(PolicyError::Casbin("building did not complete".into())),
        }
    }

    /// Whether a line allows a call.
    ///
    /// # Errors
    /// [`PolicyError::Casbin`].
    pub fn allows(&self, call: [&str; 3]) -> Result<bool, PolicyError> {
        self.0.enforce(call.to_vec()).map_err(|error| casbin(&error))
    }
}

fn casbin(error: &casbin::Error) -> PolicyError {
    PolicyError::Casbin(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_allows_what_it_says_and_nothing_else() {
        let line = |n: u32| [format!("consumer-{n}"), "tax/deed-tax".to_owned(), "housing".to_owned()];
        let lists = FlatLists::new((0..50).map(line).collect()).unwrap();
        assert_eq!(lists.allows(["consumer-49", "tax/deed-tax", "housing"]), Ok(true));
        for other in [
            ["consumer-50", "tax/deed-tax", "housing"],
            ["consumer-1", "tax/deed", "housing"],
            ["consumer-1", "tax/deed-tax", "x"],
        ] {
            assert_eq!(lists.allows(other), Ok(false), "{other:?}");
        }
    }
}
