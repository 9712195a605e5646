//! Both languages say everything, and nothing that nobody reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::domain::Role;
use crate::domain::case::CaseState;
use crate::domain::command::Command;
use crate::domain::grant::GrantState;
use crate::domain::keys::KeyState;
use crate::domain::policy::facts::ATTRIBUTES;
use crate::domain::schema::FaultCode;
use crate::readmodel::local::ActKind;

/// Settings that the administration shows.
#[rustfmt::skip]
const SETTINGS: &[&str] = &[
    "second_factor", "idle", "age", "sessions", "failures", "password", "listen", "public_url", "cookie_secure",
    "systems", "peer", "raft", "zone", "query_timeout", "submit_timeout", "promise", "disk_reserve", "data_dir",
    "read_model",
    "keys", "departments_dir", "archive", "log", "today", "unconditional", "conditional", "extension", "returned",
    "reminder", "deadlines", "expiries", "log_digest", "log_kept", "language", "desk_zh", "desk_en", "telephone",
    "hours_zh", "hours_en", "notice_zh", "notice_en", "notice_until",
];

/// What can be wrong with a field.
#[rustfmt::skip]
const FAULTS: &[&str] = &[
    "required", "too_long", "bad_name", "bad_version", "after_end", "one_of", "bad_date",
    "past_date", "bad_number", "bad_hours", "bad_code", "bad_digest", "bad_scope", "bad_entry", "no_items",
    "repeated", "wider", "not_offered", "bad_value", "number_untold", "bad_parent", "bad_range", "need_grant",
    "not_same", "user_taken", "bad_user", "bad_address", "not_of_slip",
];

