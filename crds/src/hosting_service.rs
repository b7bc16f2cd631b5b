//! `HostingService`: one customer's service and its desired status.

mod status;
mod time;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use status::{
    CredentialsStatus, HistoryEntry, HostingServiceStatus, LastApplied, LastError, NextTransition, Operation,
    OperationOutcome, Phase, RemoteState, RemoteStatus, Target, Verb,
};
pub use time::{Cancellation, Renewal};

use crate::{NameRef, SecretSource, Selections};

/// One customer's service: a game server, a container, a database. The controller makes the remote match the desired
/// status and keeps it matching.
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "hostwright.dev",
    version = "v1alpha1",
    kind = "HostingService",
    doc = "One customer's service at a provider, and its desired status.",
    plural = "hostingservices",
    shortname = "hsvc",
    category = "hostwright",
    namespaced,
    status = "HostingServiceStatus",
    derive = "Default",
    derive = "PartialEq",
    validation = Rule::new("(has(self.spec.adopt) == has(oldSelf.spec.adopt) && (!has(self.spec.adopt) || self.spec.adopt.remoteId == oldSelf.spec.adopt.remoteId)) || !has(oldSelf.status) || !(has(oldSelf.status.remote) || has(oldSelf.status.lastApplied))")
        .message("adopt cannot be added, changed or removed: this service has its remote"),
    selectable = ".spec.packageRef.name",
    selectable = ".spec.owner.id",
    selectable = ".spec.desiredStatus",
    printcolumn(name = "Desired", type_ = "string", json_path = ".status.target"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Package", type_ = "string", json_path = ".spec.packageRef.name"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Instance", type_ = "string", json_path = ".status.providerInstance", priority = 1),
    printcolumn(name = "Remote-Id", type_ = "string", json_path = ".status.remote.id", priority = 1),
    printcolumn(name = "Paid-Until", type_ = "string", json_path = ".spec.renewal.paidUntil", priority = 1),
    printcolumn(name = "Next", type_ = "string", json_path = ".status.nextTransition.verb", priority = 1),
    printcolumn(name = "Next-At", type_ = "string", json_path = ".status.nextTransition.at", priority = 1),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("!has(oldSelf.renewal) || has(self.renewal)",
    "renewal cannot be removed, or a service that was never paid would run for ever: leave it, or correct its paidUntil"))]
pub struct HostingServiceSpec {
    /// The Package that is ordered. Another package of the same ProviderInstance scales the remote.
    pub package_ref: NameRef,
    /// Whose service it is.
    pub owner: Owner,
    /// What the service should be. Terminated is final.
    pub desired_status: DesiredStatus,
    /// Reasons to suspend, by holder: the service is suspended while any remains. Each writer owns its own key, and lifting
    /// one lifts no other. The names `spec` and `policy` are taken.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    #[x_kube(validation = Rule::new("self.all(k, k.matches('^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$') && k != 'spec' && k != 'policy')")
        .message("a holder is 1 to 63 lower-case letters, digits, dots and dashes; spec and policy are taken"))]
    pub suspensions: BTreeMap<String, Suspension>,
    /// What was chosen of the variants of the package, by code. Not named: the default of the variant; an empty list: nothing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "crate::variant::selections")]
    pub selections: Selections,
    /// What the customer entered when ordering, by the plugin's checkout schema and the fields that the package adds.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(schema_with = "crate::schema::free_form")]
    pub checkout: Map<String, Value>,
    /// What the customer entered secretly, from Secrets of the service's namespace that carry the label
    /// hostwright.dev/checkout: "true". Password fields are accepted only here, and read when the remote is made.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    pub checkout_from: BTreeMap<String, SecretSource>,
    /// Until when it is paid. The Package says what happens afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self.paidUntil >= oldSelf.paidUntil || (has(self.corrects) && self.corrects == oldSelf.paidUntil && !(has(oldSelf.corrects) && oldSelf.corrects == self.corrects))")
        .message("paidUntil moves forwards only: a payment for an earlier date is covered already, so drop this write; to correct a mistake write corrects with the date that stands, which counts once"))]
    pub renewal: Option<Renewal>,
    /// The end that the customer asked for. Until it has happened it can be withdrawn by removing it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancellation: Option<Cancellation>,
    /// No remote call at all while true. The annotation hostwright.dev/paused does the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    /// What happens to the remote when this object is deleted. Terminate ends it; Retain leaves it untouched.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// Holds every ending while true: deletion, Terminated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub termination_protection: bool,
    /// Lets changes through that lose data at the provider, such as a smaller disk, as long as it is true. Without it the plugin
    /// is asked beforehand, and such a change is refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_destructive: bool,
    /// What to do when something else removed the remote. Hold reports it and calls nothing; Recreate makes a new one.
    #[serde(default)]
    pub on_remote_missing: OnRemoteMissing,
    /// A remote that is there already, to be taken over in place of making one. The ProviderInstance has to allow it. It stays
    /// as it is once the service has its remote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopt: Option<Adopt>,
}

impl HostingService {
    /// Whether no remote call is wanted: by the spec or by annotation, whichever asks for it.
    pub fn is_paused(&self) -> bool {
        let annotations = self.metadata.annotations.as_ref();
        let annotated = annotations.and_then(|annotations| annotations.get(crate::annotation::PAUSED));
        self.spec.paused || annotated.is_some_and(|value| value != "false")
    }
}

/// Whose service it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// The customer's id in billing; stays the same for ever.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$"))]
    #[x_kube(validation = ("self == oldSelf", "owner.id cannot be changed: end this service and order a new one"))]
    pub id: String,
    /// E-mail address; used when the remote user is made, never to change one.
    #[schemars(length(min = 3, max = 191))]
    pub email: String,
    /// Display name.
    #[schemars(length(min = 1, max = 120))]
    pub name: String,
}

/// What a service should be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum DesiredStatus {
    /// Usable.
    #[default]
    Active,
    /// There, not usable, nothing lost.
    Suspended,
    /// Ended for ever.
    Terminated,
}

/// One holder's reason to suspend.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Suspension {
    /// One word for programs, shown as the reason of the conditions: TermsOfService.
    #[schemars(length(min = 1, max = 64), regex(pattern = "^[A-Za-z]([A-Za-z0-9_]*[A-Za-z0-9])?$"))]
    pub reason: String,
    /// Words for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub message: Option<String>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
}

/// A remote that is there already.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Adopt {
    /// The provider's own id of it: the number of a server. `hostwright import INSTANCE` lists them.
    #[schemars(length(min = 1, max = 256))]
    pub remote_id: String,
}

/// What happens to the remote when the object is deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// It is ended.
    #[default]
    Terminate,
    /// It stays; no provider is called.
    Retain,
}

/// What to do when something else removed the remote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum OnRemoteMissing {
    /// Report it and call nothing.
    #[default]
    Hold,
    /// Make a new one.
    Recreate,
}

/// Whether labels match a selector. None matches nothing, an empty one everything.
pub(crate) fn selects(selector: Option<&LabelSelector>, labels: &BTreeMap<String, String>) -> bool {
    let Some(selector) = selector else { return false };
    let labels_match = selector.match_labels.iter().flatten().all(|(key, value)| labels.get(key) == Some(value));
    let expressions_match = selector.match_expressions.iter().flatten().all(|requirement| {
        let value = labels.get(&requirement.key);
        let listed = value.is_some_and(|value| requirement.values.iter().flatten().any(|other| other == value));
        match requirement.operator.as_str() {
            "In" => listed,
            "NotIn" => !listed,
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            _ => false,
        }
    });
    labels_match && expressions_match
}
