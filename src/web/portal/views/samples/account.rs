//! One's own account.

use super::{page, s};
use crate::web::portal::views::account::{Account, RecoveryCodes, SecondFactor, SessionRow};
use crate::web::portal::views::entrance::SignInCode;
use crate::web::portal::views::{Fault, Faults, Page};
use crate::web::portal::words::{Lang, Words};

fn wrong(lang: Lang, field: &str) -> Faults {
    Faults(vec![Fault { field: s(field), message: Words::of(lang).word("problem", "wrong_code") }])
}

pub fn code(lang: Lang) -> SignInCode {
    let page = Page { user: None, ..page(lang, "/sign-in/code") };
    SignInCode { page, t: Words::of(lang), next: s("/"), faults: wrong(lang, "code") }
}

pub fn account(lang: Lang) -> Account {
    let session = SessionRow {
        id: s("66c7f0f4"),
        created: s("2026-11-21 09:00:00"),
        last_seen: s("2026-11-21 10:15:30"),
        from: s("10.1.2.3"),
        here: true,
    };
    Account {
        page: page(lang, "/account"),
        t: Words::of(lang),
        owes: "",
        second_factor: "set",
        since: s("2026-11-20 09:00:00"),
        recovery_left: 9,
        required: true,
        sessions: vec![session.clone(), SessionRow { id: s("e2edd9d1"), from: s(""), here: false, ..session }],
        faults: wrong(lang, "remove-code"),
    }
}

pub fn account_new(lang: Lang) -> Account {
    Account { owes: "second_factor", second_factor: "pending", faults: Faults::default(), ..account(lang) }
}

pub fn second_factor(lang: Lang) -> SecondFactor {
    SecondFactor {
        page: page(lang, "/account/second-factor"),
        t: Words::of(lang),
        secret: s("JBSW Y3DP EHPK 3PXP"),
        qr: s(
            "<svg viewBox=\"0 0 9 9\" xmlns=\"http://www.w3.org/2000/svg\"><rect width=\"9px\" height=\"9px\" fill=\"#ffffff\"/></svg>",
        ),
        faults: wrong(lang, "code"),
    }
}

pub fn recovery_codes(lang: Lang) -> RecoveryCodes {
    let codes = vec![s("k3jq-9x2a-mm4t-p8wz"), s("b7dd-q2ns-3rya-x9kf")];
    RecoveryCodes { page: page(lang, "/account"), t: Words::of(lang), codes }
}
