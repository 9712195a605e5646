//! Stories in a browser: what clerks, reviewers and auditors see and press, in headless Chromium.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "what is not as a story says must fail its test, and say why"
)]

mod appeal;
mod auditor;
mod browser;
mod cases;
mod clerk;
mod exports;
mod eyes;
mod forms;
#[path = "../city/harness/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the browser's stories need only a part of the harness")]
mod harness;
mod keyboard;
mod licence;
mod members;
mod pages;
mod people;
mod screenshots;
mod scriptless;
mod settings;
mod tab;
mod weight;
mod workbook;
