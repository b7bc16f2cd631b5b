//! Where it is said what happens: to the person at the terminal, or in the log.

use super::super::failure::Failure;
use super::super::output::{Output, Tone};
use super::super::progress::time_of_day;

/// Something to say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Remark {
    /// Somebody has to act.
    Problem(String),
    /// It was done, and somebody may not have expected it.
    Warning(String),
    /// Good to know.
    Note(String),
}

/// Says remarks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Voice {
    /// On the terminal, as lines with the time of day.
    Terminal(Output),
    /// As entries of the log.
    Log,
}

impl Voice {
    pub(super) fn of(output: Output) -> Self {
        if output.is_terminal() { Self::Terminal(output) } else { Self::Log }
    }

    pub(super) fn say(self, remarks: &[Remark]) {
        for remark in remarks {
            match self {
                // Where nobody can be told, the work goes on.
                Self::Terminal(output) => drop(show(output, remark)),
                Self::Log => log(remark),
            }
        }
    }
}

fn show(output: Output, remark: &Remark) -> Result<(), Failure> {
    let (tone, text) = match remark {
        Remark::Problem(text) => (Tone::Bad, text),
        Remark::Warning(text) => (Tone::Busy, text),
        Remark::Note(text) => (Tone::Plain, text),
    };
    output.spans(&[(Tone::Quiet, time_of_day()), (tone, on_one_line(text))])
}

fn log(remark: &Remark) {
    match remark {
        Remark::Problem(text) => tracing::error!("{}", on_one_line(text)),
        Remark::Warning(text) => tracing::warn!("{}", on_one_line(text)),
        Remark::Note(text) => tracing::info!("{}", on_one_line(text)),
    }
}

/// Names and values are those of files: none of them may look like a line of its own.
fn on_one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_starts_a_line_of_the_log() {
        assert_eq!(on_one_line("a\n2026 INFO forged\x1b[31m"), "a 2026 INFO forged [31m");
    }
}
