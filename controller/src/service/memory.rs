//! What this process remembers of each service. All of it may be lost at any time: what must survive is in status.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use hostwright_crds::Operation;
use hostwright_plugin::RemoteState;
use k8s_openapi::jiff::Timestamp;

use crate::providers::Hold;

/// What this process remembers, by UID.
#[derive(Debug, Default)]
pub struct Memory {
    services: Mutex<HashMap<String, Remembered>>,
}

/// What this process remembers of one service.
#[derive(Debug, Clone, Default)]
pub struct Remembered {
    /// The sequence number after the last mutation was answered: what started before it is older than it.
    pub last_mutation: u64,
    /// The sequence number of the last look.
    pub last_look: u64,
    /// The resourceVersion of our last write; a cached object that is older is read live.
    pub last_written: Option<String>,
    /// The last look did not settle the doubt it was made for: the next pass looks again.
    pub unsettled: bool,
    /// The contradiction of a list that a look has explained already.
    pub explained: Option<String>,
    /// The digest of the order that the provider had nothing against.
    pub passed: Option<String>,
    /// The passwords of the checkout could not be used when they were looked for last.
    pub no_passwords: Option<NoPasswords>,
    /// An answer whose credentials could not be stored yet.
    pub unstored: Option<Unstored>,
}

/// An answer that is folded in once its credentials are stored.
#[derive(Debug, Clone)]
pub struct Unstored {
    /// What was asked for.
    pub operation: Operation,
    /// The remote as it left it.
    pub answer: RemoteState,
}

/// Why the passwords of a checkout could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoPasswords {
    /// Of the order that needs them: another one is looked at on its own.
    pub digest: String,
    /// Why.
    pub hold: Hold,
    /// How often they were looked for.
    pub looks: u32,
    /// When they are looked for again.
    pub due: Timestamp,
}

impl Memory {
    /// What is remembered of a service.
    pub fn of(&self, uid: &str) -> Remembered {
        self.lock().get(uid).cloned().unwrap_or_default()
    }

    /// Changes what is remembered of a service.
    pub fn update(&self, uid: &str, change: impl FnOnce(&mut Remembered)) {
        change(self.lock().entry(uid.to_owned()).or_default());
    }

    /// Forgets every service that does not exist any more.
    pub fn keep_only(&self, uids: &HashSet<String>) {
        self.lock().retain(|uid, _| uids.contains(uid));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Remembered>> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remembered {
    /// Whether an object with this resourceVersion is older than what we wrote ourselves.
    pub fn is_stale(&self, resource_version: Option<&str>) -> bool {
        let Some(written) = &self.last_written else {
            return false;
        };
        let number = |text: &str| text.parse::<u64>().ok();
        match (number(written), resource_version.and_then(number)) {
            (Some(written), Some(cached)) => cached < written,
            _ => Some(written.as_str()) != resource_version,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_older_than_our_own_write_is_stale() {
        let remembered = Remembered { last_written: Some("12".into()), ..Remembered::default() };
        assert!(remembered.is_stale(Some("9")) && remembered.is_stale(None));
        assert!(!remembered.is_stale(Some("12")) && !remembered.is_stale(Some("13")));
        assert!(!Remembered::default().is_stale(Some("1")));
    }
}
