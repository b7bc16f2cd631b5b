//! When the folder is applied: soon after a change, once nothing is being written any more, and from time to time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use super::scan::{Snapshot, Stamp};

/// How long a file has to be as it is before it is read: whoever writes it may not be done.
pub(super) const SETTLE: Duration = Duration::from_secs(1);
/// How often everything is applied again, whether or not a file changed: what was edited elsewhere becomes what the files
/// say.
const REPEAT: Duration = Duration::from_mins(10);
const FIRST_RETRY: Duration = Duration::from_secs(2);
const LONGEST_RETRY: Duration = Duration::from_mins(1);

/// What was seen so far, and what was done about it.
#[derive(Debug)]
pub(super) struct Rhythm {
    seen: Snapshot,
    /// When each file became as it is.
    since: BTreeMap<PathBuf, Instant>,
    /// When anything in the folder changed last.
    changed: Instant,
    applied: BTreeMap<PathBuf, Stamp>,
    /// The whole folder at the last pass that saw it at rest.
    judged: Option<Snapshot>,
    again: Option<Instant>,
    failures: u32,
}

/// What there is to do now.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Work {
    /// The files that are not being written.
    pub(super) files: BTreeMap<PathBuf, Stamp>,
    /// How long everything in the folder has been as it is; none while a file is being written.
    pub(super) at_rest: Option<Duration>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// Something failed that may succeed without an edit.
    pub(super) try_again: bool,
    /// Something waits for the folder to be at rest for this long.
    pub(super) wait: Option<Duration>,
}

