//! What a node logs: to standard error, as JSON for machines or as text for people.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::service::config::{LogConfig, LogFormat};

use super::error::CliError;

/// Sets the process's log up. Spans, and with them request ids, stand in every line.
///
/// # Errors
/// Levels that cannot be read.
pub fn start(config: &LogConfig) -> Result<(), CliError> {
    // The raft library tells every message at `info`; who wants that writes `slog=info`.
    let filter = EnvFilter::builder().parse(format!("slog=warn,{}", config.level));
    let filter = filter.map_err(|e| CliError::usage(format_args!("log.level `{}`: {e}", config.level)))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match config.format {
        LogFormat::Json => {
            builder.json().flatten_event(true).with_current_span(true).with_span_list(false).finish().try_init()
        }
        LogFormat::Text => builder.finish().try_init(),
    };
    started.map_err(|e| CliError::failed(format_args!("starting the log: {e}")))?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a thread panicked: {}", panic.payload_as_str().unwrap_or("no message"));
    }));
    Ok(())
}
