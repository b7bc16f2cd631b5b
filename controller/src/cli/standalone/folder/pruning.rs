//! Carrying out what was decided about objects that no file asks for.

use std::time::Duration;

use super::super::voice::Remark;
use super::Folder;
use super::owned;
use super::pass::Outcome;
use super::prune::{Evidence, Owned, Verdict, decide};
use super::rhythm::Work;
use crate::kube::WriteError;

/// The most objects that a remark names.
const MOST_NAMED: usize = 5;

/// What came of it.
#[derive(Default)]
pub(super) struct Pruned {
    pub(super) remarks: Vec<Remark>,
    /// Something failed that may succeed later.
    pub(super) try_again: bool,
    /// Something waits for the folder to be at rest for this long.
    pub(super) wait: Option<Duration>,
}

impl Folder {
    /// Deletes what is to be deleted, and says what is not.
    pub(super) async fn prune(&self, outcome: &Outcome, gaps: Vec<String>, work: &Work) -> Pruned {
        let folder = self.name();
        let owned = match owned::list(&outcome.catalogue, &folder).await {
            Ok(owned) => owned,
            Err(error) => {
                let text = format!("{folder}: what it applied before cannot be listed: {error}");
                return Pruned { remarks: vec![Remark::Problem(text)], try_again: true, wait: None };
            }
        };
        let (at_rest, prune_after) = (work.at_rest, self.prune_after);
        match decide(Evidence { owned, wanted: &outcome.wanted, gaps, at_rest, prune_after }) {
            Verdict::Stay(objects) => Pruned::saying(Remark::Note(stay(&objects))),
            Verdict::Held(objects, reason) if prune_after.is_some() => {
                Pruned::saying(Remark::Problem(format!("{}, since {reason}", held(&objects))))
            }
            // What is held without --prune would have stayed anyway.
            Verdict::Nothing | Verdict::Held(..) => Pruned::default(),
            Verdict::Wait(objects) => {
                Pruned { wait: prune_after, ..Pruned::saying(Remark::Note(self.waits(&objects))) }
            }
            Verdict::Delete(objects) => self.delete(outcome, &objects).await,
        }
    }

    /// Deletes them one after another, as long as the folder is what the decision was made on.
    async fn delete(&self, outcome: &Outcome, objects: &[Owned]) -> Pruned {
        let mut pruned = Pruned::default();
        for object in objects {
            if !self.rhythm.is_as_seen(&self.look().await) {
                return Pruned { try_again: true, ..pruned };
            }
            let key = &object.key;
            match owned::delete(&outcome.catalogue, object).await {
                Ok(()) => self.voice.say(&[Remark::Warning(format!(
                    "{key}: deleted, since no file of the folder asks for it any more"
                ))]),
                Err(WriteError::Gone) => {}
                Err(WriteError::Conflict) => pruned.try_again = true,
                Err(error) => {
                    pruned.try_again = true;
                    pruned.remarks.push(Remark::Problem(format!("{key}: cannot be deleted: {error}")));
                }
            }
        }
        pruned
    }

    fn waits(&self, objects: &[Owned]) -> String {
        let seconds = self.prune_after.unwrap_or_default().as_secs();
        format!(
            "{}: in no file any more; deleted once nothing in the folder has changed for {seconds} s. To keep it, put it back",
            names(objects)
        )
    }
}

impl Pruned {
    fn saying(remark: Remark) -> Self {
        Self { remarks: vec![remark], ..Self::default() }
    }
}

fn stay(objects: &[Owned]) -> String {
    format!("{}: in no file any more, and kept; to delete: {}", names(objects), commands(objects))
}

fn held(objects: &[Owned]) -> String {
    format!("{}: in no file any more, and not deleted (by hand: {})", names(objects), commands(objects))
}

fn names(objects: &[Owned]) -> String {
    shortened(objects, |object| object.key.to_string(), ", ")
}

fn commands(objects: &[Owned]) -> String {
    shortened(objects, command, "; ")
}

fn command(object: &Owned) -> String {
    let key = &object.key;
    let namespace = if key.namespace.is_empty() { String::new() } else { format!(" -n {}", key.namespace) };
    format!("hostwright delete {} {}{namespace}", key.kind.to_lowercase(), key.name)
}

fn shortened(objects: &[Owned], text: impl Fn(&Owned) -> String, separator: &str) -> String {
    let named: Vec<String> = objects.iter().take(MOST_NAMED).map(text).collect();
    let more = objects.len().saturating_sub(MOST_NAMED);
    let named = named.join(separator);
    if more > 0 { format!("{named}{separator}and {more} more") } else { named }
}
