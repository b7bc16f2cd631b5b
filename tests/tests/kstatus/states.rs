//! Objects, each with the state that it is in.

use hostwright_tests::View;
use serde_json::Value;

use crate::program::Verdict;

#[derive(Default)]
pub struct States(Vec<(&'static str, View)>);

impl States {
    /// Takes down an object in a state, in words for people.
    pub fn add(&mut self, state: &'static str, object: View) {
        self.0.push((state, object));
    }

    pub fn objects(&self) -> impl Iterator<Item = &Value> {
        self.0.iter().map(|(_, view)| &view.object)
    }

    /// The rows of the documentation.
    pub fn rows(&self, verdicts: &[Verdict]) -> Vec<String> {
        assert_eq!(self.0.len(), verdicts.len());
        let row = |((state, view), verdict): (&(&str, View), &Verdict)| {
            let ready = Some(view.says("Ready")).filter(|ready| !ready.is_empty());
            let ready = ready.map_or("none".to_owned(), |ready| format!("`{ready}`"));
            format!("| {state} | {ready} | {} |", verdict.status)
        };
        self.0.iter().zip(verdicts).map(row).collect()
    }

    /// What tools print with a verdict is what `Ready` says, so that a person who sees only that knows what to do.
    pub fn have_words(&self, verdicts: &[Verdict]) {
        for ((state, view), verdict) in self.0.iter().zip(verdicts) {
            assert!(!verdict.message.is_empty(), "{state}: {verdict:?}");
            if ["InProgress", "Failed"].contains(&verdict.status.as_str()) && view.is_observed() {
                assert_eq!(verdict.message, view.message(), "{state}");
            }
        }
    }
}