/// Codes that templates turn into texts by their family.
const FAMILIES: &[(&str, &[&str])] = &[
    (
        "breaking",
        &[
            "parameter_required",
            "parameter_removed",
            "parameter_narrowed",
            "item_removed",
            "item_widened",
            "item_optional",
            "code_table_changed",
            "sharing_narrowed",
        ],
    ),
    ("change", &["added", "removed", "changed"]),
    ("owes", &["password", "second_factor"]),
    ("tab", &["accounts", "tokens", "keys", "settings", "policy", "log"]),
    ("account", &["active", "disabled", "locked", "must_change"]),
    ("secret", &["password", "token"]),
    ("secret-hint", &["password", "token"]),
    ("token", &["active", "expired"]),
    ("section", &["sign_in", "web", "limits", "places", "calendar", "by_itself"]),
    ("setting", SETTINGS),
    ("factor", &["offered", "required"]),
    ("fill", &["id_number", "uscc", "unit_number", "date", "plate"]),
    ("language", &["zh", "en"]),
    ("source", &["answers", "failing", "resting", "not_asked"]),
    ("did", ActKind::WORDS),
    ("means", &["platform", "mail", "media"]),
    ("standing", &["granted", "ended", "left_out", "not_asked"]),
    ("notice", &["new_major_version", "deprecated", "withdrawn"]),
    ("awaited", &["under_way", "leader", "unheard", "lagging", "majority"]),
    ("check", &["quorum", "membership", "lag", "clock", "projection", "outbox", "halted", "keys", "disk", "policy"]),
    ("case", &["waiting", "in_progress", "returned", "agreed", "rejected", "withdrawn", "completed"]),
    ("certificate", &["valid", "suspended", "revoked", "cancelled", "lapsed", "transferred_out", "withdrawn", "other"]),
    ("operation", &["new", "extend", "change", "transfer_in"]),
    ("preparation", &["prepared", "issued", "discarded"]),
    (
        "copy",
        &[
            "genuine",
            "malformed",
            "copy_signature",
            "copy_digest",
            "copy_record",
            "copy_key",
            "other_chain",
            "transaction_signature",
            "inclusion",
            "cosignature",
            "too_few_cosignatures",
        ],
    ),
    ("cosignature", &["fits", "false", "none"]),
    ("cosigner", &["current", "behind", "silent"]),
    ("cycle", &["real_time", "daily", "weekly", "monthly", "quarterly", "yearly", "irregular"]),
    ("decision", &["allowed", "refused"]),
    ("draft", &["draft", "under_review", "rejected"]),
    ("entry", &["published", "deprecated", "withdrawn"]),
    ("fault", FAULTS),
    ("attribute", &ATTRIBUTES),
    (
        "flash",
        &[
            "keys_rotated",
            "policy_proposed",
            "policy_confirmed",
            "policy_rejected",
            "members_changed",
            "members_changing",
            "key_revoked",
            "draft_saved",
            "draft_submitted",
            "draft_approved",
            "draft_rejected",
            "entry_deprecated",
            "entry_withdrawn",
            "grant_requested",
            "grant_approved",
            "grant_denied",
            "grant_revoked",
            "grant_preapproved",
            "grant_suspended",
            "grant_resumed",
            "grant_extended",
            "grant_appealed",
            "appeal_upheld",
            "appeal_dismissed",
            "case_opened",
            "case_signed",
            "case_waits",
            "case_goes_on",
            "case_returned",
            "case_resubmitted",
            "case_corrected",
            "case_assigned",
            "case_withdrawn",
            "case_completed",
            "workflow_published",
            "certificate_issued",
            "certificate_changed",
            "certificate_annotated",
            "certificate_prepared",
            "certificate_discarded",
            "certificate_type_published",
            "signed_out",
            "password_changed",
            "second_factor_removed",
            "session_ended",
            "account_changed",
            "token_revoked",
            "settings_changed",
        ],
    ),
    ("fate", &["created", "changed", "unchanged", "failed"]),
    ("find", &["transaction", "block"]),
    ("finding", &["promise_without_record", "record_differs", "record_without_call", "record_without_promise"]),
    ("finding-hint", &["promise_without_record", "record_differs", "record_without_call", "record_without_promise"]),
    (
        "format",
        &[
            "id_number",
            "uscc",
            "unit_number",
            "bay_id",
            "plate",
            "department",
            "date",
            "text",
            "certificate_identifier",
            "date-time",
            "uri",
            "array",
            "object",
            "null",
            "string",
            "integer",
            "number",
            "boolean",
        ],
    ),
    ("act", ACTS),
    ("act-hint", ACTS),
    ("grant", &["requested", "overdue", "active", "suspended", "denied", "appealed", "revoked", "replaced", "expired"]),
    ("key", &["current", "retiring", "retired", "expired", "revoked"]),
    ("kind", &["string", "integer", "number", "date", "boolean"]),
    ("kind-of", Command::KINDS),
    ("level", &["duty", "data", "interface"]),
    ("mark", &["done", "current", "waiting", "failed"]),
    ("masking", &["none", "name", "id_number", "phone", "address", "bank_card", "full", "keep"]),
    ("mode", &["query", "verify"]),
    ("node", &["leader", "voter", "learner", "none", "unreachable"]),
    ("open", &["yes", "no"]),
    (
        "outcome",
        &[
            "done",
            "signature_invalid",
            "key_revoked",
            "key_expired",
            "payload_unreadable",
            "id_time",
            "repeated",
            "id_reused",
            "not_allowed",
            "own_request",
            "unknown",
            "conflict",
            "invalid",
        ],
    ),
    ("problem", PROBLEMS),
    ("progress-waits", &["data", "clarity", "step", "payment", "correction", "refused", "end"]),
    ("proof", &["fits", "false", "open", "strange"]),
    ("reason", REASONS),
    ("reason-short", REASONS),
    (
        "receipt-fault",
        &["malformed", "other_chain", "transaction_signature", "inclusion", "cosignature", "too_few_cosignatures"],
    ),
    ("resolved", &["no", "yes"]),
    ("role", &["clerk", "reviewer", "admin", "auditor", "system"]),
    ("rule-change", &["added", "removed", "changed", "moved"]),
    ("sharing", &["unconditional", "conditional", "not_shared"]),
    ("step", &["waiting", "later", "returned", "agreed", "disagreed"]),
    ("rule-says", &["held", "broken", "open"]),
    ("case-do", &["sign_off", "payment", "document", "answer"]),
    ("cases-which", &["involved", "waiting", "owned", "all"]),
    ("fact", &["amount_yuan", "number", "paid_on", "title", "text"]),
    ("step-hint", &["form", "signature", "inclusion", "checkpoint"]),
    ("step-of", &["form", "signature", "inclusion", "checkpoint"]),
    (
        "task",
        &["drafts", "grants", "overdue", "sign_offs", "expiring", "changed", "appeals", "stuck", "returned", "agreed"],
    ),
    (
        "trouble",
        &[
            "quorum",
            "removed",
            "replaced",
            "joining",
            "lag",
            "starting",
            "clock_ahead",
            "clock_behind",
            "projection",
            "projection_waits",
            "outbox",
            "disk_low",
            "disk_full",
            "disk_unwritable",
            "halted",
            "keys_end",
            "keys_foreign",
            "policy",
        ],
    ),
    ("users-when", &["unconditional", "conditional", "not_shared"]),
    ("tx", &["proposed", "committed", "anchored", "projected"]),
    ("verdict", &["valid", "not_valid", "unknown", "malformed"]),
    ("verdict-hint", &["valid", "not_valid", "unknown", "malformed"]),
    ("weekday", &["1", "2", "3", "4", "5", "6", "7"]),
    (
        "waiting",
        &[
            "all",
            "drafts",
            "grants",
            "overdue",
            "sign_offs",
            "expiring",
            "changed",
            "appeals",
            "stuck",
            "returned",
            "agreed",
        ],
    ),
];

