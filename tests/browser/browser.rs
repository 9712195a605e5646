//! Headless Chromium: one a story, with a profile of its own.

use std::path::PathBuf;
use std::time::Duration;

use chromiumoxide::browser::{Browser as Chromium, BrowserConfig};
use futures_util::StreamExt as _;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::harness::City;
use crate::tab::Tab;

/// A busy machine starts a browser slowly.
const START_WITHIN: Duration = Duration::from_secs(60);
/// What it may not do by itself: ask the network for anything that no story wants.
const QUIET: &[&str] =
    &["disable-gpu", "disable-background-networking", "disable-component-update", "disable-sync", "no-first-run"];

/// A running browser. It ends with the story.
pub struct Browser {
    pub(crate) runtime: Runtime,
    chromium: Chromium,
    _profile: TempDir,
}

impl Browser {
    /// Starts one.
    pub fn start() -> Self {
        let profile = tempfile::Builder::new().prefix("mulu-browser-").tempdir().unwrap();
        let config = BrowserConfig::builder()
            .chrome_executable(executable())
            .user_data_dir(profile.path())
            .no_sandbox()
            .args(QUIET.iter().copied())
            .launch_timeout(START_WITHIN)
            .window_size(1280, 1000)
            .viewport(None)
            .build()
            .expect("a browser's configuration");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (chromium, mut events) = runtime.block_on(Chromium::launch(config)).expect("Chromium starts");
        runtime.spawn(async move { while events.next().await.is_some() {} });
        Self { runtime, chromium, _profile: profile }
    }

    /// A tab at a department's portal.
    pub fn tab(&self, city: &City, department: &str) -> Tab<'_> {
        let page = self.runtime.block_on(self.chromium.new_page("about:blank")).expect("a new tab");
        Tab::new(self, page, city.node(department).url.clone())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let (runtime, chromium) = (&self.runtime, &mut self.chromium);
        runtime.block_on(async {
            let _ = chromium.close().await;
            let _ = tokio::time::timeout(Duration::from_secs(10), chromium.wait()).await;
            let _ = chromium.kill().await;
        });
    }
}

/// Where Chromium lies.
fn executable() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places =
        std::env::split_paths(&path).flat_map(|dir| ["chromium", "chromium-browser"].map(|name| dir.join(name)));
    places.find(|place| place.is_file()).expect("Chromium is missing: install the package chromium (tests/run does)")
}
