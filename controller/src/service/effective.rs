//! The effective configuration of a service, from what its package offers and it selected. Pure.

use std::collections::{BTreeMap, BTreeSet};

use hostwright_crds::{Choice, HostingService, LastApplied, Package, Variant, reason};
use hostwright_plugin::{Map, Plugin};
use kube::ResourceExt as _;
use serde_json::Value;

use super::changes;
use super::refused::Refused;
use crate::package::{self, Problem};

/// What a provider gets as configuration.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Effective {
    /// The values.
    pub config: Map,
    /// Where each value is from.
    pub sources: BTreeMap<String, Source>,
    /// Those that a package's variant lets nobody change after the creation.
    pub fixed: BTreeSet<String>,
}

/// Where a value is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The schema of the plugin.
    PluginDefault,
    /// A default of the schema as it was when it was first applied.
    AppliedBefore,
    /// What this package sets for everybody.
    Package(String),
    /// What this package says for those who choose nothing.
    VariantDefault(String),
    /// What the service selects.
    Selection(Vec<Choice>),
}

impl Source {
    /// In words, for the setting of this name.
    pub fn told(&self, key: &str) -> String {
        match self {
            Self::PluginDefault => "plugin default".to_owned(),
            Self::AppliedBefore => "applied before (frozen default)".to_owned(),
            Self::Package(package) => format!("Package {package}: spec.provisioning.{key}"),
            Self::VariantDefault(package) => {
                format!("variant default (Package {package}: spec.variants.{key}.default)")
            }
            Self::Selection(chosen) => {
                format!("selection {key}={} (spec.selections.{key})", package::listed(chosen))
            }
        }
    }
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
) -> Result<Effective, Refused> {
    let schema = plugin.package_schema();
    let name = package.name_any();
    let mut given = package.spec.provisioning.clone();
    let mut origins: BTreeMap<String, Source> =
        given.keys().map(|key| (key.clone(), Source::Package(name.clone()))).collect();
    for (code, (value, source)) in selected(service, package)? {
        given.insert(code.clone(), value);
        origins.insert(code, source);
    }
    let explicit = package::typed(schema, &given).map_err(|problems| refused(package, problems))?;
    let mut config = schema.defaults();
    let mut frozen = BTreeSet::new();
    if let Some(last) = last {
        // A default that a later release of the plugin brings is for new services.
        config.retain(|key, _| last.config.contains_key(key));
        for (key, value) in &mut config {
            value.clone_from(&last.config[key]);
            frozen.insert(key.clone());
        }
    }
    config.extend(explicit);
    let source = |key: &String| match origins.remove(key) {
        Some(source) => source,
        None if frozen.contains(key) => Source::AppliedBefore,
        None => Source::PluginDefault,
    };
    let sources = config.keys().cloned().zip(config.keys().map(source)).collect();
    Ok(Effective { config, sources, fixed: fixed(package) })
}

/// The configuration that was applied last, with what the service itself selects by now: what the package says otherwise is
/// left for later, or for new services. A selection that was taken away keeps what it chose.
///
/// # Errors
/// `InvalidSelection` where the service selects what it did not have and the package does not offer.
pub fn kept(
    service: &HostingService,
    package: &Package,
    plugin: &dyn Plugin,
    last: &LastApplied,
) -> Result<Effective, Refused> {
    let mut config = last.config.clone();
    let mut sources: BTreeMap<String, Source> = config.keys().map(|key| (key.clone(), Source::AppliedBefore)).collect();
    for (code, chosen) in &service.spec.selections {
        let has_it = last.config.get(code).is_some_and(|applied| is_choice_of(applied, chosen));
        if !has_it {
            let chosen_anew = one_selected(package, code, chosen)?;
            let typed = package::typed(plugin.package_schema(), &merged(&config, code, chosen_anew));
            config = typed.map_err(|problems| refused(package, problems))?;
        }
        sources.insert(code.clone(), Source::Selection(chosen.clone()));
    }
    Ok(Effective { config, sources, fixed: fixed(package) })
}

/// Whether an applied value is what was chosen, however it is written.
fn is_choice_of(applied: &Value, chosen: &[Choice]) -> bool {
    let one = |applied: &Value, choice: &Choice| changes::same(applied, &choice.to_json());
    match applied {
        Value::Array(several) => {
            several.len() == chosen.len()
                && several.iter().all(|applied| chosen.iter().any(|choice| one(applied, choice)))
        }
        single => matches!(chosen, [choice] if one(single, choice)),
    }
}

fn one_selected(package: &Package, code: &str, chosen: &[Choice]) -> Result<Option<Value>, Refused> {
    let name = package.name_any();
    let variants = &package.spec.variants;
    let told = match variants.get(code).map(|variant| package::value_of(variant, chosen)) {
        Some(Ok(value)) => return Ok(value),
        Some(Err(told)) => format!("spec.selections.{code}: {told} (Package {name})"),
        None => unknown_variant(code, &name, variants),
    };
    Err(Refused::of_the_service(reason::INVALID_SELECTION, vec![told]))
}

fn merged(config: &Map, code: &str, value: Option<Value>) -> Map {
    let mut merged = config.clone();
    merged.remove(code);
    merged.extend(value.map(|value| (code.to_owned(), value)));
    merged
}

fn unknown_variant(code: &str, package: &str, variants: &BTreeMap<String, Variant>) -> String {
    let known = package::listed(variants.keys());
    format!("spec.selections.{code}: Package {package} has no such variant, it has {known}")
}

