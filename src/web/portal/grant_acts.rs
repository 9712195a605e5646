//! Words on a grant that need nothing but a reason, and its renewal.

use actix_web::web::Path;

use crate::ids::GrantId;
use crate::service::{Committed, ServiceError};
use crate::web::problem::Problem;

use super::dates::end_of;
use super::desk::Visitor;
use super::form::Posted;
use super::render::Answer;
use super::words::{Lang, Words};

fn done(visitor: &Visitor, id: GrantId, said: &str, committed: Result<Committed, ServiceError>) -> Answer {
    visitor.done(&format!("/grants/{id}"), said, Some(committed?.transaction_id))
}

/// Refuses a request.
pub async fn deny(Posted { visitor, form }: Posted, id: Path<GrantId>) -> Answer {
    let committed = visitor.node.deny_grant(&visitor.who, *id, form.reason()?).await;
    done(&visitor, *id, "grant_denied", committed)
}

/// Ends a grant before its time.
pub async fn revoke(Posted { visitor, form }: Posted, id: Path<GrantId>) -> Answer {
    let committed = visitor.node.revoke_grant(&visitor.who, *id, form.reason()?).await;
    done(&visitor, *id, "grant_revoked", committed)
}

/// Refuses queries on it for now.
pub async fn suspend(Posted { visitor, form }: Posted, id: Path<GrantId>) -> Answer {
    let committed = visitor.node.suspend_grant(&visitor.who, *id, form.reason()?).await;
    done(&visitor, *id, "grant_suspended", committed)
}

/// Lets it go on.
pub async fn resume(Posted { visitor, form }: Posted, id: Path<GrantId>) -> Answer {
    let committed = visitor.node.resume_grant(&visitor.who, *id, form.reason()?).await;
    done(&visitor, *id, "grant_resumed", committed)
}

/// Takes more time to decide.
pub async fn extend(Posted { visitor, form }: Posted, id: Path<GrantId>) -> Answer {
    let committed = visitor.node.extend_grant(&visitor.who, *id, form.reason()?).await;
    done(&visitor, *id, "grant_extended", committed)
}

/// Appeals against a refusal.
pub async fn appeal(Posted { visitor, form }: Posted, id: Path<GrantId>) -> Answer {
    let committed = visitor.node.appeal_grant(&visitor.who, *id, form.reason()?).await;
    done(&visitor, *id, "grant_appealed", committed)
}

/// Gives the appeal right: the provider decides again.
pub async fn uphold(Posted { visitor, form }: Posted, id: Path<GrantId>) -> Answer {
    let committed = visitor.node.rule_on_appeal(&visitor.who, *id, true, form.reason()?).await;
    done(&visitor, *id, "appeal_upheld", committed)
}

/// Gives the refusal right.
pub async fn dismiss(Posted { visitor, form }: Posted, id: Path<GrantId>) -> Answer {
    let committed = visitor.node.rule_on_appeal(&visitor.who, *id, false, form.reason()?).await;
    done(&visitor, *id, "appeal_dismissed", committed)
}

/// Asks for a new term.
pub async fn renew(Posted { visitor, form }: Posted, id: Path<GrantId>) -> Answer {
    let until = end_of(form.get("valid_until")).filter(|until| *until > visitor.node.clock.now());
    let wrong = |lang| Words::of(lang).fault("valid-until", "past_date");
    let until =
        until.ok_or_else(|| Problem::new("unprocessable").detail(wrong(Lang::En)).detail_zh(wrong(Lang::Zh)))?;
    let committed = visitor.node.renew_grant(&visitor.who, *id, until).await?;
    visitor.done(&format!("/grants/{}", committed.transaction_id), "grant_requested", Some(committed.transaction_id))
}
