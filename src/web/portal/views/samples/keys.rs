//! The department's keys.

use super::{EVIL, page, s};
use crate::web::portal::views::keys::{KeyRow, Keys};
use crate::web::portal::words::{Lang, Words};

pub fn keys(lang: Lang) -> Keys {
    let current = KeyRow {
        id: s("00112233445566aa"),
        state: "current",
        from: s("2026-11-21 10:15:30"),
        revocable: true,
        ..KeyRow::default()
    };
    let ended = KeyRow { state: "revoked", reason: s(EVIL), revocable: false, ..current.clone() };
    let revoked = KeyRow { id: s("ffeeddccbbaa9988"), ..ended };
    Keys { page: page(lang, "/keys"), t: Words::of(lang), keys: vec![current, revoked] }
}
