//! What the controller answers about a service.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What the controller answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HostingServiceStatus {
    /// The generation of the spec that this status speaks of; -1 before the first look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Summary for people; programs read the conditions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// What the service is driven to: the desired status after suspensions and deletion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// Holders of the suspension in force; `spec` for desiredStatus Suspended, `policy` for the Package's overdue policy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 34), inner(length(max = 63)), extend("x-kubernetes-list-type" = "atomic"))]
    pub suspended_by: Vec<String>,
    /// When the controller suspended the remote; absent while it is not suspended, or others suspended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspended_at: Option<Time>,
    /// Since when the overdue policy wants it suspended and it was seen to be; the time to its end counts from here at the
    /// earliest. Absent while the policy does not suspend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overdue_since: Option<Time>,
    /// What happens next by date, unless somebody pays, cancels or withdraws.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_transition: Option<NextTransition>,
    /// Ready, Provisioned, Accepted, Suspended, Synced, and while True: Reconciling, Stalled, Paused.
    #[schemars(schema_with = "crate::schema::conditions")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The id of the service at the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 120))]
    pub external_id: Option<String>,
    /// The ProviderInstance that has the remote.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub provider_instance: Option<String>,
    /// The remote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote: Option<RemoteStatus>,
    /// The configuration that the provider accepted last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_applied: Option<LastApplied>,
    /// Until when the provider was paid for it: bought with the remote, and renewed since. Where nothing is to be renewed at
    /// the provider it follows `spec.renewal.paidUntil`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renewed_until: Option<Time>,
    /// The date of a renewal that may or may not have been carried out, at a provider that cannot tell. Nothing is renewed
    /// until somebody settles it by the annotation hostwright.dev/resolve-renew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renewal_in_doubt: Option<Time>,
    /// The credentials of the remote: where they are, never what they are. Absent where none were issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<CredentialsStatus>,
    /// The operation that is running, waiting for its next attempt, or of unknown outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// Counts definite outcomes; part of the operation id.
    #[serde(skip_serializing_if = "is_zero")]
    #[schemars(range(min = 0))]
    pub epoch: i64,
    /// Digest of differences that a successful scale did not remove; they are not tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub not_converging: Option<String>,
    /// Digest of the differences that an attached remote had; it is not changed until they are accepted by the annotation
    /// hostwright.dev/accept-diff.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub attached_differences: Option<String>,
    /// What the plugin wants back when the suspension is lifted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::any_value")]
    pub remembered: Option<Value>,
    /// The audit trail, newest first; all of it is in the audit log.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10), extend("x-kubernetes-list-type" = "atomic"))]
    pub history: Vec<HistoryEntry>,
    /// The value of the annotation hostwright.dev/reconcile-requested-at that was acted on last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub last_handled_reconcile_at: Option<String>,
    /// The value of the annotation hostwright.dev/rotate-requested-at that was acted on last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub last_handled_rotate_at: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_zero(count: &i64) -> bool {
    *count == 0
}

/// Summary of a service's life for people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Phase {
    /// Nothing exists at the provider.
    #[default]
    Pending,
    /// Accepted by the provider, not finished.
    Provisioning,
    /// Usable.
    Active,
    /// Usable, and being changed.
    Updating,
    /// There, not usable.
    Suspended,
    /// Going away.
    Terminating,
    /// Gone for ever.
    Terminated,
}

/// What a service is driven to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Target {
    /// Usable.
    #[default]
    Active,
    /// Suspended by at least one holder.
    Suspended,
    /// Ended for ever.
    Terminated,
}

/// The remote of a service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RemoteStatus {
    /// The provider's id.
    #[schemars(length(max = 256))]
    pub id: String,
    /// Where a person finds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub url: Option<String>,
    /// Further facts of the provider.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "crate::schema::attributes")]
    pub attributes: BTreeMap<String, String>,
    /// Its state when it was seen last.
    pub state: RemoteState,
    /// Since when this object knows of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<Time>,
    /// Until when a create that was not answered may still make another one at the provider; nothing is released before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late_until: Option<Time>,
    /// Since when it certainly belongs to this service: its create was answered, or it was still there after the
    /// provider's settling time. Absent before that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound_at: Option<Time>,
}

/// The state of a remote when it was seen last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum RemoteState {
    /// Being made.
    #[default]
    Provisioning,
    /// Made in part, and nobody is working on it.
    Incomplete,
    /// Usable.
    Active,
    /// Suspended.
    Suspended,
    /// There, and broken: the provider gave up on it.
    Failed,
    /// Going away by itself.
    Deleting,
    /// Gone, and this controller did not end it.
    Missing,
}

