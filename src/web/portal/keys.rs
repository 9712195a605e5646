//! The department's keys: how long they are good, replaced and ended by its administrator.

use actix_web::web::Path;

use crate::clock::DAY_MS;
use crate::crypto::sign::KeyId;
use crate::domain::Role;
use crate::domain::keys::{KeyRecord, KeyState};
use crate::web::problem::Problem;

use super::desk::{Desk, Visitor};
use super::form::Posted;
use super::render::Answer;
use super::views::Flash;
use super::views::keys::{KeyRow, Keys};

const DAYS_MAX: u64 = 3_650;

/// All keys that the department has and had.
pub async fn list(visitor: Visitor) -> Answer {
    if !visitor.is(Role::Admin) {
        return Err(Problem::new("not_allowed"));
    }
    let keys = visitor.node.department_keys(&visitor.node.department)?;
    let keys = keys.signing_keys.into_iter().map(row).collect();
    visitor.show(&Keys { page: visitor.page(), t: visitor.t, keys })
}

/// Takes new keys.
pub async fn rotate(Posted { visitor, form }: Posted) -> Answer {
    let days = match form.get("days") {
        "" => None,
        text => {
            let days = text.parse().ok().filter(|days| (1..=DAYS_MAX).contains(days));
            Some(days.ok_or_else(|| Problem::new("invalid_parameter"))?)
        }
    };
    let end = days.map(|days: u64| visitor.node.clock.now().plus(days * DAY_MS));
    let committed = visitor.node.rotate_keys(&visitor.who, end).await?;
    visitor.done("/keys", "keys_rotated", Some(committed.transaction_id))
}

/// Ends a key.
pub async fn revoke(Posted { visitor, form }: Posted, key: Path<KeyId>) -> Answer {
    let committed = visitor.node.revoke_key(&visitor.who, *key, form.reason()?).await?;
    visitor.done("/keys", "key_revoked", Some(committed.transaction_id))
}

fn row((record, state): (KeyRecord, KeyState)) -> KeyRow {
    KeyRow {
        id: record.key.id().to_string(),
        state: state.as_str(),
        from: record.from_time.local_text(),
        until: record.ends_at().map(|end| end.local_text()).unwrap_or_default(),
        reason: record.revocation.map(|revocation| revocation.reason).unwrap_or_default(),
        revocable: matches!(state, KeyState::Current | KeyState::Retiring),
    }
}

/// What administrators must know on every page: a key or certificate that ends soon.
pub(super) fn warnings(desk: &Desk) -> Vec<Flash> {
    if !desk.is(Role::Admin) {
        return Vec::new();
    }
    let text = |what: &str, days: u64| match what {
        "signing_key" => desk.t.say_count("expiry-signing-key", "days", days),
        _ => desk.t.say_count("expiry-certificate", "days", days),
    };
    let due = desk.node.expiries().into_iter().filter(|expiry| expiry.warning_days().is_some());
    due.map(|expiry| Flash { kind: "failed", text: text(expiry.what, expiry.left_ms / DAY_MS), transaction: None })
        .collect()
}