impl Rhythm {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            seen: Snapshot::default(),
            since: BTreeMap::new(),
            changed: now,
            applied: BTreeMap::new(),
            judged: None,
            again: None,
            failures: 0,
        }
    }

    /// Takes note of the folder as it is, and says what to do.
    pub(super) fn see(&mut self, snapshot: Snapshot, now: Instant) -> Option<Work> {
        if snapshot != self.seen {
            self.changed = now;
        }
        self.since.retain(|file, _| snapshot.files.contains_key(file));
        for (file, stamp) in &snapshot.files {
            if self.seen.files.get(file) != Some(stamp) {
                self.since.insert(file.clone(), now);
            }
        }
        self.seen = snapshot;
        let work = self.work(now);
        let is_new = |(file, stamp): (&PathBuf, &Stamp)| self.applied.get(file) != Some(stamp);
        let is_due = work.files.iter().any(is_new)
            || work.at_rest.is_some() && self.judged.as_ref() != Some(&self.seen)
            || self.again.is_some_and(|again| now >= again);
        is_due.then_some(work)
    }

    fn work(&self, now: Instant) -> Work {
        let is_settled = |file: &PathBuf| self.since.get(file).is_some_and(|since| now - *since >= SETTLE);
        let files = self.seen.files.iter().filter(|(file, _)| is_settled(file));
        let rest = now - self.changed;
        Work {
            files: files.map(|(file, stamp)| (file.clone(), *stamp)).collect(),
            at_rest: (rest >= SETTLE).then_some(rest),
        }
    }

    /// Takes note of which files were applied, and with what success.
    pub(super) fn did(&mut self, work: &Work, applied: BTreeMap<PathBuf, Stamp>, done: Done, now: Instant) {
        if applied != self.applied {
            self.failures = 0;
        }
        self.applied = applied;
        if work.at_rest.is_some() {
            self.judged = Some(self.seen.clone());
        }
        self.failures = if done.try_again { self.failures.saturating_add(1) } else { 0 };
        let retry = FIRST_RETRY.saturating_mul(1 << self.failures.saturating_sub(1).min(10)).min(LONGEST_RETRY);
        let pause = if done.try_again { retry } else { REPEAT };
        let rested = done.wait.map(|wait| self.changed + wait);
        self.again = Some(rested.map_or(now + pause, |rested| rested.min(now + pause)));
    }

    /// Whether the folder is still as it was seen last.
    pub(super) fn is_as_seen(&self, snapshot: &Snapshot) -> bool {
        self.seen == *snapshot
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::scan::scan;
    use super::*;

    /// A folder, the rhythm it is looked at with, and the time.
    struct World {
        folder: tempfile::TempDir,
        rhythm: Rhythm,
        now: Instant,
    }

    impl World {
        fn new() -> Self {
            let now = Instant::now();
            Self { folder: tempfile::tempdir().unwrap(), rhythm: Rhythm::new(now), now }
        }

        fn write(&self, file: &str, text: &str) {
            fs::write(self.folder.path().join(file), text).unwrap();
        }

        fn after(&mut self, time: Duration) -> Option<Work> {
            self.now += time;
            self.rhythm.see(scan(self.folder.path()), self.now)
        }

        /// The files that are applied then, by name.
        fn applied_after(&mut self, time: Duration, done: Done) -> Option<Vec<String>> {
            let work = self.after(time)?;
            let names = work.files.keys().map(|path| path.display().to_string()).collect();
            self.rhythm.did(&work, work.files.clone(), done, self.now);
            Some(names)
        }

        fn look(&mut self, seconds: u64) -> Option<Vec<String>> {
            self.applied_after(Duration::from_secs(seconds), Done::default())
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_file_is_applied_once_it_has_settled_and_again_when_it_changes() {
        let mut world = World::new();
        world.write("a.yaml", "kind: A");
        assert_eq!(world.look(0), None);
        assert_eq!(world.look(1), Some(names(&["a.yaml"])));
        assert_eq!(world.look(1), None);
        world.write("a.yaml", "kind: Other");
        assert_eq!(world.look(1), None);
        assert_eq!(world.look(1), Some(names(&["a.yaml"])));
        assert_eq!(world.look(1), None);
    }

    #[test]
    fn a_file_that_is_always_being_written_holds_up_no_other() {
        let mut world = World::new();
        world.write("a.yaml", "kind: A");
        let mut applied = Vec::new();
        for length in 0..20 {
            world.write("log.yaml", &"#".repeat(length));
            applied.extend(world.look(1));
        }
        assert_eq!(applied, [["a.yaml"]]);
        world.look(1);
        assert_eq!(world.look(1), None, "it was applied when it had settled");
    }

    #[test]
    fn a_removed_file_and_an_empty_folder_are_looked_at_too() {
        let mut world = World::new();
        assert_eq!(world.look(1), None);
        assert_eq!(world.look(1), Some(names(&[])));
        world.write("a.yaml", "kind: A");
        world.look(1);
        assert_eq!(world.look(1), Some(names(&["a.yaml"])));
        fs::remove_file(world.folder.path().join("a.yaml")).unwrap();
        assert_eq!(world.look(1), None);
        assert_eq!(world.look(1), Some(names(&[])));
    }

    #[test]
    fn everything_is_applied_again_every_ten_minutes() {
        let mut world = World::new();
        world.write("a.yaml", "kind: A");
        world.look(0);
        world.look(1);
        assert_eq!(world.look(599), None);
        assert_eq!(world.look(1), Some(names(&["a.yaml"])));
    }

    #[test]
    fn what_failed_is_tried_again_with_growing_pauses_and_at_once_after_an_edit() {
        let failed = Done { try_again: true, wait: None };
        let mut world = World::new();
        world.write("a.yaml", "kind: A");
        world.look(0);
        world.applied_after(SETTLE, failed);
        for pause in [2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(world.applied_after(Duration::from_secs(pause - 1), failed), None, "{pause}");
            assert!(world.applied_after(Duration::from_secs(1), failed).is_some(), "{pause}");
        }
        world.write("a.yaml", "kind: Other");
        assert_eq!(world.applied_after(Duration::from_secs(1), failed), None);
        assert!(world.applied_after(Duration::from_secs(1), failed).is_some());
        assert!(world.applied_after(Duration::from_secs(2), failed).is_some(), "the pauses begin anew");
    }

    #[test]
    fn what_waits_for_rest_is_looked_at_when_the_folder_has_had_it() {
        let waits = Done { try_again: false, wait: Some(Duration::from_secs(30)) };
        let mut world = World::new();
        world.write("a.yaml", "kind: A");
        world.look(0);
        world.applied_after(SETTLE, waits);
        assert_eq!(world.after(Duration::from_secs(28)), None);
        assert_eq!(world.after(Duration::from_secs(1)).unwrap().at_rest, Some(Duration::from_secs(30)));
    }
}
