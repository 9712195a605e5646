//! What an administrator sets here, and below it what files say: all that is in force on this node, in words.

use actix_web::http::StatusCode;

use crate::clock::DAY_MS;
use crate::domain::Role;
use crate::readmodel::PROJECTION_FILE;
use crate::readmodel::local::accounts::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN};
use crate::readmodel::local::acts::{AGE_MS_MAX as LOG_AGE_MS_MAX, LINES_MAX};
use crate::readmodel::local::sessions::SESSIONS_MAX;
use crate::readmodel::local::sign_in::{FAILURES_MAX, LOCK_MS};
use crate::service::ServiceError;
use crate::service::config::{LogFormat, NodeConfig};
use crate::web::problem::Problem;

use super::desk::{Desk, Visitor};
use super::form::Posted;
use super::render::{Answer, FAULTY};
use super::settings_form;
use super::views::admin::{Section, SettingRow, Settings, SettingsFields, SourceRow};
use super::views::{Fault, Faults};

/// The page.
pub async fn show(visitor: Visitor) -> Answer {
    page(&visitor, StatusCode::OK, None, Faults::default())
}

/// Sets anew what can be set here.
pub async fn change(Posted { visitor, form }: Posted) -> Answer {
    let fields = settings_form::sent(&form, visitor.node.config.sign_in.second_factor);
    match visitor.node.change_settings(&visitor.who, settings_form::read(&fields)?).await {
        Ok(_) => visitor.done("/admin/settings", "settings_changed", None),
        Err(ServiceError::Invalid(misfits)) => {
            let faults = settings_form::faults(visitor.t, &misfits, &fields);
            page(&visitor, FAULTY, Some(fields), faults)
        }
        // What somebody else set meanwhile is shown, not overwritten.
        Err(ServiceError::Conflict { code, .. }) => {
            let message = visitor.t.word("problem", code);
            let faults = Faults(vec![Fault { field: "set".to_owned(), message }]);
            page(&visitor, StatusCode::CONFLICT, None, faults)
        }
        Err(error) => Err(error.into()),
    }
}

fn page(visitor: &Visitor, status: StatusCode, sent: Option<SettingsFields>, faults: Faults) -> Answer {
    if !visitor.is(Role::Admin) {
        return Err(Problem::new("not_allowed"));
    }
    let config = &visitor.node.config;
    let kept = visitor.node.settings(&visitor.who)?;
    let fields = sent.unwrap_or_else(|| settings_form::filled(&kept, config.sign_in.second_factor));
    let (changed_at, changed_by) = kept.changed.map(|(at, by)| (at.local_text(), by)).unwrap_or_default();
    let sections = vec![
        sign_in(visitor, config),
        web(visitor, config),
        limits(visitor, config),
        places(visitor, config),
        calendar(visitor, config),
        by_itself(visitor),
    ];
    let view = Settings {
        page: visitor.page_at("/admin/settings"),
        t: visitor.t,
        fields,
        changed_at,
        changed_by,
        faults,
        sections,
        sources: sources(visitor),
    };
    visitor.show_as(status, &view)
}

fn row(code: &'static str, value: impl ToString) -> SettingRow {
    SettingRow { code, value: value.to_string() }
}

fn file(config: &NodeConfig, part: &str) -> String {
    let name = config.file.display();
    if part.is_empty() { name.to_string() } else { format!("{name} [{part}]") }
}

fn sign_in(desk: &Desk, config: &NodeConfig) -> Section {
    let t = desk.t;
    let minutes = |ms: u64| t.say_with("minutes", "count", ms / 60_000);
    let rows = vec![
        row("second_factor", t.word("factor", config.sign_in.second_factor.as_str())),
        row("sessions", SESSIONS_MAX),
        row("failures", format!("{FAILURES_MAX} · {}", minutes(LOCK_MS))),
        row("password", format!("{PASSWORD_CHARS_MIN}–{PASSWORD_CHARS_MAX}")),
    ];
    Section { code: "sign_in", file: file(config, "sign_in"), rows }
}

