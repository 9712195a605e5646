//! Coming in: second factors, sessions, and the log of who did.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use mulu::clock::{Clock as _, DAY_MS, Millis, SystemClock};
use mulu::readmodel::local::{Act, ActKind, Local};
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use crate::harness::{Answer, Caller, City, Wish, mulu, mulu_told, now, until};

const FORM: &str = "application/x-www-form-urlencoded";

/// A browser without scripts: it keeps cookies and sends forms back.
pub struct Guest {
    url: String,
    cookies: BTreeMap<String, String>,
}

impl Guest {
    /// At a department's portal.
    pub fn at(city: &City, department: &str) -> Self {
        Self { url: city.node(department).url.clone(), cookies: BTreeMap::new() }
    }

    /// What the browser sends in `Cookie`.
    pub fn cookie(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn caller(&self) -> Caller {
        Caller::anonymous(&self.url).with("cookie", &self.cookie()).with("accept-language", "en")
    }

    fn keep(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            assert!(rest.contains("HttpOnly") && rest.contains("SameSite="), "{rest}");
            if value.is_empty() {
                self.cookies.remove(name)
            } else {
                self.cookies.insert(name.into(), value.into())
            };
        }
    }

    /// Opens a page.
    #[track_caller]
    pub fn open(&mut self, path: &str) -> Answer {
        let answer = self.caller().get(path);
        self.keep(&answer);
        answer
    }

    /// Sends a form of a page, with the token against forgery that stands on the page.
    #[track_caller]
    pub fn send(&mut self, page: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        let token = token_on(&self.open(page).text);
        self.send_with(action, &token, fields)
    }

    fn send_with(&mut self, action: &str, token: &str, fields: &[(&str, &str)]) -> Answer {
        let mut form: Vec<(&str, &str)> = fields.to_vec();
        form.push(("csrf", token));
        let answer = self.caller().post_raw(action, FORM, encoded(&form));
        self.keep(&answer);
        answer
    }

    /// Signs in with a password.
    #[track_caller]
    pub fn sign_in(&mut self, user: &str, password: &str) -> Answer {
        self.send("/sign-in", "/sign-in", &[("user", user), ("password", password), ("next", "/account")])
    }
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    let text = |text: &str| text.bytes().map(byte).collect::<String>();
    fields.iter().map(|(name, value)| format!("{}={}", text(name), text(value))).collect::<Vec<_>>().join("&")
}

/// The token against forgery on a page.
fn token_on(page: &str) -> String {
    let at = page.find("name=\"csrf\" value=\"").expect("a form with a token") + 19;
    page[at..].split('"').next().unwrap().to_owned()
}

/// An account that no other story uses.
fn account(city: &City, department: &str, user: &str, roles: &[&str]) -> &'static str {
    let config = city.config(department);
    let mut arguments =
        vec!["account", "add", "--config", config.to_str().unwrap(), "--user", user, "--password-stdin"];
    roles.iter().for_each(|role| arguments.extend(["--role", role]));
    mulu_told(&arguments, "correct horse\n").ok();
    "correct horse"
}

/// The code of so many steps from now.
fn code(secret: &str, steps: u64) -> String {
    let secret = Secret::try_from_base32(secret.replace(' ', "")).unwrap();
    let totp = Builder::new().with_secret(secret).build().unwrap();
    totp.generate(SystemClock.now().0 / 1000 + 30 * steps).to_string()
}

fn between<'a>(page: &'a str, before: &str, after: &str) -> &'a str {
    let at = page.find(before).unwrap_or_else(|| panic!("no {before} in {page}")) + before.len();
    page[at..].split(after).next().unwrap()
}

