//! Cities for the stories: started on free ports, asked over HTTP, stopped whatever happens.

mod answer;
mod caller;
mod city;
mod command;
mod examples;
mod files;
mod journey;
mod process;
mod seats;
mod wait;

pub use answer::Answer;
pub use caller::Caller;
pub use city::City;
pub use command::mulu;
pub use examples::Examples;
pub use files::{FileServer, Files};
pub use journey::Wish;
pub use process::signal;
pub use wait::{SOON, eventually, until};

use mulu::clock::{Clock as _, Millis, SystemClock};

/// The time now.
pub fn now() -> Millis {
    SystemClock.now()
}