fn web(desk: &Desk, config: &NodeConfig) -> Section {
    let t = desk.t;
    let systems = config.systems.as_ref().map_or_else(|| t.say("none"), |systems| systems.listen.to_string());
    let rows = vec![
        row("listen", config.web.listen),
        row("public_url", config.web.public_url()),
        row("cookie_secure", t.yes(&config.web.cookie_secure())),
        row("systems", systems),
        row("peer", config.peer.listen),
        row("raft", config.raft.listen),
        row("zone", config.zone.clone().unwrap_or_else(|| t.say("none"))),
    ];
    Section { code: "web", file: file(config, "web"), rows }
}

fn limits(desk: &Desk, config: &NodeConfig) -> Section {
    let seconds = |ms: u64| desk.t.say_with("seconds", "count", ms / 1000);
    let limits = &config.limits;
    let rows = vec![
        row("query_timeout", seconds(limits.query_timeout_ms)),
        row("submit_timeout", seconds(limits.submit_timeout_ms)),
        row("promise", seconds(limits.promise_ms)),
        row("disk_reserve", format!("{} MiB", limits.disk_reserve_mb)),
    ];
    Section { code: "limits", file: file(config, "limits"), rows }
}

fn places(desk: &Desk, config: &NodeConfig) -> Section {
    let t = desk.t;
    let keys = match (&config.keys.key_file, &config.keys.passphrase_file) {
        (Some(file), _) | (None, Some(file)) => t.say_with("keys-locked", "file", file.display()),
        (None, None) => t.say("keys-by-variable"),
    };
    let archive = config.ledger.archive.as_ref().map_or_else(|| t.say("none"), |path| path.display().to_string());
    let format = match config.log.format {
        LogFormat::Json => "JSON",
        LogFormat::Text => "text",
    };
    let rows = vec![
        row("data_dir", config.data_dir.display()),
        row("read_model", read_model(desk)),
        row("keys", keys),
        row("departments_dir", config.departments_dir.display()),
        row("archive", archive),
        row("log", format!("{format}, {}", config.log.level)),
    ];
    Section { code: "places", file: file(config, ""), rows }
}

/// Where what is listed lies.
fn read_model(desk: &Desk) -> String {
    let file = || format!("SQLite, {}", desk.node.config.model_dir().join(PROJECTION_FILE).display());
    desk.node.model.server().map_or_else(file, |server| format!("PostgreSQL, {}", server.place()))
}

fn calendar(desk: &Desk, config: &NodeConfig) -> Section {
    let (t, days) = (desk.t, desk.node.calendar.decision);
    let working = |days: u8| t.say_count("working-days", "count", days);
    let now = desk.node.clock.now();
    let rows = vec![
        row("today", format!("{} · {}", now.date(), t.yes(&desk.node.calendar.is_worked(now.day())))),
        row("unconditional", working(days.unconditional)),
        row("conditional", working(days.conditional)),
        row("extension", working(days.extension)),
        row("returned", working(days.returned)),
        row("reminder", working(days.reminder)),
    ];
    Section { code: "calendar", file: config.departments_dir.join("calendar.toml").display().to_string(), rows }
}

/// What nobody has to start.
fn by_itself(desk: &Desk) -> Section {
    let t = desk.t;
    let days = t.say_count("days", "count", LOG_AGE_MS_MAX / DAY_MS);
    let rows = vec![
        row("deadlines", t.say("every-minute")),
        row("expiries", t.say("every-ten-minutes")),
        row("log_digest", t.say("every-day")),
        row("log_kept", format!("{days} · {LINES_MAX}")),
    ];
    Section { code: "by_itself", file: String::new(), rows }
}

fn sources(desk: &Desk) -> Vec<SourceRow> {
    let row = |(entry, sort, fortune): (crate::ids::EntryName, &'static str, crate::exchange::connector::Fortune)| {
        let state = match (fortune.rests_s, fortune.failures, fortune.answered_s) {
            (Some(_), ..) => "resting",
            (None, 1.., _) => "failing",
            (None, 0, Some(_)) => "answers",
            (None, 0, None) => "not_asked",
        };
        SourceRow {
            title: desk.entry_title(&entry),
            entry: entry.to_string(),
            sort,
            state,
            failures: fortune.failures,
            answered: fortune.answered_s.map(|s| desk.t.say_with("seconds-ago", "count", s)).unwrap_or_default(),
        }
    };
    desk.node.exchange.sources().into_iter().map(row).collect()
}
