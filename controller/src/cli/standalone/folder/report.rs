//! What is said about the folder: each thing once, and again only after it was different meanwhile.

use std::collections::BTreeSet;

/// A standing remark: it is said when it is new.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Remark {
    /// Somebody has to act.
    Problem(String),
    /// Good to know.
    Note(String),
}

/// What was said last.
#[derive(Debug, Default)]
pub(super) struct Report {
    said: BTreeSet<Remark>,
}

impl Report {
    /// The remarks that are new, of all that stand now.
    pub(super) fn news(&mut self, remarks: BTreeSet<Remark>) -> Vec<Remark> {
        let news = remarks.difference(&self.said).cloned().collect();
        self.said = remarks;
        news
    }
}

/// Writes remarks to the log.
pub(super) fn say(remarks: &[Remark]) {
    for remark in remarks {
        match remark {
            Remark::Problem(text) => tracing::error!("{}", on_one_line(text)),
            Remark::Note(text) => tracing::info!("{}", on_one_line(text)),
        }
    }
}

/// Writes what was done to the log.
pub(super) fn did(text: &str) {
    tracing::info!("{}", on_one_line(text));
}

/// Writes to the log what was done and somebody may not have expected.
pub(super) fn warn(text: &str) {
    tracing::warn!("{}", on_one_line(text));
}

/// Names and values are those of files: none of them may look like a line of its own.
fn on_one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remark_is_said_once_and_again_after_it_was_gone() {
        let remarks = |texts: &[&str]| texts.iter().map(|text| Remark::Problem((*text).to_owned())).collect();
        let mut report = Report::default();
        assert_eq!(report.news(remarks(&["a", "b"])).len(), 2);
        assert_eq!(report.news(remarks(&["a", "b"])), []);
        assert_eq!(report.news(remarks(&["b", "c"])), [Remark::Problem("c".to_owned())]);
        assert_eq!(report.news(remarks(&["a", "b", "c"])), [Remark::Problem("a".to_owned())]);
    }

    #[test]
    fn no_file_starts_a_line_of_the_log() {
        assert_eq!(on_one_line("a\n2026 INFO forged\x1b[31m"), "a 2026 INFO forged [31m");
    }
}
