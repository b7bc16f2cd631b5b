//! What a plugin can do, and how far its provider lets Hostwright keep its promises.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How the provider protects against a second remote for one external id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CreateUniqueness {
    /// The provider refuses a second remote with the same external id.
    ByExternalId,
    /// The provider refuses a second remote with the same name, and the name follows from the external id.
    ByName,
    /// The provider does not refuse, but the remote can be found by its external id.
    LookupOnly,
    /// Neither: an unknown outcome needs a person.
    None,
}

impl CreateUniqueness {
    /// True when the provider itself refuses a second remote, so that absence after an unknown create counts at once.
    pub fn is_enforced(self) -> bool {
        matches!(self, Self::ByExternalId | Self::ByName)
    }

    /// True when a remote can be found by its external id.
    pub fn has_lookup(self) -> bool {
        !matches!(self, Self::None)
    }
}

/// What renewing means, and how an attempt without an answer is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RenewSupport {
    /// Nothing to renew at this provider: [`crate::Plugin::renew`] is never called.
    Unneeded,
    /// Renewing to the same date twice is harmless, so it is repeated.
    Idempotent,
    /// The date can be read back ([`crate::Present::paid_until`]), so a look tells.
    Observable,
    /// Neither: an unknown outcome needs a person.
    None,
}

/// What a plugin can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "independent yes-or-no facts about a provider")]
pub struct Capabilities {
    /// How a second create is prevented.
    pub create_uniqueness: CreateUniqueness,
    /// How long after a create its effect may still appear or be rolled back, in seconds.
    pub settle_seconds: u32,
    /// Whether [`crate::Plugin::list`] enumerates what carries our mark.
    pub list: bool,
    /// Whether a remote that is still being made may be suspended or terminated.
    pub interruptible: bool,
    /// What renewing means.
    pub renew: RenewSupport,
    /// Whether an existing remote can be taken over: it has a mark that can be put on it later, and that a look shows.
    pub adopt: bool,
    /// Whether [`crate::Plugin::rotate_credentials`] issues new credentials.
    pub rotate_credentials: bool,
    /// Whether there are client actions.
    pub actions: bool,
    /// Whether [`crate::Plugin::validate`] asks the provider, which costs a call before the first create.
    #[serde(default)]
    pub validate: bool,
    /// Whether [`crate::Plugin::plan`] tells what a change would do, which costs a call before each scale.
    #[serde(default)]
    pub plan: bool,
    /// Whether the users to whom remotes belong can be listed and removed.
    #[serde(default)]
    pub users: bool,
    /// Requests a minute that the provider allows, unless the instance says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// Creates at once that the provider survives, unless the instance says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_concurrent_creates: Option<u32>,
    /// Remote attributes that may appear in history and logs by value; of all others only the key is shown.
    #[serde(default)]
    pub shown_attributes: Vec<String>,
}

impl Capabilities {
    /// How long after a create its effect may still appear or be rolled back.
    pub fn settle(&self) -> Duration {
        Duration::from_secs(u64::from(self.settle_seconds))
    }
}
