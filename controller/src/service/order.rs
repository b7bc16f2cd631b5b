//! Validation: from what people wrote to what a provider gets. Pure. It gates making and changing a remote, never
//! suspending or ending one.

use std::collections::{BTreeMap, BTreeSet};

use hostwright_crds::{HostingService, Identity, LastApplied, Package, reason};
use hostwright_plugin::schema::{Context, FieldError, Schema};
use hostwright_plugin::{Map, Plugin};
use kube::ResourceExt as _;
use serde_json::json;

use super::digest;
use super::effective::{Effective, effective};
use crate::providers::{Hold, Runtime};

/// What a provider gets.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Order {
    /// The package it came from.
    pub package: String,
    /// The generation of that package.
    pub package_generation: i64,
    /// The effective configuration: what is selected, else what the package sets, else what was applied before, else the
    /// schema's defaults.
    pub config: Map,
    /// The settings that a variant of the package lets nobody change.
    pub fixed: BTreeSet<String>,
    /// What the customer entered.
    pub checkout: Map,
    /// A digest of everything that a refusal may be about: both, the owner, and the settings of the instance.
    pub digest: String,
}

/// What an order is made from.
pub struct Inputs<'a> {
    /// The service.
    pub service: &'a HostingService,
    /// Its package, where there is one.
    pub package: Option<&'a Package>,
    /// The labels of its namespace.
    pub namespace_labels: &'a BTreeMap<String, String>,
    /// The instance that has, or will have, the remote.
    pub runtime: Option<&'a Runtime>,
    /// The believed record.
    pub record: Option<&'a Identity>,
    /// What was applied last.
    pub last_applied: Option<&'a LastApplied>,
}

/// Validates; the first thing that is wrong wins.
///
/// # Errors
/// The reason and the words for `Accepted=False`.
pub fn validate(inputs: &Inputs) -> Result<Order, Hold> {
    let package = package_exists(inputs)?;
    instance_fits(inputs, package)?;
    namespace_may_order(inputs, package)?;
    deletion_policy_is_allowed(inputs.service, package)?;
    let runtime = inputs.runtime.ok_or_else(|| no_instance(package))?;
    let plugin = runtime.plugin.as_deref().ok_or_else(|| no_plugin(runtime))?;
    let Effective { config, fixed, sources: _ } = effective(inputs.service, package, plugin, inputs.last_applied)?;
    let checkout = checkout(inputs, plugin)?;
    let owner = &inputs.service.spec.owner;
    let settings = runtime.settings.as_ref().map(|instance| &instance.settings);
    let digest = digest::of_value(&json!([config, checkout, owner.email, owner.name, settings]));
    Ok(Order {
        package: package.name_any(),
        package_generation: package.metadata.generation.unwrap_or_default(),
        config,
        fixed,
        checkout,
        digest,
    })
}

fn package_exists<'a>(inputs: &Inputs<'a>) -> Result<&'a Package, Hold> {
    let name = &inputs.service.spec.package_ref.name;
    inputs.package.ok_or_else(|| {
        let message =
            format!("spec.packageRef.name: there is no Package {name}; `kubectl get hpkg` lists those that exist");
        Hold::new(reason::PACKAGE_NOT_FOUND, message)
    })
}

fn instance_fits(inputs: &Inputs, package: &Package) -> Result<(), Hold> {
    let wanted = &package.spec.provider_instance_ref.name;
    match inputs.record {
        Some(record) if record.instance != *wanted => Err(Hold::new(
            reason::INSTANCE_MISMATCH,
            format!(
                "spec.packageRef.name: Package {} belongs to ProviderInstance {wanted}, the remote is on {}; choose a package of {}",
                package.name_any(),
                record.instance,
                record.instance
            ),
        )),
        _ => Ok(()),
    }
}

fn namespace_may_order(inputs: &Inputs, package: &Package) -> Result<(), Hold> {
    let namespace = inputs.service.namespace().unwrap_or_default();
    let refused = |kind: &str, name: &str| Err(not_admitted(kind, name, &namespace));
    if !package.spec.admits(inputs.namespace_labels) {
        return refused("Package", &package.name_any());
    }
    match inputs.runtime {
        Some(runtime) if !runtime.spec.admits(inputs.namespace_labels) => refused("ProviderInstance", &runtime.name),
        _ => Ok(()),
    }
}

/// What is said where a Package or a `ProviderInstance` does not admit the namespace of a service.
pub fn not_admitted(kind: &str, name: &str, namespace: &str) -> Hold {
    let message = format!("{kind} {name} does not admit namespace {namespace}: see its spec.namespaceSelector");
    Hold::new(reason::NAMESPACE_NOT_ALLOWED, message)
}

/// Whether the package allows what the service wants to become of its remote.
///
/// # Errors
/// What is found, and what is allowed.
pub fn deletion_policy_is_allowed(service: &HostingService, package: &Package) -> Result<(), Hold> {
    let policy = service.spec.deletion_policy;
    if package.spec.allows(policy) {
        return Ok(());
    }
    let message = format!(
        "spec.deletionPolicy: found {policy:?}, Package {} allows {:?}",
        package.name_any(),
        package.spec.allowed_deletion_policies
    );
    Err(Hold::new(reason::DELETION_POLICY_NOT_ALLOWED, message))
}

fn no_instance(package: &Package) -> Hold {
    let (name, instance) = (package.name_any(), &package.spec.provider_instance_ref.name);
    Hold::new(
        reason::INSTANCE_NOT_FOUND,
        format!("Package {name} names ProviderInstance {instance}, which does not exist"),
    )
}

fn no_plugin(runtime: &Runtime) -> Hold {
    let message = format!(
        "ProviderInstance {}: spec.pluginRef.name: there is no plugin {}",
        runtime.name, runtime.spec.plugin_ref.name
    );
    Hold::new(reason::PLUGIN_NOT_FOUND, message)
}

fn checkout(inputs: &Inputs, plugin: &dyn Plugin) -> Result<Map, Hold> {
    typed_checkout(plugin.checkout_schema(), &inputs.service.spec.checkout).map_err(|errors| {
        let told: Vec<_> = errors.iter().map(|error| format!("spec.checkout.{error}")).collect();
        Hold::new(reason::INVALID_CHECKOUT, told.join("; "))
    })
}

/// What the customer entered, typed.
///
/// # Errors
/// What is wrong with each field.
pub fn typed_checkout(schema: &Schema, given: &Map) -> Result<Map, Vec<FieldError>> {
    let typed = schema.validate(given, &Context::default());
    typed.map(|typed| typed.values).map_err(|mut errors| {
        // An unknown field is most often the misspelt name of one that is then missing, and explains it.
        errors.sort_by_key(|error| error.rule != "unknown");
        errors
    })
}
