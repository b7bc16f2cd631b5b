//! What clients were told, kept over all lives of a server.

use std::collections::{BTreeMap, BTreeSet};

/// The content of an object; its text is as long as the number says, so that a torn one shows.
pub type Number = u64;

/// One frame of the watch, which goes on from one life of the server to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub revision: u64,
    pub name: String,
    /// Nothing for a deletion.
    pub number: Option<Number>,
}

/// Everything that was seen.
#[derive(Debug, Default)]
pub struct Ledger {
    /// By revision: what a write or a read was answered.
    pub told: BTreeMap<u64, (String, Number)>,
    /// Deletions that were acknowledged, with the revision that the object had at most.
    pub deleted: Vec<(String, u64)>,
    pub events: Vec<Event>,
}

impl Ledger {
    /// Two answers about one revision have to agree.
    pub fn tell(&mut self, revision: u64, name: &str, number: Number) {
        let before = self.told.insert(revision, (name.to_owned(), number));
        assert!(before.is_none_or(|before| before == (name.to_owned(), number)), "revision {revision} came twice");
    }

    /// Events come in the order of their revisions, and none twice.
    pub fn hear(&mut self, event: Event) {
        let last = self.last_heard();
        assert!(event.revision > last, "{event:?} came after revision {last}");
        self.events.push(event);
    }

    pub fn last_heard(&self) -> u64 {
        self.events.last().map_or(0, |event| event.revision)
    }

    /// The highest revision that anybody has seen.
    pub fn highest(&self) -> u64 {
        self.told.keys().next_back().copied().unwrap_or_default().max(self.last_heard())
    }

    /// The highest revision that was told of one of these.
    pub fn highest_of(&self, names: &[String]) -> u64 {
        let told = self.told.iter().rev().find(|(_, (name, _))| names.contains(name));
        told.map_or(0, |(revision, _)| *revision)
    }

    /// What is there according to the events alone.
    pub fn outcome(&self) -> BTreeMap<String, (u64, Number)> {
        let mut objects = BTreeMap::new();
        for event in &self.events {
            match event.number {
                Some(number) => objects.insert(event.name.clone(), (event.revision, number)),
                None => objects.remove(&event.name),
            };
        }
        objects
    }

    /// Whatever somebody was told is among the events, once they are all there.
    pub fn check(&self) {
        let heard: BTreeMap<u64, &Event> = self.events.iter().map(|event| (event.revision, event)).collect();
        for (revision, (name, number)) in &self.told {
            let event = heard.get(revision).unwrap_or_else(|| panic!("{name} of revision {revision} was lost"));
            assert_eq!((&event.name, event.number), (name, Some(*number)), "another write at revision {revision}");
        }
        let gone: BTreeSet<(&String, u64)> = self
            .events
            .iter()
            .filter(|event| event.number.is_none())
            .map(|event| (&event.name, event.revision))
            .collect();
        for (name, revision) in &self.deleted {
            let found = gone.range((name, *revision)..).next();
            assert!(found.is_some_and(|(found, _)| found == &name), "the deletion of {name} after {revision} was lost");
        }
    }
}
