//! `Plugin`: a provider integration.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A provider integration. The controller writes one for each built-in plugin.
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "hostwright.dev",
    version = "v1alpha1",
    kind = "Plugin",
    doc = "A provider integration: what it is, what it can do and what it can be configured with.",
    plural = "plugins",
    shortname = "hplug",
    category = "hostwright",
    status = "PluginStatus",
    derive = "Default",
    derive = "PartialEq",
    printcolumn(name = "Provider", type_ = "string", json_path = ".spec.provider"),
    printcolumn(name = "Version", type_ = "string", json_path = ".spec.version"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct PluginSpec {
    /// What people call it.
    #[schemars(length(min = 1, max = 120))]
    pub display_name: String,
    /// The slug of the provider.
    #[schemars(length(min = 1, max = 63))]
    pub provider: String,
    /// The plugin's version.
    #[schemars(length(min = 1, max = 64))]
    pub version: String,
    /// What it provisions.
    #[serde(default)]
    #[schemars(length(max = 512))]
    pub description: String,
    /// Who made it.
    #[serde(default)]
    #[schemars(length(max = 120))]
    pub author: String,
    /// Absolute URL of a logo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub icon: Option<String>,
}

/// What the controller answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PluginStatus {
    /// The generation of the spec that this status speaks of; -1 before the first look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready: this controller runs it.
    #[schemars(schema_with = "crate::schema::conditions")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The version of the plugin contract that it speaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub protocol_version: Option<i32>,
    /// What it can do.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schemars(schema_with = "crate::schema::free_form")]
    pub capabilities: Map<String, Value>,
    /// What it can be configured with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schemas: Option<PluginSchemas>,
}

/// The schemas of a plugin, in its own schema language: docs/schema.md.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PluginSchemas {
    /// Settings of a ProviderInstance.
    #[schemars(schema_with = "crate::schema::free_form")]
    pub config: Map<String, Value>,
    /// Settings of a Package.
    #[schemars(schema_with = "crate::schema::free_form")]
    pub package: Map<String, Value>,
    /// What a customer enters when ordering.
    #[schemars(schema_with = "crate::schema::free_form")]
    pub checkout: Map<String, Value>,
}
