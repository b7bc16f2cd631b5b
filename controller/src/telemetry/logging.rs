//! The log: on standard error, for people or for machines.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use super::audit;

/// Names what to log; [`FALLBACK_VARIABLE`] where it is not set.
pub const VARIABLE: &str = "HOSTWRIGHT_LOG";
/// What other programs written in Rust read.
pub const FALLBACK_VARIABLE: &str = "RUST_LOG";

const DEFAULT: &str = "info";
/// Libraries that say much and explain little, at the most they may say unless they are named.
const NOISY: &str =
    "h2=warn,hyper=warn,hyper_util=warn,reqwest=info,rustls=warn,tower=warn,kube_client=info,kube_runtime=info";

/// How the log is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// Lines for people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The filter is none.
    #[error("log filter {filter:?}: {problem}; expected a level or targets with levels, such as info,hostwright=debug")]
    Filter {
        /// As it was given.
        filter: String,
        /// What is wrong with it.
        problem: ParseError,
    },
    /// There is a log already.
    #[error("the log is set up already")]
    AlreadySetUp(#[source] TryInitError),
}

/// Sets the log up. The filter is the one given, or that of the environment, or `info`.
///
/// # Errors
/// When the filter cannot be read, or the log is set up already.
pub fn init(format: Format, filter: Option<&str>) -> Result<(), LoggingError> {
    let from_environment = || [VARIABLE, FALLBACK_VARIABLE].iter().find_map(|name| std::env::var(name).ok());
    let filter = filter.map(str::to_owned).or_else(from_environment).unwrap_or_else(|| DEFAULT.to_owned());
    let log = tracing_subscriber::fmt().with_env_filter(parse(&filter)?).with_writer(io::stderr);
    match format {
        Format::Human => install(log.with_ansi(io::stderr().is_terminal()).finish()),
        Format::Json => install(log.json().flatten_event(true).finish()),
    }
}

/// Sets the log up for a terminal on which people are shown what happens in another way: warnings alone, unless the
/// environment names more.
///
/// # Errors
/// As [`init`].
pub fn init_beside_a_display() -> Result<(), LoggingError> {
    if [VARIABLE, FALLBACK_VARIABLE].iter().any(|name| std::env::var_os(name).is_some()) {
        return init(Format::Human, None);
    }
    let log =
        tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(io::stderr().is_terminal()).with_target(false);
    install(log.with_env_filter(EnvFilter::new("warn")).finish())
}

/// The audit log comes last: no filter takes it away.
fn parse(filter: &str) -> Result<EnvFilter, LoggingError> {
    let filter = if filter.trim().is_empty() { DEFAULT } else { filter };
    EnvFilter::try_new(format!("{NOISY},{filter},{}=info", audit::TARGET))
        .map_err(|problem| LoggingError::Filter { filter: filter.to_owned(), problem })
}

fn install(log: impl SubscriberInitExt) -> Result<(), LoggingError> {
    log.try_init().map_err(LoggingError::AlreadySetUp)
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// Whether a filter lets these through, in the order: ours, hyper's debug, the audit log.
    fn lets_through(filter: &str) -> [bool; 3] {
        let log = tracing_subscriber::registry().with(parse(filter).unwrap());
        tracing::subscriber::with_default(log, || {
            [
                tracing::enabled!(target: "hostwright::service", tracing::Level::DEBUG),
                tracing::enabled!(target: "hyper", tracing::Level::DEBUG),
                tracing::enabled!(target: "hostwright::audit", tracing::Level::INFO),
            ]
        })
    }

    #[test]
    fn noisy_libraries_speak_only_when_named_and_the_audit_log_always() {
        let rows = [
            ("", [false, false, true]),
            ("info", [false, false, true]),
            ("debug", [true, false, true]),
            ("debug,hyper=debug", [true, true, true]),
            ("error", [false, false, true]),
            ("off", [false, false, true]),
            ("hostwright::audit=off", [false, false, true]),
        ];
        for (filter, expected) in rows {
            assert_eq!(lets_through(filter), expected, "{filter}");
        }
    }

    #[test]
    fn a_filter_that_is_none_is_quoted() {
        let error = parse("hostwright=loud").unwrap_err().to_string();
        assert!(error.contains("\"hostwright=loud\"") && error.contains("info,hostwright=debug"), "{error}");
    }
}
