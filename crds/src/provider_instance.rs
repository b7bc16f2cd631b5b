//! `ProviderInstance`: one panel, server or cloud account.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Duration, NameRef, SecretSource};

/// One panel, server or cloud account, with its credentials by reference.
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "hostwright.dev",
    version = "v1alpha1",
    kind = "ProviderInstance",
    doc = "One panel, server or cloud account, with its credentials by reference.",
    plural = "providerinstances",
    shortname = "hinst",
    category = "hostwright",
    status = "ProviderInstanceStatus",
    derive = "Default",
    derive = "PartialEq",
    printcolumn(name = "Plugin", type_ = "string", json_path = ".spec.pluginRef.name"),
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
pub struct ProviderInstanceSpec {
    /// The Plugin that talks to it.
    #[x_kube(validation = ("self == oldSelf", "pluginRef cannot be changed: make another ProviderInstance"))]
    pub plugin_ref: NameRef,
    /// Settings, by the plugin's config schema. Password fields are refused here.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(schema_with = "crate::schema::free_form")]
    pub config: Map<String, Value>,
    /// Settings from Secrets of the controller's namespace; password fields are accepted only here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    pub config_from: BTreeMap<String, SecretSource>,
    /// Active; ObserveOnly: look, change nothing; Disabled: no call at all.
    #[serde(default)]
    pub mode: InstanceMode,
    /// How hard the provider may be driven.
    #[serde(default)]
    pub limits: InstanceLimits,
    /// How often all its remotes are listed to find drift, 10m where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observe_interval: Option<Duration>,
    /// Namespaces whose services it may serve. Absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::label_selector")]
    pub namespace_selector: Option<LabelSelector>,
    /// Whether the same owner id in two namespaces is two customers (Namespace) or one (Installation).
    #[serde(default)]
    #[x_kube(validation = ("self == oldSelf", "ownerScope cannot be changed: remotes carry the owner key made from it"))]
    pub owner_scope: OwnerScope,
    /// Whether services may take over remotes that are there already, by spec.adopt.
    #[serde(default)]
    pub adoption: Adoption,
}

/// What may be done at a provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum InstanceMode {
    /// Everything.
    #[default]
    Active,
    /// Looking only.
    ObserveOnly,
    /// Nothing.
    Disabled,
}

/// Who counts as one customer at the provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum OwnerScope {
    /// The same owner id in two namespaces is two customers.
    #[default]
    Namespace,
    /// The same owner id is one customer in the whole installation.
    Installation,
}

/// Whether remotes that are there already may be taken over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Adoption {
    /// They may not.
    #[default]
    Deny,
    /// Those without a mark may, by services of the owner they belong to.
    Allow,
}

/// How hard a provider may be driven.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct InstanceLimits {
    /// Requests a minute; the plugin's own limit where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub requests_per_minute: Option<i32>,
    /// Calls at once, 8 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 256))]
    pub max_concurrent: Option<i32>,
    /// Creates at once; the plugin's own limit where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 256))]
    pub max_concurrent_creates: Option<i32>,
    /// How many services it may have at once. Absent: any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub max_services: Option<i32>,
    /// The brake on endings, 20 an hour where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminations: Option<BrakeLimit>,
    /// The brake on suspensions by the overdue policies of packages, 100 an hour where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_suspensions: Option<BrakeLimit>,
}

/// How many services may be ended, or suspended, in a span of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BrakeLimit {
    /// This many.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub max: i32,
    /// In this time.
    pub per: Duration,
}

/// What the controller answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ProviderInstanceStatus {
    /// The generation of the spec that this status speaks of; -1 before the first look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready: the last connection test passed and this is the panel it was before. Stalled, EndingsHeld while True.
    #[schemars(schema_with = "crate::schema::conditions")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Which panel this is, as its plugin tells panels apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub remote_identity: Option<String>,
    /// Earlier identities that were confirmed to be the same panel; services recorded under them are served.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), inner(length(max = 128)), extend("x-kubernetes-list-type" = "atomic"))]
    pub former_identities: Vec<String>,
    /// The provider's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub version: Option<String>,
    /// Remotes that were missing together, while that is not confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub missing_together: Option<i32>,
    /// Endings counted by the brake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brake: Option<Brake>,
    /// Units of limited packages that were given out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promises: Option<Promises>,
    /// Suspensions by overdue policies, counted by their brake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_brake: Option<Brake>,
    /// The value of the annotation hostwright.dev/confirm that was acted on last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub last_confirmed: Option<String>,
    /// The value of the annotation hostwright.dev/reconcile-requested-at that was acted on last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub last_handled_reconcile_at: Option<String>,
}

/// What a brake counted. It is reserved in blocks before it happens, so that a restart forgets none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Brake {
    /// When the window began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// Reserved in it.
    #[schemars(range(min = 0))]
    pub reserved: i32,
    /// Allowed in it beyond the limit, by the annotation hostwright.dev/release-endings or release-suspensions.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub released: Option<i32>,
    /// The value of that annotation that was acted on last: each counts once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub released_by: Option<String>,
}

/// Units of limited packages that were given out. Whoever gives one out writes here first, so that no two give out the same.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Promises {
    /// Counts them.
    #[schemars(range(min = 0))]
    pub sequence: i64,
    /// Those that the record of a service may not show yet: the Package, by the UID of the service.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "crate::schema::promises")]
    pub open: BTreeMap<String, String>,
}

impl Promises {
    /// The most that can be open at once.
    pub const MOST_OPEN: usize = 64;
}

impl ProviderInstanceSpec {
    /// How often all remotes are listed.
    pub fn observe_interval(&self) -> std::time::Duration {
        const FLOOR: std::time::Duration = std::time::Duration::from_secs(30);
        self.observe_interval.map_or(std::time::Duration::from_mins(10), |interval| interval.get().max(FLOOR))
    }

    /// Whether services of a namespace with these labels may be served.
    pub fn admits(&self, namespace_labels: &BTreeMap<String, String>) -> bool {
        self.namespace_selector.is_none()
            || crate::hosting_service::selects(self.namespace_selector.as_ref(), namespace_labels)
    }
}
