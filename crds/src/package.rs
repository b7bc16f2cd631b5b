//! `Package`: what can be ordered.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{DeletionPolicy, Duration, NameRef, Variant};

/// What can be ordered: a configuration of one ProviderInstance. An edit scales the services that have it, as its rollout says.
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "hostwright.dev",
    version = "v1alpha1",
    kind = "Package",
    doc = "What can be ordered: a configuration of one ProviderInstance.",
    plural = "packages",
    shortname = "hpkg",
    category = "hostwright",
    status = "PackageStatus",
    derive = "Default",
    derive = "PartialEq",
    selectable = ".spec.providerInstanceRef.name",
    printcolumn(name = "Instance", type_ = "string", json_path = ".spec.providerInstanceRef.name"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Stock", type_ = "integer", json_path = ".spec.stock"),
    printcolumn(name = "Taken", type_ = "integer", json_path = ".status.taken"),
    printcolumn(name = "Waiting", type_ = "integer", json_path = ".status.waiting"),
    printcolumn(name = "Rollout", type_ = "string", json_path = ".status.conditions[?(@.type==\"RolledOut\")].reason"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
pub struct PackageSpec {
    /// The ProviderInstance that provisions it.
    #[x_kube(validation = ("self == oldSelf", "providerInstanceRef cannot be changed: make another Package"))]
    pub provider_instance_ref: NameRef,
    /// The configuration, by the plugin's package schema.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(schema_with = "crate::schema::free_form")]
    pub provisioning: Map<String, Value>,
    /// Fields that customers fill in besides those of the plugin's checkout schema, by key, in the same schema language. None may
    /// have the name of one of those.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(schema_with = "crate::schema::free_form")]
    pub checkout: Map<String, Value>,
    /// What the customer chooses, by code: the field of the plugin's package schema that the choice sets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    #[x_kube(validation = Rule::new("self.all(code, code.size() <= 63)").message("a code has at most 63 characters"))]
    pub variants: BTreeMap<String, Variant>,
    /// Namespaces whose services may order it. Absent: none; empty: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::label_selector")]
    pub namespace_selector: Option<LabelSelector>,
    /// How many services may have it at once. Absent: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub stock: Option<i32>,
    /// How many services of one owner may have it at once. Absent: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub limit_per_owner: Option<i32>,
    /// The packages that a service of this one may be changed to; they belong to the same ProviderInstance. Empty: none.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 253)), extend("x-kubernetes-list-type" = "atomic"))]
    pub scalable_to: BTreeSet<String>,
    /// Deletion policies that services may choose; empty: both.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 2), extend("x-kubernetes-list-type" = "atomic"))]
    pub allowed_deletion_policies: Vec<DeletionPolicy>,
    /// What happens to services that are not paid any more. Absent: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(
        validation = ("!has(self.terminateAfter) || has(self.suspendAfter)",
            "terminateAfter needs suspendAfter: nothing is ended that was not suspended before"),
    )]
    pub overdue: Option<Overdue>,
    /// How an edit of the package reaches the services that have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
    /// How services of it are ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub termination: Option<Termination>,
}

/// How an edit of a package reaches the services that have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Rollout {
    /// Rolling changes services that exist, some at a time; Pinned leaves them as they are.
    pub strategy: RolloutStrategy,
    /// How many services are changed at once.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_concurrent: i32,
    /// How many services have to fail for no further one to be changed.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_failures: i32,
}

impl Default for Rollout {
    fn default() -> Self {
        Self { strategy: RolloutStrategy::Rolling, max_concurrent: 10, max_failures: 3 }
    }
}

/// Whom an edit of a package concerns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum RolloutStrategy {
    /// The services that have it, and new ones.
    #[default]
    Rolling,
    /// New ones only.
    Pinned,
}

/// What happens to services that are not paid any more, after their paidUntil.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Overdue {
    /// How long after paidUntil it is suspended. Zero: at once; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend_after: Option<Duration>,
    /// How long after paidUntil it is ended, at the earliest: the time between the two passes after the suspension was
    /// seen. Absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminate_after: Option<Duration>,
}

/// How services are ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Termination {
    /// How long an ordinary ending may fail before it is forced, which may leave data behind at the provider. Absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force_after: Option<Duration>,
}

/// What the controller answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PackageStatus {
    /// The generation of the spec that this status speaks of; -1 before the first look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready: it can be ordered. The one of the roll-out: the services that have it are as it is now.
    #[schemars(schema_with = "crate::schema::conditions")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// How many services have a unit of it, or are promised one. Counted every ten seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub taken: Option<i32>,
    /// How many services wait for a unit of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub waiting: Option<i32>,
    /// How far the last edit has come among the services that have the package. Counted every few seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutStatus>,
}

/// How far an edit has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RolloutStatus {
    /// The services that have the package.
    #[schemars(range(min = 0))]
    pub services: i32,
    /// Those that are as the package is now.
    #[schemars(range(min = 0))]
    pub updated: i32,
    /// Those that are being changed.
    #[schemars(range(min = 0))]
    pub updating: i32,
    /// Those that the change failed for.
    #[schemars(range(min = 0))]
    pub failed: i32,
    /// Those that keep what they have, until their turn comes.
    #[schemars(range(min = 0))]
    pub waiting: i32,
    /// The first of those that it failed for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10), extend("x-kubernetes-list-type" = "atomic"))]
    pub failing: Vec<FailingService>,
}

/// A service that an edit failed for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FailingService {
    /// Its namespace and name, with a slash between them.
    #[schemars(length(max = 317))]
    pub service: String,
    /// Why.
    #[schemars(length(max = 256))]
    pub message: String,
}

impl PackageSpec {
    /// Whether services of a namespace with these labels may order it.
    pub fn admits(&self, namespace_labels: &BTreeMap<String, String>) -> bool {
        crate::hosting_service::selects(self.namespace_selector.as_ref(), namespace_labels)
    }

    /// Whether services may choose this deletion policy.
    pub fn allows(&self, policy: DeletionPolicy) -> bool {
        self.allowed_deletion_policies.is_empty() || self.allowed_deletion_policies.contains(&policy)
    }
}
