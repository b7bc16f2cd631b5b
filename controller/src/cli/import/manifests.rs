//! Manifests that take over what nobody knows. What cannot be known is left empty, which the API refuses. Pure.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use hostwright_crds::{DeletionPolicy, OwnerScope, Package};
use hostwright_plugin::schema::Field;
use hostwright_plugin::{Map, Plugin, Present, State};
use kube::ResourceExt as _;
use serde_json::Value;

use super::super::failure::Failure;
use super::super::panel::{Known, Whose};
use crate::package::Form;

/// The longest name of a HostingService that is made up here: it becomes a label of tools.
const LONGEST_NAME: usize = 63;

/// What all manifests are written with.
pub(super) struct Writing<'a> {
    instance: &'a str,
    namespace: &'a str,
    plugin: &'a dyn Plugin,
    owner_scope: OwnerScope,
    /// Packages of the instance; the one that was asked for.
    packages: Vec<&'a Package>,
}

impl<'a> Writing<'a> {
    pub(super) fn new(
        instance: &'a str,
        (plugin, owner_scope): (&'a dyn Plugin, OwnerScope),
        packages: &'a [Package],
        asked: Option<&str>,
        namespace: &'a str,
    ) -> Result<Self, Failure> {
        let here = |package: &&Package| package.spec.provider_instance_ref.name == instance;
        let mut packages: Vec<&Package> = packages.iter().filter(here).collect();
        if let Some(name) = asked {
            let all: Vec<String> = packages.iter().map(|package| package.name_any()).collect();
            packages.retain(|package| package.name_any() == name);
            if packages.is_empty() {
                let message =
                    format!("--package: ProviderInstance {instance} has no Package {name}; it has: {}", all.join(", "));
                return Err(Failure::usage(message));
            }
        }
        Ok(Self { instance, namespace, plugin, owner_scope, packages })
    }

    /// One HostingService for everything that is unmarked or orphaned, as YAML; and the ids of what is left out.
    pub(super) fn of_all(&self, all: &[(Present, Whose)], known: &Known) -> (String, Vec<String>) {
        let mut taken = BTreeSet::new();
        let (mut text, mut left_out) = (String::new(), Vec::new());
        for (present, whose) in all {
            let place = match whose {
                Whose::Unmarked => Some((self.namespace.to_owned(), self.free_name(present, known, &mut taken))),
                // Its mark is that of this very name. An object of that name has ended, and stays as it is.
                Whose::Orphaned => {
                    let place = present.external_id.as_deref().and_then(|mark| known.place_of(mark));
                    place.filter(|(namespace, name)| !known.has(namespace, name))
                }
                Whose::Ours(_) | Whose::Claimed(_) | Whose::Others => continue,
            };
            let Some(place) = place else {
                left_out.push(present.remote.id.clone());
                continue;
            };
            // Writing to a String cannot fail.
            let _ = self.add(&mut text, present, &place, known);
        }
        (text, left_out)
    }

    fn free_name(&self, present: &Present, known: &Known, taken: &mut BTreeSet<String>) -> String {
        let base = label(&format!("{}-{}", self.instance, present.remote.id));
        let numbered = (2..).map(|number| label(&format!("{}-{number}", cut(&base, LONGEST_NAME - 8))));
        let mut names = std::iter::once(base.clone()).chain(numbered);
        let free = names.find(|name| !known.has(self.namespace, name) && !taken.contains(name)).unwrap_or(base);
        taken.insert(free.clone());
        free
    }

    fn add(
        &self,
        text: &mut String,
        present: &Present,
        (namespace, name): &(String, String),
        known: &Known,
    ) -> std::fmt::Result {
        let id = &present.remote.id;
        let place = present.remote.url.as_ref().map(|url| format!(", {url}")).unwrap_or_default();
        let desired = if present.state == State::Suspended { "Suspended" } else { "Active" };
        let key = present.owner_key.as_deref();
        let owner = key.and_then(|key| known.owner_in(key, namespace, self.owner_scope));
        let email = present.owner.as_ref().map(|owner| owner.email.clone());
        let person = present.owner.as_ref().map(|owner| owner.name.clone());
        let (package, candidates) = self.package_for(present);
        if !text.is_empty() {
            text.push_str("---\n");
        }
        writeln!(text, "# Remote {} on {}{}", one_line(id), self.instance, one_line(&place))?;
        writeln!(text, "apiVersion: hostwright.dev/v1alpha1\nkind: HostingService\nmetadata:")?;
        writeln!(text, "  name: {}\n  namespace: {}", quoted(name), quoted(namespace))?;
        writeln!(text, "spec:")?;
        writeln!(
            text,
            "  packageRef: {{name: {}}}{candidates}",
            quoted(&package.map(kube::ResourceExt::name_any).unwrap_or_default())
        )?;
        writeln!(text, "  owner:")?;
        writeln!(text, "    {}", known_or_asked("id", owner, "the customer's id in billing"))?;
        writeln!(
            text,
            "    {}",
            known_or_asked("email", email, "the customer's e-mail address, as the provider has it")
        )?;
        writeln!(text, "    {}", known_or_asked("name", person, "the customer's name"))?;
        let asked = package.map(|package| self.required(package)).unwrap_or_default();
        if !asked.is_empty() {
            writeln!(text, "  checkout:")?;
        }
        for (key, label) in asked {
            writeln!(text, "    {}", known_or_asked(&quoted(&key), None, &one_line(&label)))?;
        }
        writeln!(text, "  desiredStatus: {desired}")?;
        writeln!(text, "  adopt: {{remoteId: {}}}", quoted(id))?;
        if self.may_retain(package) {
            writeln!(text, "  # Until you trust it: deleting this object leaves the server alone.")?;
            writeln!(text, "  deletionPolicy: Retain")?;
        }
        Ok(())
    }

    /// The fields of the checkout that every order has to have, and what people call them.
    fn required(&self, package: &Package) -> Vec<(String, String)> {
        let Ok(form) = Form::of(self.plugin, &package.spec) else { return Vec::new() };
        let always = |field: &&Field| {
            let required = field.rules().iter().any(|rule| rule.name() == "required");
            required && field.condition().is_none() && field.default().is_none() && !field.is_password()
        };
        let fields = form.schema(self.plugin).fields().iter().filter(always);
        fields.map(|field| (field.key().to_owned(), field.label().to_owned())).collect()
    }

    fn may_retain(&self, chosen: Option<&Package>) -> bool {
        let allows = |package: &Package| package.spec.allows(DeletionPolicy::Retain);
        chosen.map_or_else(|| self.packages.iter().all(|package| allows(package)), allows)
    }

    /// The package that a remote is configured like, else the only one; and what to say where there is none.
    fn package_for(&self, present: &Present) -> (Option<&Package>, String) {
        let fits = |package: &&&Package| is_like(&package.spec.provisioning, &present.applied);
        let fitting: Vec<_> = self.packages.iter().filter(fits).collect();
        match (fitting.as_slice(), self.packages.as_slice()) {
            ([one], _) => (Some(one), String::new()),
            (_, [only]) => (Some(only), "  # what differs is shown, and stays until it is accepted".to_owned()),
            (_, all) => {
                let names: Vec<String> = all.iter().map(|package| package.name_any()).collect();
                (None, format!("  # fill in: one of {}", names.join(", ")))
            }
        }
    }
}

/// Whether everything that a package sets and a remote shows is the same, and there is such a thing.
fn is_like(provisioning: &Map, applied: &Map) -> bool {
    let shown: Vec<_> = provisioning.iter().filter_map(|(key, wanted)| Some((wanted, applied.get(key)?))).collect();
    !shown.is_empty() && shown.iter().all(|(wanted, found)| wanted == found)
}

fn known_or_asked(key: &str, value: Option<String>, what: &str) -> String {
    match value.filter(|value| !value.trim().is_empty()) {
        Some(value) => format!("{key}: {}", quoted(&value)),
        None => format!("{key}: \"\"  # fill in: {what}"),
    }
}

/// Every JSON string is one of YAML.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A comment must not end early.
fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// A DNS label that is like a text.
fn label(text: &str) -> String {
    let plain = |character: char| {
        let lower = character.to_ascii_lowercase();
        if lower.is_ascii_alphanumeric() { lower } else { '-' }
    };
    let label: String = text.chars().map(plain).collect();
    cut(label.trim_matches('-'), LONGEST_NAME).trim_matches('-').to_owned()
}

fn cut(text: &str, longest: usize) -> &str {
    // Labels are ASCII.
    &text[..text.len().min(longest)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::sample::Sample;
    use hostwright_plugin::{Remote, RemoteOwner};
    use serde_json::json;

    fn package(name: &str, more: &Value) -> Package {
        let mut spec = json!({"providerInstanceRef": {"name": "panel-eu"}});
        spec.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        let object = json!({"apiVersion": "hostwright.dev/v1alpha1", "kind": "Package", "metadata": {"name": name}, "spec": spec});
        serde_json::from_value(object).unwrap()
    }

    fn remote(id: &str, applied: Value) -> Present {
        let handle = Remote { id: id.to_owned(), ..Remote::default() };
        let applied = serde_json::from_value(applied).unwrap();
        Present { applied, ..Present::new(handle, State::Active, None) }
    }

    fn written(packages: &[Package], all: &[(Present, Whose)]) -> Vec<Value> {
        let sample = Sample::new();
        let scope = OwnerScope::Namespace;
        let writing = Writing::new("panel-eu", (&sample, scope), packages, None, "customers").unwrap();
        let (text, left_out) = writing.of_all(all, &Known::default());
        assert_eq!(left_out, [""; 0]);
        serde_saphyr::from_multiple::<Value>(&text).unwrap()
    }

    #[test]
    fn what_is_unmarked_becomes_a_service_that_takes_it_over_and_needs_its_owner() {
        let mut named = remote("Node_7/12", json!({"memory": 1024}));
        named.owner = Some(RemoteOwner { email: "a@example.com".into(), name: "A \"quoted\"\nname".into() });
        named.state = State::Suspended;
        let packages = [
            package("small", &json!({"provisioning": {"memory": 1024}})),
            package("big", &json!({"provisioning": {"memory": 2048}})),
        ];
        let others =
            [(remote("8", json!({})), Whose::Others), (remote("9", json!({})), Whose::Ours("customers/a".into()))];
        let all = [&[(named, Whose::Unmarked)], &others[..]].concat();
        let [service] = written(&packages, &all).try_into().unwrap();
        assert_eq!(service["metadata"], json!({"name": "panel-eu-node-7-12", "namespace": "customers"}));
        assert_eq!(service["spec"]["packageRef"]["name"], "small", "the one that fits");
        assert_eq!(service["spec"]["adopt"], json!({"remoteId": "Node_7/12"}));
        assert_eq!(service["spec"]["owner"], json!({"id": "", "email": "a@example.com", "name": "A \"quoted\"\nname"}));
        assert_eq!(
            (&service["spec"]["desiredStatus"], &service["spec"]["deletionPolicy"]),
            (&json!("Suspended"), &json!("Retain"))
        );
    }

    #[test]
    fn a_package_that_cannot_be_told_is_left_empty_and_names_are_never_given_twice() {
        let packages = [
            package("small", &json!({"provisioning": {"memory": 1}, "allowedDeletionPolicies": ["Terminate"]})),
            package("big", &json!({})),
        ];
        let all = [
            (remote("1.2", json!({"memory": 3})), Whose::Unmarked),
            (remote("1-2", json!({"memory": 3})), Whose::Unmarked),
        ];
        let services = written(&packages, &all);
        let names: Vec<_> = services.iter().map(|service| service["metadata"]["name"].clone()).collect();
        assert_eq!(names, ["panel-eu-1-2", "panel-eu-1-2-2"]);
        assert_eq!(services[0]["spec"]["packageRef"]["name"], "");
        assert!(services[0]["spec"]["deletionPolicy"].is_null(), "a package does not allow it");
    }

    #[test]
    fn a_package_of_another_instance_cannot_be_asked_for() {
        let mut elsewhere = package("elsewhere", &json!({}));
        elsewhere.spec.provider_instance_ref.name = "panel-us".into();
        let (packages, sample) = ([package("small", &json!({})), elsewhere], Sample::new());
        let refused =
            Writing::new("panel-eu", (&sample, OwnerScope::Namespace), &packages, Some("elsewhere"), "customers")
                .err()
                .unwrap();
        assert_eq!(
            refused.message(),
            Some("--package: ProviderInstance panel-eu has no Package elsewhere; it has: small")
        );
    }
}
