//! What calls answer.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Map, Secret, schema::Schema};

/// How to find the remote again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remote {
    /// The provider's own id.
    pub id: String,
    /// Where a person finds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Further facts worth keeping; at most 32, each at most 256 bytes, no secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

/// The state of a remote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum State {
    /// Being made; it will become active or failed by itself.
    Provisioning,
    /// Made in part, and nobody is working on it: `create` under the same operation id completes it.
    Incomplete,
    /// Usable.
    Active,
    /// Suspended.
    Suspended,
    /// There, and broken: the provider gave up on it.
    Failed,
    /// Going away by itself.
    Deleting,
}

/// A remote as a verb left it.
#[derive(Debug, Clone)]
pub struct RemoteState {
    /// How to find it.
    pub remote: Remote,
    /// Its state now.
    pub state: State,
    /// One-time credentials for the customer, by name. They go to a Secret before anything else happens.
    pub credentials: BTreeMap<String, Secret>,
}

impl RemoteState {
    /// A remote in a state, with no credentials.
    pub fn new(remote: Remote, state: State) -> Self {
        Self { remote, state, credentials: BTreeMap::new() }
    }
}

/// The answer of a mutation.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Finished.
    Done(RemoteState),
    /// Running at the provider; ask again with [`crate::Plugin::poll`].
    Accepted {
        /// What `poll` needs.
        token: String,
        /// When to ask.
        poll_after: Duration,
        /// As much as is known already.
        remote: Option<Remote>,
    },
    /// Finished, and the remote is gone.
    Gone,
}

/// One field that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The field, by its package schema key where it has one.
    pub field: String,
    /// What the provider has.
    pub found: Value,
    /// What was wanted.
    pub wanted: Value,
}

/// Who a remote belongs to, as the provider tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemoteOwner {
    /// E-mail address.
    pub email: String,
    /// Display name; empty where there is none.
    pub name: String,
}

/// A remote as it was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Present {
    /// How to find it.
    pub remote: Remote,
    /// Its state.
    pub state: State,
    /// The external id on it, where it has one: whose it is.
    pub external_id: Option<String>,
    /// The owner key on it, where it has one.
    pub owner_key: Option<String>,
    /// Who it belongs to, where the provider tells: for people who take over what is there. The controller keeps it nowhere.
    pub owner: Option<RemoteOwner>,
    /// What it is configured to, by package schema key, as far as the provider shows it.
    pub applied: Map,
    /// Differences outside the package schema, such as a lost mark; `scale` mends them.
    pub drift: Vec<Difference>,
    /// What must be remembered before the next mutation overwrites it; at most 4 KiB, no secrets.
    pub remember: Option<Value>,
    /// Until when the provider has been paid for it, where it tells ([`crate::RenewSupport::Observable`]).
    pub paid_until: Option<jiff::Timestamp>,
    /// Figures for people: disk used, players online.
    pub usage: BTreeMap<String, String>,
}

impl Present {
    /// A remote without an external id, of which only state and owner are known.
    pub fn new(remote: Remote, state: State, owner_key: Option<String>) -> Self {
        Self {
            remote,
            state,
            external_id: None,
            owner_key,
            owner: None,
            applied: Map::new(),
            drift: Vec::new(),
            remember: None,
            paid_until: None,
            usage: BTreeMap::new(),
        }
    }
}

/// One look at one remote.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// The provider said that it does not exist. Never the answer when it could not be asked.
    Absent,
    /// It exists.
    Present(Box<Present>),
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// What the page holds.
    pub items: Vec<Present>,
    /// Where the next page starts; none on the last.
    pub next: Option<String>,
}

/// A user at the provider, to whom remotes belong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteUser {
    /// The provider's own id.
    pub id: String,
    /// The owner key on it, where it has one.
    pub owner_key: Option<String>,
    /// Its e-mail address.
    pub email: String,
    /// Where a person finds it.
    pub url: Option<String>,
}

/// One page of a list of users.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserPage {
    /// What the page holds.
    pub items: Vec<RemoteUser>,
    /// Where the next page starts; none on the last.
    pub next: Option<String>,
}

/// One right that the credentials need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permission {
    /// Its name at the provider: `r_servers`.
    pub name: String,
    /// Whether it is granted.
    pub granted: bool,
}

/// The answer of a connection test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// What stays the same while this is the same panel and changes when the address or key leads to another one.
    pub identity: String,
    /// The provider's version, where it tells.
    pub version: Option<String>,
    /// The rights that were probed.
    pub permissions: Vec<Permission>,
    /// What could not be proven, in a sentence: "write permission shows only when something is written".
    pub note: Option<String>,
}

/// What a call would do, as one of several things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedChange {
    /// What would change, as words that can stand after a name: `the disk shrinks from 20 to 10 GiB`.
    pub what: String,
    /// Whether the service is interrupted.
    pub disruptive: bool,
    /// Whether data is lost.
    pub destructive: bool,
}

/// How a client action is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionKind {
    /// Gives a link.
    Link,
    /// Gives a page of facts.
    Page,
    /// Does something after a confirmation.
    Submit,
    /// Does something with the input of a form.
    Form,
}

/// A client action that a service offers.
#[derive(Debug, Clone)]
pub struct ActionDescriptor {
    /// What people call it.
    pub label: String,
    /// How it is carried out.
    pub kind: ActionKind,
    /// The form, for [`ActionKind::Form`].
    pub schema: Option<Schema>,
}

/// What a client action gave.
#[derive(Debug, Clone)]
pub enum ActionResult {
    /// A message for the customer.
    Message(String),
    /// A link, which may contain a token.
    Link(Secret),
    /// Facts for the customer.
    Page(BTreeMap<String, String>),
}