/// What can be said on a grant with a reason.
const ACTS: &[&str] = &["deny", "revoke", "suspend", "resume", "extend", "appeal", "uphold", "dismiss"];

/// Reasons of refusals.
#[rustfmt::skip]
const REASONS: &[&str] = &[
    "no_grant", "grant_requested", "grant_expired", "grant_revoked", "grant_denied", "purpose_mismatch",
    "item_not_granted", "not_shared", "entry_unknown", "entry_withdrawn", "entry_deprecated", "role_not_allowed",
    "own_request", "foreign_department", "outside_hours", "zone_not_allowed", "quota_exceeded", "rate_exceeded",
    "outside_scope", "no_rule", "no_grant_needed", "own_entry", "grant_not_requested", "grant_ended",
    "grant_suspended", "grant_replaced", "grant_not_active", "grant_not_suspended", "grant_not_denied",
    "grant_not_appealed", "bureau_only", "auditor_only", "authority_only", "not_in_case", "provider_answer_invalid",
    "provider_failed",
];

/// Problems that a person meets; other codes come with their own title.
const PROBLEMS: &[&str] = &[
    "account_disabled",
    "code_needed",
    "last_admin",
    "own_account",
    "password_change_needed",
    "password_unfit",
    "second_factor_needed",
    "sign_in_expired",
    "wrong_code",
    "malformed",
    "invalid_parameter",
    "not_authenticated",
    "wrong_password",
    "account_locked",
    "refused",
    "not_allowed",
    "own_request",
    "key_revoked",
    "key_expired",
    "csrf",
    "not_found",
    "unknown",
    "unknown_entry",
    "method_not_allowed",
    "conflict",
    "repeated",
    "version_conflict",
    "version_not_higher",
    "breaking",
    "code_taken",
    "draft_not_submitted",
    "workflow_not_published",
    "unprocessable",
    "invalid",
    "too_large",
    "unsupported_media_type",
    "quota_exceeded",
    "rate_exceeded",
    "provider_unreachable",
    "provider_late",
    "provider_answer_invalid",
    "provider_failed",
    "no_quorum",
    "ledger_busy",
    "outbox_full",
    "not_yet_projected",
    "busy",
    "unavailable",
    "internal",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for item in fs::read_dir(dir).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|have| have == ending) {
            found.push(path);
        }
    }
    found
}

/// Key and text of every line of a language; fails when a key stands twice.
fn texts_of(lang: Lang) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for file in files(&root().join("src/web/portal/locales").join(lang.code()), "ftl") {
        for line in fs::read_to_string(&file).unwrap().lines() {
            if let Some((key, text)) = line.split_once(" = ").filter(|(key, _)| !key.starts_with(['#', ' '])) {
                assert!(texts.insert(key.to_owned(), text.to_owned()).is_none(), "{key} stands twice in {lang:?}");
            }
        }
    }
    texts
}

/// Templates and the code of the web floor, without tests.
fn sources() -> String {
    let mut all = String::new();
    let code = files(&root().join("src/web"), "rs").into_iter().filter(|path| {
        let name = path.file_name().unwrap_or_default();
        name != "tests.rs" && !path.to_string_lossy().contains("/samples/")
    });
    for file in files(&root().join("templates"), "html").into_iter().chain(code) {
        all.push_str(&fs::read_to_string(file).unwrap());
    }
    all
}

fn literals_after<'a>(text: &'a str, mark: &str) -> BTreeSet<&'a str> {
    text.split(mark).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