/// Where the credentials of a remote are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CredentialsStatus {
    /// The Secret of the service's namespace that holds them. The service owns it.
    #[schemars(length(max = 253))]
    pub secret_name: String,
    /// The keys that were stored in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(max = 253)), extend("x-kubernetes-list-type" = "atomic"))]
    pub keys: Vec<String>,
    /// Some of them are missing, or may no longer be those that the provider accepts: new ones have to be issued.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub lost: bool,
}

impl CredentialsStatus {
    /// How many keys are told.
    pub const KEYS: usize = 32;
}

/// The configuration that the provider accepted last. It holds no secrets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct LastApplied {
    /// The package it came from.
    #[schemars(length(max = 253))]
    pub package: String,
    /// The generation of that package.
    #[schemars(range(min = 0))]
    pub package_generation: i64,
    /// The effective configuration, defaults included as they were then.
    #[schemars(schema_with = "crate::schema::free_form")]
    pub config: Map<String, Value>,
    /// What the customer had entered.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schemars(schema_with = "crate::schema::free_form")]
    pub checkout: Map<String, Value>,
    /// When it was applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
}

/// What happens next by date.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NextTransition {
    /// What the provider is asked for then.
    pub verb: Verb,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// Why: Overdue, Cancelled; `ClocksDisagree` when it is due by one clock and held back.
    #[schemars(length(max = 64))]
    pub because: String,
}

/// What a provider is asked to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Verb {
    /// Make the remote.
    #[default]
    Create,
    /// Take over one that is there.
    Adopt,
    /// Suspend it.
    Suspend,
    /// Lift the suspension.
    Unsuspend,
    /// Change its configuration.
    Scale,
    /// Extend the paid period at the provider.
    Renew,
    /// Issue new credentials.
    Rotate,
    /// End it.
    Terminate,
}

/// What is known of an operation's last attempt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum OperationOutcome {
    /// Tried, and no answer is known: the remote is looked at before anything else.
    #[default]
    Unknown,
    /// The provider is working on it.
    Accepted,
    /// The provider refused; nothing was changed.
    Refused,
}

/// An operation that is not finished.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Operation {
    /// The same for every attempt; providers with idempotency keys get it as such.
    #[schemars(length(max = 64))]
    pub id: String,
    /// What is asked for.
    pub verb: Verb,
    /// Counts attempts, from 1.
    #[schemars(range(min = 0))]
    pub attempt: i32,
    /// What is known of the last attempt.
    pub outcome: OperationOutcome,
    /// Digest of what the verb was asked to bring about.
    #[schemars(length(max = 64))]
    pub inputs: String,
    /// The generation of the Package that a scale brings about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package_generation: Option<i64>,
    /// The end of the paid period that a create buys, or that a renewal brings about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paid_until: Option<Time>,
    /// What the plugin wanted remembered of the remote before the verb changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::any_value")]
    pub before: Option<Value>,
    /// When the last attempt began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempted_at: Option<Time>,
    /// When an attempt began that was not answered, the last one where there were several: its effect may appear late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unanswered_at: Option<Time>,
    /// When the first attempt began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When the provider should have finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Time>,
    /// What the provider needs to be asked how it is doing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub token: Option<String>,
    /// When the next attempt or look is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Time>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<LastError>,
}

/// Why an attempt failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct LastError {
    /// The class of the error: docs/plugins.md says what each means.
    #[schemars(length(max = 32))]
    pub class: String,
    /// The provider's code.
    #[schemars(length(max = 128))]
    pub code: String,
    /// Words for people.
    #[schemars(length(max = 1024))]
    pub message: String,
}

/// One entry of the audit trail.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HistoryEntry {
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// What happened, as the reason of the event.
    #[schemars(length(max = 64))]
    pub what: String,
    /// In words.
    #[schemars(length(max = 400))]
    pub message: String,
}

impl HostingServiceStatus {
    /// How many entries the audit trail keeps.
    pub const HISTORY_ENTRIES: usize = 10;
    /// The longest message of an entry, in bytes.
    pub const HISTORY_BYTES: usize = 320;

    /// Puts an entry on top of the audit trail and drops what no longer fits.
    pub fn record(&mut self, at: Time, what: &str, message: impl Into<String>) {
        let message = crate::condition::cut(message.into(), Self::HISTORY_BYTES);
        self.history.insert(0, HistoryEntry { at: Some(at), what: what.to_owned(), message });
        self.history.truncate(Self::HISTORY_ENTRIES);
    }
}
