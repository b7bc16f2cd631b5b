//! What stands about the folder: each thing is said once, and again only after it was different meanwhile.

use std::collections::BTreeSet;

use super::super::voice::Remark;

/// What was said last.
#[derive(Debug, Default)]
pub(super) struct Report {
    said: BTreeSet<Remark>,
}

impl Report {
    /// The remarks that are new, of all that stand now.
    pub(super) fn news(&mut self, standing: BTreeSet<Remark>) -> Vec<Remark> {
        let news = standing.difference(&self.said).cloned().collect();
        self.said = standing;
        news
    }
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
}