fn family_keys() -> BTreeSet<String> {
    let keys = |(family, codes): &(&str, &[&str])| {
        codes.iter().map(|code| format!("{family}-{}", code.replace('.', "-"))).collect::<Vec<_>>()
    };
    let faults = FaultCode::ALL.iter().map(|code| format!("fault-{}", code.as_str()));
    FAMILIES.iter().flat_map(keys).chain(faults).collect()
}

#[test]
fn both_languages_have_the_same_keys_and_places() {
    let (zh, en) = (texts_of(Lang::Zh), texts_of(Lang::En));
    assert!(zh.len() > 300);
    assert_eq!(zh.keys().collect::<Vec<_>>(), en.keys().collect::<Vec<_>>());
    let places = |text: &str| text.split('$').skip(1).map(|rest| rest.split(' ').next().unwrap().to_owned()).collect();
    for (key, text) in &zh {
        let (here, there): (BTreeSet<String>, BTreeSet<String>) = (places(text), places(&en[key]));
        assert_eq!(here, there, "{key} has other places in English");
        assert!(here.len() <= 1, "{key}: `say_with` fills one place");
    }
}

#[test]
fn every_key_that_is_used_exists() {
    let (known, sources) = (texts_of(Lang::Zh), sources());
    for mark in [".say(\"", "say_with(\"", "say_count(\""] {
        for key in literals_after(&sources, mark) {
            assert!(known.contains_key(key), "no text for {key}");
            assert_eq!(mark != ".say(\"", known[key].contains('$'), "{key} has a place to fill, or has none");
            let is_counted = texts_of(Lang::En)[key].ends_with("->");
            assert!(!is_counted || mark == "say_count(\"", "{key} needs a number to choose its words by");
        }
    }
    for key in family_keys() {
        assert!(known.contains_key(&key), "no text for {key}");
    }
}

#[test]
fn no_key_is_idle() {
    let (sources, families) = (sources(), family_keys());
    for key in texts_of(Lang::Zh).keys().filter(|key| !families.contains(*key)) {
        assert!(sources.contains(&format!("\"{key}\"")), "nobody says {key}");
    }
    // Flash and fault texts are for handlers, the others stand in templates.
    for (family, _) in FAMILIES.iter().filter(|(family, _)| *family != "flash") {
        assert!(sources.contains(&format!("\"{family}\"")), "nobody uses the family {family}");
    }
}

#[test]
fn families_know_every_word_of_the_domain() {
    let keys = family_keys();
    let domain = Role::ALL.iter().map(|role| format!("role-{}", role.as_str()));
    let domain = domain.chain(GrantState::ALL.iter().map(|state| format!("grant-{}", state.as_str())));
    let domain = domain.chain(KeyState::ALL.iter().map(|state| format!("key-{}", state.as_str())));
    for key in domain.chain(CaseState::ALL.iter().map(|state| format!("case-{}", state.as_str()))) {
        assert!(keys.contains(&key), "no text for {key}");
    }
}

#[test]
fn texts_are_found_and_filled() {
    let (zh, en) = (Words::of(Lang::Zh), Words::of(Lang::En));
    assert_eq!(zh.say("catalog-title"), "数据目录");
    assert_eq!(en.say("catalog-title"), "Data catalog");
    assert_eq!(en.say_with("home-title", "user", "li.na"), "Welcome, li.na");
    assert_eq!(en.say_count("catalog-total", "count", 1), "1 entry");
    assert_eq!(en.say_count("catalog-total", "count", 1_284), "1,284 entries");
    assert_eq!(zh.say_count("catalog-total", "count", 1), zh.say_count("catalog-total", "count", 2).replace('2', "1"));
    assert_eq!(["7", "100", "1000", "1234567"].map(grouped), ["7", "100", "1,000", "1,234,567"]);
    assert_eq!(zh.word("kind-of", "grant.request"), "申请授权");
    assert_eq!(
        en.word_with("trouble", "clock_ahead", "seen", "61.4").split('.').next(),
        Some("This machine's clock is 61")
    );
    assert!(zh.word_with("trouble", "lag", "seen", 12).starts_with("落后全市 12 条日志"));
    assert_eq!(zh.word_with("trouble", "moonlight", "seen", 1), "moonlight");
    assert_eq!(en.word("sharing", "by_pigeon"), "by_pigeon", "a code from elsewhere is shown as it is");
    assert_eq!(en.fault("version", "bad_version"), "Version: write major.minor, such as 1.0.");
    assert_eq!(en.pick(&Text { zh: "户籍".into(), en: String::new() }), "户籍");
}
