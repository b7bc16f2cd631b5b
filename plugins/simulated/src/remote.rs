//! A simulated remote, as it is kept.

use std::collections::BTreeMap;
use std::time::Duration;

use hostwright_plugin::{Map, PlannedChange, Present, Remote, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A remote. Its JSON is what a file of the directory holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Simulated {
    pub(crate) id: String,
    /// Whose it is; none of one that nobody has taken over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) external_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) owner_key: Option<String>,
    pub(crate) state: State,
    pub(crate) config: Map,
    /// The end of the period that was paid for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) paid_until: Option<Timestamp>,
    /// What it accepts to log in with.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) credentials: BTreeMap<String, String>,
    /// Some of them were made up here and told nobody yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) untold: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) vanishes_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) running: Option<Operation>,
}

/// An accepted operation that is not done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Operation {
    pub(crate) token: String,
    pub(crate) done_at: Timestamp,
    pub(crate) change: Change,
}

/// What a mutation does to a remote in the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Change {
    Become(State),
    Configure(Map),
    PayUntil(Timestamp),
    Issue(BTreeMap<String, String>),
    End,
}

impl Simulated {
    /// One that was there before anybody came.
    pub(crate) fn stranger(number: u64) -> Self {
        let config = serde_json::json!({"memory": 1024, "disk": 10});
        Self {
            id: format!("stranger-{number}"),
            external_id: None,
            owner_key: None,
            state: State::Active,
            config: config.as_object().cloned().unwrap_or_default(),
            paid_until: None,
            credentials: BTreeMap::new(),
            untold: false,
            vanishes_at: None,
            running: None,
        }
    }

    /// What it is kept under.
    pub(crate) fn key(&self) -> &str {
        self.external_id.as_deref().unwrap_or(&self.id)
    }

    /// The remote as it is at this time; none when it is gone by then.
    pub(crate) fn at(mut self, now: Timestamp) -> Option<Self> {
        if self.vanishes_at.is_some_and(|at| at <= now) {
            return None;
        }
        match self.running.take_if(|operation| operation.done_at <= now) {
            Some(operation) => self.changed(operation.change),
            None => Some(self),
        }
    }

    /// The remote after a change; none when that ended it.
    pub(crate) fn changed(mut self, change: Change) -> Option<Self> {
        match change {
            Change::Become(state) => self.state = state,
            Change::Configure(config) => self.config = config,
            Change::PayUntil(date) => self.paid_until = Some(date),
            Change::Issue(credentials) => {
                self.untold = true;
                self.credentials = credentials;
            }
            Change::End => return None,
        }
        Some(self)
    }

    /// What another configuration would do to it. Only a smaller disk loses anything.
    pub(crate) fn planned(&self, wanted: &Map) -> Vec<PlannedChange> {
        let size = |config: &Map| config.get("disk").and_then(Value::as_u64);
        let of_disk = |(found, wanted): &(u64, u64)| {
            let how = if wanted < found { "shrinks" } else { "grows" };
            let what = format!("the disk {how} from {found} to {wanted} GiB");
            PlannedChange { what, disruptive: false, destructive: wanted < found }
        };
        let sizes = size(&self.config).zip(size(wanted)).filter(|(found, wanted)| found != wanted);
        sizes.as_ref().map(of_disk).into_iter().collect()
    }

    pub(crate) fn handle(&self) -> Remote {
        Remote { id: self.id.clone(), ..Remote::default() }
    }

    pub(crate) fn seen(&self) -> Present {
        let present = Present::new(self.handle(), self.state, self.owner_key.clone());
        let external_id = self.external_id.clone();
        Present { external_id, applied: self.config.clone(), paid_until: self.paid_until, ..present }
    }
}

impl Operation {
    /// When to ask for it again: once it is done, and within 5 s so that a person sees that somebody asks.
    pub(crate) fn poll_after(&self, now: Timestamp) -> Duration {
        let left = Duration::try_from(self.done_at.duration_since(now)).unwrap_or_default();
        left.clamp(Duration::from_millis(100), Duration::from_secs(5))
    }
}