#[test]
fn a_second_factor_is_set_up_asked_for_recovered_and_taken_away() {
    let city = City::shared();
    let (user, password) = ("second.factor", account(city, "housing", "second.factor", &["reviewer"]));
    let (mut guest, mut other) = (Guest::at(city, "housing"), Guest::at(city, "housing"));
    assert_eq!(guest.sign_in(user, password).header("location"), Some("/account"));
    other.sign_in(user, password);
    let wrong = guest.send("/account", "/account/second-factor", &[("password", "wrong horse")]);
    assert_eq!(wrong.status, 401, "{wrong}");
    guest.send("/account", "/account/second-factor", &[("password", password)]);
    let page = guest.open("/account/second-factor").text;
    assert!(page.contains("<svg ") && !page.contains("style="), "{page}");
    let secret = between(&page, "<code class=\"secret\">", "<").to_owned();
    let confirm = "/account/second-factor/confirm";
    let refused = guest.send("/account/second-factor", confirm, &[("code", "000000")]);
    assert_eq!(refused.status, 401, "{refused}");
    let before = guest.cookies.clone();
    let shown = guest.send("/account/second-factor", confirm, &[("code", &code(&secret, 0))]);
    assert_eq!((shown.status, shown.text.matches("<li><code>").count()), (200, 10), "{shown}");
    assert_ne!(guest.cookies, before, "the session is the one from before");
    assert!(other.open("/account").header("location").unwrap().starts_with("/sign-in"), "another session goes on");
    let recovery = between(&shown.text, "<li><code>", "<").to_owned();

    // The password alone opens nothing.
    let session = |more: Value| {
        let mut body = json!({"user": user, "password": password});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        city.anonymous("housing").post("sessions", &body)
    };
    session(json!({})).problem(401, "code_needed");
    session(json!({"code": "000000"})).problem(401, "wrong_code");
    assert_eq!(other.sign_in(user, password).header("location"), Some("/sign-in/code?next=%2Faccount"));
    assert!(other.open("/account").header("location").unwrap().starts_with("/sign-in"));
    let asked = other.open("/sign-in/code").text;
    assert!(asked.contains("autocomplete=\"one-time-code\""), "{asked}");

    // The next code opens, and once only. The one of the set-up was used.
    let next = code(&secret, 1);
    let entered = other.send("/sign-in/code", "/sign-in/code", &[("code", &next), ("next", "/account")]);
    assert_eq!(entered.header("location"), Some("/account"), "{entered}");
    assert_eq!(other.open("/account").status, 200);
    session(json!({"code": next})).problem(401, "wrong_code");

    // A recovery code takes its place, once.
    assert_eq!(session(json!({"code": recovery})).status, 201);
    session(json!({"code": recovery})).problem(401, "wrong_code");
    assert!(other.open("/account").text.contains("Recovery codes left: 9"));

    let config = city.config("housing");
    let reset = ["account", "reset-second-factor", "--config", config.to_str().unwrap(), "--user", user];
    mulu(&reset).ok();
    assert_eq!(session(json!({})).status, 201);
    assert!(other.open("/account").header("location").is_some(), "a session outlived the reset");
}

#[test]
fn a_person_changes_the_password_and_ends_sessions() {
    let city = City::shared();
    let (user, password) = ("pass.word", account(city, "housing", "pass.word", &["clerk"]));
    let (mut here, mut there) = (Guest::at(city, "housing"), Guest::at(city, "housing"));
    here.sign_in(user, password);
    there.sign_in(user, password);
    let mut change = |old: &str, new: &str, again: &str| {
        here.send("/account", "/account/password", &[("old", old), ("new", new), ("again", again)]).status
    };
    assert_eq!(change("wrong horse", "battery staple", "battery staple"), 401);
    assert_eq!(change(password, "battery staple", "battery"), 422);
    assert_eq!(change(password, "short", "short"), 409);
    assert_eq!(change(password, password, password), 409);
    assert_eq!(change(password, "battery staple", "battery staple"), 303);
    assert!(there.open("/account").header("location").unwrap().starts_with("/sign-in"), "another session goes on");
    assert_eq!(there.sign_in(user, password).status, 401);
    there.sign_in(user, "battery staple");
    assert!(here.open("/account").text.contains("127.0.0.1"), "whence one is signed in");
    assert_eq!(here.send("/account", "/account/sessions/end-others", &[]).status, 303);
    assert_eq!(here.open("/account").status, 200);
    assert!(there.open("/account").header("location").unwrap().starts_with("/sign-in"), "another session goes on");
}

