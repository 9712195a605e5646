//! A tab, as a person uses it: open, type, tick, press, read. Every wait is for something to be seen.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chromiumoxide::Page;
use chromiumoxide::cdp::browser_protocol::dom::SetFileInputFilesParams;
use chromiumoxide::cdp::browser_protocol::emulation::SetScriptExecutionDisabledParams;
use chromiumoxide::cdp::browser_protocol::log::{EventEntryAdded, LogEntryLevel, LogEntrySource};
use chromiumoxide::cdp::browser_protocol::network::SetCacheDisabledParams;
use chromiumoxide::cdp::js_protocol::runtime::{EvaluateParams, EventExceptionThrown};
use chromiumoxide::error::CdpError;
use futures_util::StreamExt as _;
use serde_json::Value;

use crate::browser::Browser;
use crate::harness::{City, until};

/// How long a page may take on a busy machine.
const SEEN_WITHIN: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);

/// One tab at one department's portal.
pub struct Tab<'a> {
    browser: &'a Browser,
    pub(crate) page: Page,
    base: String,
    complaints: Arc<Mutex<Vec<String>>>,
}

impl<'a> Tab<'a> {
    pub(crate) fn new(browser: &'a Browser, page: Page, base: String) -> Self {
        let complaints = Arc::<Mutex<Vec<String>>>::default();
        browser.runtime.block_on(async {
            let mut entries = page.event_listener::<EventEntryAdded>().await.unwrap();
            let mut exceptions = page.event_listener::<EventExceptionThrown>().await.unwrap();
            page.enable_log().await.unwrap();
            let (of_log, of_scripts) = (complaints.clone(), complaints.clone());
            tokio::spawn(async move {
                while let Some(event) = entries.next().await {
                    let entry = &event.entry;
                    // Pages with faults have a status of their own, which the browser notes.
                    let status =
                        entry.source == LogEntrySource::Network && entry.text.contains("responded with a status of 4");
                    if entry.level == LogEntryLevel::Error && !status {
                        note(&of_log, format!("{} ({:?})", entry.text, entry.url));
                    }
                }
            });
            tokio::spawn(async move {
                while let Some(event) = exceptions.next().await {
                    note(&of_scripts, event.exception_details.text.clone());
                }
            });
        });
        Self { browser, page, base, complaints }
    }

    /// Turns the page's own scripts off.
    pub fn without_scripts(self) -> Self {
        self.wait(self.page.execute(SetScriptExecutionDisabledParams::new(true))).unwrap();
        self
    }

