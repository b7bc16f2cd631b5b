//! Validation: from what people wrote to what a provider gets. Pure. It gates making and changing a remote, never
//! suspending or ending one.

use std::collections::{BTreeMap, BTreeSet};

use hostwright_crds::{Adoption, HostingService, Identity, LastApplied, Package, SecretKeyRef, reason};
use hostwright_plugin::{Map, Plugin};
use kube::ResourceExt as _;
use serde_json::json;

use super::checkout::{self, Checkout};
use super::digest;
use super::effective::{self, Effective};
use super::record;
use crate::package::{self, Form};
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
    /// What the customer filled in.
    pub form: Form,
    /// Where the passwords of the checkout are. Their values are read when a create needs them, and stay out of here.
    pub passwords: BTreeMap<String, SecretKeyRef>,
    /// A digest of everything that a refusal may be about: both, the owner, and the settings of the instance. Of a password
    /// it holds where it is and not what it is, since status shows it.
    pub digest: String,
}

/// What an order is made from.
pub struct Inputs<'a> {
    /// The service.
    pub service: &'a HostingService,
    /// Its package, where there is one.
    pub package: Option<&'a Package>,
    /// The package that was applied last, where that is another one and still there.
    pub previous: Option<&'a Package>,
    /// The labels of its namespace.
    pub namespace_labels: &'a BTreeMap<String, String>,
    /// The instance that has, or will have, the remote.
    pub runtime: Option<&'a Runtime>,
    /// The believed record.
    pub record: Option<&'a Identity>,
    /// What was applied last.
    pub last_applied: Option<&'a LastApplied>,
    /// Whether it keeps that, whatever the package says by now.
    pub kept: bool,
}

/// Validates; the first thing that is wrong wins.
///
/// # Errors
/// The reason and the words for `Accepted=False`.
pub fn validate(inputs: &Inputs) -> Result<Order, Hold> {
    let package = package_exists(inputs)?;
    instance_fits(inputs, package)?;
    change_is_declared(inputs, package)?;
    namespace_may_order(inputs, package)?;
    deletion_policy_is_allowed(inputs.service, package)?;
    let runtime = inputs.runtime.ok_or_else(|| no_instance(package))?;
    let plugin = runtime.plugin.as_deref().ok_or_else(|| no_plugin(runtime))?;
    adoption_is_allowed(inputs, runtime, plugin)?;
    let kept = inputs.last_applied.filter(|_| inputs.kept);
    let Effective { config, fixed, sources: _ } = match kept {
        Some(last) => effective::kept(inputs.service, package, plugin, last)?,
        None => effective::effective(inputs.service, package, plugin, inputs.last_applied)?,
    };
    let form = Form::of(plugin, &package.spec).map_err(|problems| {
        Hold::new(reason::PACKAGE_INVALID, format!("Package {}: {}", package.name_any(), problems.join("; ")))
    })?;
    let Checkout { values: checkout, passwords } = checkout::validate(inputs.service, plugin, &form)?;
    let checkout = frozen(checkout, &inputs.service.spec.checkout, inputs.last_applied);
    let owner = &inputs.service.spec.owner;
    let settings = runtime.settings.as_ref().map(|instance| &instance.settings);
    let digest = digest::of_value(&json!([config, checkout, owner.email, owner.name, settings, passwords]));
    Ok(Order {
        package: package.name_any(),
        package_generation: kept
            .map_or_else(|| package.metadata.generation.unwrap_or_default(), |last| last.package_generation),
        config,
        fixed,
        checkout,
        form,
        passwords,
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

/// One package is changed to another along the edges that the first declares.
fn change_is_declared(inputs: &Inputs, package: &Package) -> Result<(), Hold> {
    let wanted = package.name_any();
    let Some(last) = inputs.last_applied.filter(|last| last.package != wanted) else { return Ok(()) };
    let has = &last.package;
    let allowed = match inputs.previous {
        Some(previous) if previous.spec.scalable_to.contains(&wanted) => return Ok(()),
        Some(previous) if previous.spec.scalable_to.is_empty() => format!("Package {has} allows no change"),
        Some(previous) => {
            format!("Package {has} allows a change to {} only", package::listed(previous.spec.scalable_to.iter()))
        }
        None => format!("Package {has}, which would have to allow that, is gone: apply it again"),
    };
    let message = format!(
        "spec.packageRef.name: found {wanted}, but {allowed}; nothing is changed. Set it back to {has}, or let the platform team \
         add {wanted} to spec.scalableTo of Package {has}"
    );
    Err(Hold::new(reason::SCALE_NOT_ALLOWED, message))
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

/// What is there already is taken over only where the instance says so.
fn adoption_is_allowed(inputs: &Inputs, runtime: &Runtime, plugin: &dyn Plugin) -> Result<(), Hold> {
    if record::adopts(inputs.service, inputs.service.status.as_ref()).is_none() {
        return Ok(());
    }
    let instance = &runtime.name;
    let why = if runtime.spec.adoption != Adoption::Allow {
        format!("ProviderInstance {instance} takes over nothing that is there already: set its spec.adoption to Allow")
    } else if !plugin.capabilities().adopt {
        format!(
            "plugin {} of ProviderInstance {instance} cannot take over what is there already",
            runtime.spec.plugin_ref.name
        )
    } else {
        return Ok(());
    };
    Err(Hold::new(reason::ADOPTION_NOT_ALLOWED, format!("spec.adopt: {why}; nothing is created")))
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

/// A default is frozen when it was first applied: one that comes later, or becomes another, changes no service that is there.
fn frozen(mut checkout: Map, given: &Map, last: Option<&LastApplied>) -> Map {
    let Some(last) = last else { return checkout };
    checkout.retain(|key, _| given.contains_key(key) || last.checkout.contains_key(key));
    for (key, value) in checkout.iter_mut().filter(|(key, _)| !given.contains_key(*key)) {
        value.clone_from(&last.checkout[key]);
    }
    checkout
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_of_the_checkout_stays_what_it_was_when_it_was_applied() {
        let map = |value: serde_json::Value| -> Map { serde_json::from_value(value).unwrap() };
        let typed = map(json!({"entered": "new", "default": "now", "added": "later"}));
        let given = map(json!({"entered": "new"}));
        assert_eq!(frozen(typed.clone(), &given, None), typed);
        let checkout = map(json!({"entered": "old", "default": "then"}));
        let last = LastApplied { checkout, ..LastApplied::default() };
        assert_eq!(frozen(typed, &given, Some(&last)), map(json!({"entered": "new", "default": "then"})));
    }
}
