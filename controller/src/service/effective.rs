//! The effective configuration of a service, from what its package offers and it selected. Pure.

use std::collections::BTreeSet;

use hostwright_crds::{HostingService, LastApplied, Package, reason};
use hostwright_plugin::{Map, Plugin};
use kube::ResourceExt as _;

use crate::package::{self, Problem};
use crate::providers::Hold;

/// What a provider gets as configuration.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Effective {
    /// The values.
    pub config: Map,
    /// Those that a package's variant lets nobody change after the creation.
    pub fixed: BTreeSet<String>,
}

/// Schema defaults, under what was applied before, under what the package sets, under what is selected. A default is
/// frozen when it was first applied, so a plugin release with another default scales nothing.
///
/// # Errors
/// `InvalidSelection` where the service is wrong, `PackageInvalid` where its package is.
pub fn effective(
    service: &HostingService,
    package: &Package,
    plugin: &dyn Plugin,
    last: Option<&LastApplied>,
) -> Result<Effective, Hold> {
    let schema = plugin.package_schema();
    let mut given = package.spec.provisioning.clone();
    given.extend(selected(service, package)?);
    let explicit = package::typed(schema, &given).map_err(|problems| refused(package, problems))?;
    let mut config = schema.defaults();
    if let Some(last) = last {
        // A default that a later release of the plugin brings is for new services.
        config.retain(|key, _| last.config.contains_key(key));
        for (key, value) in &mut config {
            value.clone_from(&last.config[key]);
        }
    }
    config.extend(explicit);
    Ok(Effective { config, fixed: fixed(package) })
}

fn fixed(package: &Package) -> BTreeSet<String> {
    package.spec.variants.iter().filter(|(_, variant)| !variant.scalable).map(|(code, _)| code.clone()).collect()
}

fn refused(package: &Package, problems: Vec<Problem>) -> Hold {
    let (selectable, own): (Vec<_>, Vec<_>) =
        problems.into_iter().partition(|problem| package.spec.variants.contains_key(&problem.field));
    if own.is_empty() {
        let told: Vec<_> = selectable.iter().map(|problem| format!("spec.selections.{problem}")).collect();
        return Hold::new(reason::INVALID_SELECTION, told.join("; "));
    }
    let told: Vec<_> = own.iter().map(|problem| format!("spec.provisioning.{problem}")).collect();
    Hold::new(reason::PACKAGE_INVALID, format!("Package {}: {}", package.name_any(), told.join("; ")))
}

/// What is selected of every variant, as the plugin names and takes it.
fn selected(service: &HostingService, package: &Package) -> Result<Map, Hold> {
    let (variants, selections) = (&package.spec.variants, &service.spec.selections);
    let name = package.name_any();
    let wrong = |told: String| Hold::new(reason::INVALID_SELECTION, told);
    if let Some(code) = selections.keys().find(|code| !variants.contains_key(*code)) {
        let known = package::listed(variants.keys());
        return Err(wrong(format!("spec.selections.{code}: Package {name} has no such variant, it has {known}")));
    }
    let mut config = Map::new();
    for (code, variant) in variants {
        let chosen = selections.get(code).unwrap_or(&variant.default);
        let value = package::value_of(variant, chosen)
            .map_err(|told| wrong(format!("spec.selections.{code}: {told} (Package {name})")))?;
        config.extend(value.map(|value| (code.clone(), value)));
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::sample::Sample;
    use serde_json::{Value, json};

    fn told(package: &Value, selections: Value, last: Option<&LastApplied>) -> Result<Value, Hold> {
        let mut of = Package::default();
        of.metadata.name = Some("vps".into());
        of.spec = serde_json::from_value(package.clone()).unwrap();
        let mut service = HostingService::default();
        service.spec.selections = serde_json::from_value(selections).unwrap();
        effective(&service, &of, &Sample::new(), last).map(|found| Value::Object(found.config))
    }

    fn vps() -> Value {
        json!({
            "providerInstanceRef": {"name": "panel"}, "provisioning": {"memory": 1024},
            "variants": {"memory": {"type": "slider", "required": true, "default": [2048], "options": [
                {"value": 2048, "label": "2 GiB"}, {"value": "4096", "label": "4 GiB"}]}},
        })
    }

    #[test]
    fn what_is_selected_wins_over_the_package_and_is_typed_by_the_plugin() {
        assert_eq!(told(&vps(), json!({}), None).unwrap(), json!({"memory": 2048, "swap": 0}));
        assert_eq!(told(&vps(), json!({"memory": [4096]}), None).unwrap(), json!({"memory": 4096, "swap": 0}));
        let last = json!({"package": "vps", "packageGeneration": 1, "config": {"memory": 2048, "swap": 7},
            "checkout": {}, "at": "2026-01-01T00:00:00Z"});
        let last: LastApplied = serde_json::from_value(last).unwrap();
        assert_eq!(told(&vps(), json!({}), Some(&last)).unwrap(), json!({"memory": 2048, "swap": 7}));
    }

    #[test]
    fn a_selection_that_is_not_offered_names_field_found_and_expected() {
        let rows = [
            (json!({"memroy": [1]}), "spec.selections.memroy: Package vps has no such variant, it has memory"),
            (json!({"memory": [1]}), "spec.selections.memory: found 1, expected one of 2048, 4096 (Package vps)"),
            (json!({"memory": []}), "spec.selections.memory: found nothing, expected one of 2048, 4096 (Package vps)"),
            (
                json!({"memory": [2048, 4096]}),
                "spec.selections.memory: found 2048, 4096, expected only one of 2048, 4096 (Package vps)",
            ),
        ];
        for (selections, words) in rows {
            let hold = told(&vps(), selections, None).unwrap_err();
            assert_eq!((hold.reason, hold.message.as_str()), (reason::INVALID_SELECTION, words));
        }
    }
}