fn fixed(package: &Package) -> BTreeSet<String> {
    package.spec.variants.iter().filter(|(_, variant)| !variant.scalable).map(|(code, _)| code.clone()).collect()
}

fn refused(package: &Package, problems: Vec<Problem>) -> Refused {
    let (selectable, own): (Vec<_>, Vec<_>) =
        problems.into_iter().partition(|problem| package.spec.variants.contains_key(&problem.field));
    if own.is_empty() {
        let told = selectable.iter().map(|problem| format!("spec.selections.{problem}")).collect();
        return Refused::of_the_service(reason::INVALID_SELECTION, told);
    }
    let told = own.iter().map(|problem| format!("spec.provisioning.{problem}")).collect();
    Refused { reason: reason::PACKAGE_INVALID, package: Some(package.name_any()), problems: told }
}

/// What is selected of every variant, as the plugin names and takes it, and who said so.
fn selected(service: &HostingService, package: &Package) -> Result<BTreeMap<String, (Value, Source)>, Refused> {
    let (variants, selections) = (&package.spec.variants, &service.spec.selections);
    let name = package.name_any();
    let unknown = selections.keys().filter(|code| !variants.contains_key(*code));
    let mut problems: Vec<String> = unknown.map(|code| unknown_variant(code, &name, variants)).collect();
    let mut found = BTreeMap::new();
    for (code, variant) in variants {
        let (chosen, source) = match selections.get(code) {
            Some(chosen) => (chosen, Source::Selection(chosen.clone())),
            None => (&variant.default, Source::VariantDefault(name.clone())),
        };
        match package::value_of(variant, chosen) {
            Ok(value) => found.extend(value.map(|value| (code.clone(), (value, source)))),
            Err(told) => problems.push(format!("spec.selections.{code}: {told} (Package {name})")),
        }
    }
    if problems.is_empty() {
        return Ok(found);
    }
    Err(Refused::of_the_service(reason::INVALID_SELECTION, problems))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::sample::Sample;
    use crate::providers::Hold;
    use serde_json::json;

    fn told(package: &Value, selections: Value, last: Option<&LastApplied>) -> Result<Value, Hold> {
        let mut of = Package::default();
        of.metadata.name = Some("vps".into());
        of.spec = serde_json::from_value(package.clone()).unwrap();
        let mut service = HostingService::default();
        service.spec.selections = serde_json::from_value(selections).unwrap();
        let found = effective(&service, &of, &Sample::new(), last)?;
        assert!(found.sources.keys().eq(found.config.keys()), "every value has a source: {found:?}");
        Ok(Value::Object(found.config))
    }

    #[test]
    fn every_value_says_where_it_is_from() {
        let last = json!({"config": {"memory": 2048, "swap": 7}});
        let last: LastApplied = serde_json::from_value(last).unwrap();
        let without = json!({"providerInstanceRef": {"name": "panel"}, "provisioning": {"memory": 1024}});
        let rows = [
            (&without, json!({}), None, "memory", "Package vps: spec.provisioning.memory"),
            (&without, json!({}), None, "swap", "plugin default"),
            (&without, json!({}), Some(&last), "swap", "applied before (frozen default)"),
            (&without, json!({}), Some(&last), "memory", "Package vps: spec.provisioning.memory"),
            (&vps(), json!({}), None, "memory", "variant default (Package vps: spec.variants.memory.default)"),
            (&vps(), json!({"memory": [4096]}), None, "memory", "selection memory=4096 (spec.selections.memory)"),
        ];
        for (package, selections, last, key, words) in rows {
            let mut of = Package::default();
            of.metadata.name = Some("vps".into());
            of.spec = serde_json::from_value(package.clone()).unwrap();
            let mut service = HostingService::default();
            service.spec.selections = serde_json::from_value(selections).unwrap();
            let found = effective(&service, &of, &Sample::new(), last).unwrap();
            assert_eq!(found.sources[key].told(key), words);
        }
    }

    #[test]
    fn everything_that_is_wrong_with_the_selections_is_said() {
        let hold = told(&vps(), json!({"memroy": [1], "memory": [1]}), None).unwrap_err();
        assert!(hold.message.contains("memroy: ") && hold.message.contains("memory: found 1"), "{}", hold.message);
    }

    fn vps() -> Value {
        json!({
            "providerInstanceRef": {"name": "panel"}, "provisioning": {"memory": 1024},
            "variants": {"memory": {"type": "slider", "required": true, "default": [2048], "options": [
                {"value": 2048, "label": "2 GiB"}, {"value": "4096", "label": "4 GiB"}]}},
        })
    }

    /// acceptance 12
    #[test]
    fn what_is_selected_wins_over_the_package_and_is_typed_by_the_plugin() {
        assert_eq!(told(&vps(), json!({}), None).unwrap(), json!({"memory": 2048, "swap": 0}));
        assert_eq!(told(&vps(), json!({"memory": [4096]}), None).unwrap(), json!({"memory": 4096, "swap": 0}));
        let last = json!({"package": "vps", "packageGeneration": 1, "config": {"memory": 2048, "swap": 7},
            "checkout": {}, "at": "2026-01-01T00:00:00Z"});
        let last: LastApplied = serde_json::from_value(last).unwrap();
        assert_eq!(told(&vps(), json!({}), Some(&last)).unwrap(), json!({"memory": 2048, "swap": 7}));
    }

    /// acceptance 12
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
