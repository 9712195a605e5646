//! Cities for the stories: started on free ports, asked over HTTP, stopped whatever happens.

mod answer;
mod archive;
mod caller;
mod city;
mod command;
mod examples;
mod files;
mod journey;
#[expect(dead_code, reason = "the floors' own tests use more of it")]
#[path = "../../../src/readmodel/postgres_server.rs"]
mod postgres_server;
mod process;
mod seats;
mod wait;

pub use answer::Answer;
pub use archive::{Archive, Paper};
pub use caller::Caller;
pub use city::City;
pub use command::{Said, mulu, mulu_told};
pub use examples::{ExampleCase, Examples};
pub use files::{FileServer, Files};
pub use journey::Wish;
pub use postgres_server::PostgresServer;
pub use process::{is_running, signal};
pub use wait::{SOON, eventually, pause, until};

use mulu::clock::{Clock as _, Millis, SystemClock};

/// The time now.
pub fn now() -> Millis {
    SystemClock.now()
}