#[test]
fn an_administrator_makes_an_account_puts_it_to_rest_and_everything_is_in_the_log() {
    let city = City::shared();
    let password = account(city, "housing", "second.admin", &["admin"]);
    let mut admin = Guest::at(city, "housing");
    admin.sign_in("second.admin", password);
    let clerk = city.person("housing", "clerk1");
    clerk.get("admin/log").problem(403, "role_not_allowed");

    let made =
        admin.send("/admin", "/admin/accounts", &[("user", "new.clerk"), ("display", "新人"), ("roles", "clerk")]);
    assert_eq!(made.status, 200, "{made}");
    let once = between(&made.text, "id=\"secret\">", "<").to_owned();
    let again = admin.send("/admin", "/admin/accounts", &[("user", "new.clerk"), ("roles", "clerk")]);
    assert_eq!(again.status, 409, "{again}");
    // A password that somebody else chose opens one's own account only.
    let mut person = Guest::at(city, "housing");
    person.sign_in("new.clerk", &once);
    assert_eq!(person.open("/catalog").header("location"), Some("/account"));
    let fields = [("old", once.as_str()), ("new", "battery staple"), ("again", "battery staple")];
    assert_eq!(person.send("/account", "/account/password", &fields).status, 303);
    assert_eq!(person.open("/catalog").status, 200);

    assert_eq!(admin.send("/admin", "/admin/accounts/new.clerk/disable", &[]).status, 303);
    assert!(person.open("/catalog").header("location").unwrap().starts_with("/sign-in"), "its session goes on");
    let refused = person.sign_in("new.clerk", "battery staple");
    assert_eq!(refused.status, 403, "{refused}");
    let own = admin.send("/admin", "/admin/accounts/second.admin/roles", &[("roles", "reviewer")]);
    assert_eq!(own.status, 403, "{own}");

    // A token, shown once, listed without itself.
    let fields = [("system", "window-system"), ("days", "30"), ("sources", "127.0.0.1"), ("entries", "")];
    let issued = admin.send("/admin/tokens", "/admin/tokens", &fields);
    let token = between(&issued.text, "id=\"secret\">", "<").to_owned();
    assert_eq!(Caller::bearer(&city.node("housing").url, &token).get("catalog/entries").status, 200);
    assert!(!admin.open("/admin/tokens").text.contains(&token));
    assert_eq!(admin.send("/admin/tokens", "/admin/tokens/revoke", &[("system", "window-system")]).status, 303);

    let session = json!({"user": "second.admin", "password": password});
    let opened = city.anonymous("housing").post("sessions", &session).ok();
    let admin_api = Caller::bearer(&city.node("housing").url, opened["token"].as_str().unwrap());
    let log = admin_api.get("admin/log?about=new.clerk&page_size=200").ok();
    let kinds: Vec<&str> = log["items"].as_array().unwrap().iter().map(|act| act["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["sign_in_failed", "account_disabled", "password_changed", "signed_in", "account_created"]);
    assert_eq!(log["items"][1]["user"], "second.admin");
    assert_eq!(log["items"][1]["from"], "127.0.0.1");
    let csv = admin.open("/admin/log/export?kind=token_revoked");
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    assert!(csv.text.contains(",token_revoked,second.admin,127.0.0.1,window-system,"), "{}", csv.text);
    for page in ["/admin", "/admin/accounts/new.clerk", "/admin/tokens", "/admin/settings", "/admin/log", "/keys"] {
        assert_eq!(admin.open(page).status, 200, "{page}");
        let mut nobody = Guest::at(city, "housing");
        nobody.sign_in("clerk1", city.password("housing", "clerk1"));
        assert_eq!(nobody.open(page).status, 403, "{page}");
    }
}

#[test]
fn no_form_counts_without_its_token() {
    let routes = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/portal/routes.rs")).unwrap();
    let posts = routes.lines().filter(|line| line.contains("web::post()"));
    let paths: Vec<String> = posts.map(|line| between(line, ".route(\"", "\"").to_owned()).collect();
    assert!(paths.len() > 40, "{paths:?}");
    let city = City::shared();
    let mut admin = Guest::at(city, "housing");
    admin.sign_in("admin1", city.password("housing", "admin1"));
    for path in paths {
        let part = |part: &str| match part {
            "{id}" | "{access_id}" => "019aa5c2-7c1e-7d3a-9f00-2b7c1d9e4a11".to_owned(),
            "{key}" => "00112233445566aa".to_owned(),
            part => part.replace(['{', '}'], ""),
        };
        let path = path.split('/').map(part).collect::<Vec<_>>().join("/");
        let caller = admin.caller().with("accept", "application/json");
        let sent = match path.as_str() {
            "/drafts/import" | "/verify" => caller.post_raw(
                &path,
                "multipart/form-data; boundary=x",
                "--x\r\ncontent-disposition: form-data; name=\"csrf\"\r\n\r\nguess\r\n--x--\r\n",
            ),
            _ => caller.post_raw(&path, FORM, "csrf=guess"),
        };
        sent.problem(403, "csrf");
    }
    assert_eq!(admin.open("/").status, 200, "the session ended");
}

/// Reads a stream of events until a text comes.
fn hears(stream: &mut TcpStream, text: &str) {
    let (mut heard, mut bytes) = (String::new(), [0; 1024]);
    while !heard.contains(text) {
        let count = stream.read(&mut bytes).unwrap_or_else(|why| panic!("no {text} after {heard}: {why}"));
        assert!(count > 0, "the stream ended without {text}: {heard}");
        heard.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
}

#[test]
fn an_open_page_hears_of_changes_and_its_stream_ends_with_its_session() {
    let city = City::shared();
    let password = account(city, "housing", "open.page", &["clerk", "reviewer"]);
    let mut guest = Guest::at(city, "housing");
    assert_eq!(guest.open("/events").header("location"), Some("/sign-in?next=%2Fevents"));
    guest.sign_in("open.page", password);
    assert_eq!(guest.open("/events?topic=weather").status, 400);
    let mut stream = TcpStream::connect(guest.url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(stream, "GET /events HTTP/1.1\r\nhost: x\r\ncookie: {}\r\n\r\n", guest.cookie()).unwrap();
    hears(&mut stream, "retry: 5000");
    let digest = json!({"digest": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0", "label": "x"});
    city.system("housing").post("digests", &digest).ok();
    city.ask(&Wish { consumer: "housing", ..Wish::marriage() });
    hears(&mut stream, "event: work");
    assert_eq!(guest.send("/account", "/sign-out", &[]).status, 303);
    hears(&mut stream, "event: end");
}

#[test]
fn a_department_may_demand_a_second_factor() {
    let city = City::at_rest("tax");
    let config = city.config("tax");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}\n[sign_in]\nsecond_factor = \"required\"\n")).unwrap();
    // What was done yesterday: its digest goes on the ledger.
    let model = config.parent().unwrap().join("data/model");
    let act = Act {
        kind: ActKind::AccountCreated,
        user: "operator".into(),
        from: None,
        subject: "li.na".into(),
        detail: String::new(),
    };
    // A line is never older than the one before it, and making the city has left some.
    let mut database = SqliteConnection::establish(model.join("local.db").to_str().unwrap()).unwrap();
    database.batch_execute("DELETE FROM acts").unwrap();
    drop(database);
    let local = Local::open(&model).unwrap();
    local.note(&act, Millis(now().0 - DAY_MS)).unwrap();
    let digest = local.last_act_before(now()).unwrap().unwrap().digest;
    drop(local);
    city.start_all();
    until("the digest of yesterday's log is on the ledger", Duration::from_secs(60), || {
        let listed = city.system("audit").get("ledger/transactions?kind=digest.record").ok();
        let id = listed["items"][0]["transaction_id"].as_str()?.to_owned();
        let shown = city.system("audit").get(&format!("ledger/transactions/{id}")).ok();
        assert!(shown.to_string().contains(&digest), "{shown}");
        Some(())
    });
    let reviewer = city.person("tax", "reviewer1");
    reviewer.get("catalog/entries").problem(403, "second_factor_needed");
    city.person("tax", "clerk1").get("catalog/entries").ok();
    city.system("tax").get("catalog/entries").ok();

    let (mut guest, password) = (Guest::at(&city, "tax"), city.password("tax", "reviewer1"));
    guest.sign_in("reviewer1", password);
    for page in ["/", "/catalog", "/events"] {
        assert_eq!(guest.open(page).header("location"), Some("/account"), "{page}");
    }
    guest.send("/account", "/account/second-factor", &[("password", password)]);
    let page = guest.open("/account/second-factor").text;
    let secret = between(&page, "<code class=\"secret\">", "<").to_owned();
    guest.send("/account/second-factor", "/account/second-factor/confirm", &[("code", &code(&secret, 0))]);
    assert_eq!(guest.open("/catalog").status, 200);
    let body = json!({"user": "reviewer1", "password": password, "code": code(&secret, 1)});
    let opened = city.anonymous("tax").post("sessions", &body).ok();
    Caller::bearer(&city.node("tax").url, opened["token"].as_str().unwrap()).get("catalog/entries").ok();
}