    /// Loads everything anew on every page, as a first visit does.
    pub fn without_cache(self) -> Self {
        self.wait(self.page.execute(SetCacheDisabledParams::new(true))).unwrap();
        self
    }

    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.browser.runtime.block_on(future)
    }

    /// Opens an address of the portal.
    #[track_caller]
    pub fn open(&self, path: &str) {
        let url = format!("{}{path}", self.base);
        self.wait(self.page.goto(url)).unwrap_or_else(|error| panic!("{path} does not open: {error}"));
    }

    /// Runs a line in the page and answers what it says; none while the page changes.
    pub(crate) fn ask(&self, line: &str) -> Option<Value> {
        self.wait(async { self.page.evaluate(line).await.ok()?.into_value().ok() })
    }

    /// The same for what the page only promises to say.
    pub(crate) fn ask_later(&self, script: &str) -> Option<Value> {
        let params = EvaluateParams::builder().expression(script).await_promise(true).return_by_value(true);
        let told = self.wait(self.page.execute(params.build().ok()?)).ok()?;
        told.result.result.value
    }

    /// Does something in the page, as soon as the page has what it is done to.
    #[track_caller]
    fn act(&self, what: &str, line: &str) {
        until(&format!("{what} at {}", self.path()), SEEN_WITHIN, || {
            (self.ask(line)? == Value::Bool(true)).then_some(())
        });
        self.still();
    }

    /// Waits until the page stays.
    fn still(&self) {
        until("a page that is loaded", SEEN_WITHIN, || (self.ask("document.readyState")? == "complete").then_some(()));
    }

    /// Types into the field of a name, or of an id, in place of what stands there. A select takes the value.
    #[track_caller]
    pub fn fill(&self, field: &str, value: &str) {
        let line = format!(
            "(() => {{ const field = ['[name=', '[id='].map(of => document.querySelector(of + CSS.escape({}) + ']')).find(one => one); \
             if (!field) return false; field.value = {}; return field.value === {1}; }})()",
            Value::from(field),
            Value::from(value),
        );
        self.act(&format!("a field {field}"), &line);
    }

    /// Ticks the box, or chooses the button, of a name and value.
    #[track_caller]
    pub fn tick(&self, field: &str, value: &str) {
        let line = format!(
            "(() => {{ const boxes = [...document.querySelectorAll('input')].filter(b => b.name === {} && b.value === {}); \
             if (boxes.length !== 1) return false; boxes[0].checked = true; return true; }})()",
            Value::from(field),
            Value::from(value),
        );
        self.act(&format!("a box {field} {value}"), &line);
    }

    /// Presses the one button with a text, or else the one link. Browsers check the form before they send it.
    #[track_caller]
    pub fn press(&self, text: &str) {
        let find = format!(
            "const named = (kind) => [...document.querySelectorAll(kind)].filter(one => one.textContent.trim() === {}); \
             const found = ['button', 'summary', 'a'].map(named).find((all) => all.length > 0) ?? []; \
             if (found.length !== 1) return null;",
            Value::from(text),
        );
        let mark = format!(
            "(() => {{ {find} document.documentElement.dataset.old = 'yes'; found[0].click(); return true; }})()"
        );
        self.act(&format!("one button or link `{text}`"), &mark);
    }

    /// As [`Tab::press`], and waits for the page that comes of it.
    #[track_caller]
    pub fn go(&self, text: &str) {
        self.press(text);
        until(&format!("a page after `{text}` at {}", self.path()), SEEN_WITHIN, || {
            (self.ask("document.readyState === 'complete' && !document.documentElement.dataset.old")? == true)
                .then_some(())
        });
    }

    /// Presses a key where the focus is.
    #[track_caller]
    pub fn key(&self, key: &str) {
        self.wait(async { self.page.find_element("body").await?.press_key(key).await.map(|_| ()) }).unwrap();
    }

    /// Types where the focus is.
    #[track_caller]
    pub fn keys(&self, text: &str) {
        self.wait(async { self.page.find_element("body").await?.type_str(text).await.map(|_| ()) }).unwrap();
    }

    /// The first link of the page's main part whose address begins so.
    #[track_caller]
    pub fn first_link(&self, begin: &str) -> String {
        let line = format!(
            "document.querySelector('main a[href^=' + CSS.escape({}) + ']')?.getAttribute('href') ?? null",
            Value::from(begin),
        );
        until(&format!("a link to {begin}"), SEEN_WITHIN, || self.ask(&line)?.as_str().map(str::to_owned))
    }

    /// Chooses a file for a field, as a person does in the system's dialogue.
    #[track_caller]
    pub fn upload(&self, field: &str, name: &str, bytes: &[u8]) {
        let dir = tempfile::Builder::new().prefix("mulu-upload-").tempdir().unwrap().keep();
        std::fs::write(dir.join(name), bytes).unwrap();
        let files = vec![dir.join(name).to_string_lossy().into_owned()];
        self.wait(async {
            let input = self.page.find_element(format!("input[name='{field}']")).await?;
            let params = SetFileInputFilesParams::builder().files(files).backend_node_id(input.backend_node_id);
            self.page.execute(params.build().map_err(CdpError::msg)?).await.map(|_| ())
        })
        .unwrap_or_else(|error| panic!("no file for {field}: {error}"));
    }

    /// Whether the page's main part has a link to an address.
    pub fn links_to(&self, href: &str) -> bool {
        let line = format!("!!document.querySelector('main a[href=' + CSS.escape({}) + ']')", Value::from(href));
        self.ask(&line) == Some(Value::Bool(true))
    }

    /// The bytes of a file that a link leads to, fetched as the page would.
    #[track_caller]
    pub fn download(&self, path: &str) -> Vec<u8> {
        let script = format!(
            "fetch({}).then((answer) => answer.ok ? answer.arrayBuffer() : null).then((bytes) => bytes && [...new Uint8Array(bytes)])",
            Value::from(path),
        );
        let bytes = self.ask_later(&script).and_then(|bytes| serde_json::from_value(bytes).ok());
        bytes.unwrap_or_else(|| panic!("{path} is no file"))
    }

    /// What stands on the page, with single spaces between its words.
    pub fn text(&self) -> String {
        let text = self.ask("document.body.innerText").unwrap_or_default();
        text.as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Waits until a text is seen.
    #[track_caller]
    pub fn sees(&self, text: &str) {
        let begun = Instant::now();
        loop {
            let seen = self.text();
            if seen.contains(text) {
                return;
            }
            let late = begun.elapsed() > SEEN_WITHIN;
            assert!(!late, "`{text}` is not to be seen at {}; there is:\n{seen}", self.path());
            std::thread::park_timeout(PAUSE);
        }
    }

    /// Fails when a text is seen now.
    #[track_caller]
    pub fn sees_no(&self, text: &str) {
        let all = self.text();
        assert!(!all.contains(text), "`{text}` is to be seen at {}:\n{all}", self.path());
    }

    /// Path and query of the page.
    pub fn path(&self) -> String {
        let url = self.ask("location.pathname + location.search").unwrap_or_default();
        url.as_str().unwrap_or_default().to_owned()
    }

    /// Signs somebody in, and waits for the first page.
    #[track_caller]
    pub fn sign_in(&self, city: &City, department: &str, user: &str) {
        self.open("/sign-in?lang=en");
        self.fill("user", user);
        self.fill("password", city.password(department, user));
        self.go("Sign in");
        self.sees(&format!("Welcome, {user}"));
    }

    /// Fails when a script failed or the page loaded what its policy forbids.
    #[track_caller]
    pub fn is_quiet(&self) {
        let complaints = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(complaints.is_empty(), "the browser complains: {}", complaints.join("; "));
    }
}

fn note(complaints: &Mutex<Vec<String>>, complaint: String) {
    complaints.lock().unwrap_or_else(PoisonError::into_inner).push(complaint);
}
