//! What objects say together: none twice, what is referred to is there, and fits. Pure.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use hostwright_crds::{CHECKOUT_LABEL, HostingService, Package, ProviderInstance, SecretKeyRef, annotation};
use hostwright_plugin::Plugin;
use kube::ResourceExt as _;

use super::finding::{Finding, Severity};
use super::object::Object;
use super::schema::did_you_mean;
use crate::{instance, package, service};

/// How much the files are, and where credentials are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    /// Whether what is in no file is nowhere.
    pub(super) complete: bool,
    pub(super) credentials_namespace: &'a str,
}

/// The objects by what they are.
pub(super) struct Together<'a> {
    objects: &'a [Object],
    packages: HashMap<String, (&'a Object, Option<Package>)>,
    instances: HashMap<String, (&'a Object, Option<ProviderInstance>)>,
    plugins: &'a [Arc<dyn Plugin>],
    rules: Rules<'a>,
}

impl<'a> Together<'a> {
    pub(super) fn of(objects: &'a [Object], plugins: &'a [Arc<dyn Plugin>], rules: Rules<'a>) -> Self {
        let of_kind =
            |kind: &'static str| objects.iter().filter(move |object| object.is_ours() && object.kind() == kind);
        let named = |object: &Object| object.name().to_owned();
        Self {
            packages: of_kind("Package").map(|it| (named(it), (it, it.typed("Package")))).collect(),
            instances: of_kind("ProviderInstance").map(|it| (named(it), (it, it.typed("ProviderInstance")))).collect(),
            objects,
            plugins,
            rules,
        }
    }

    /// Everything that is found.
    pub(super) fn check(&self) -> Vec<Finding> {
        let mut findings = self.duplicates();
        for object in self.objects {
            if let Some(instance) = object.typed("ProviderInstance") {
                self.check_instance(object, &instance, &mut findings);
            } else if let Some(package) = object.typed("Package") {
                self.check_package(object, &package, &mut findings);
            } else if let Some(service) = object.typed("HostingService") {
                self.check_service(object, &service, &mut findings);
            }
        }
        findings
    }

    fn duplicates(&self) -> Vec<Finding> {
        let mut first: HashMap<(&str, &str, &str, &str), &Object> = HashMap::new();
        let mut findings = Vec::new();
        for object in self.objects.iter().filter(|object| object.is_ours()) {
            let key = (object.group(), object.kind(), object.namespace(), object.name());
            if let Some(first) = first.get(&key) {
                let message = format!("found a second time, first at {}; keep one of the two", first.place());
                findings.push(object.error("metadata.name", message));
            } else {
                first.insert(key, object);
            }
        }
        findings
    }

    fn check_instance(&self, object: &Object, of: &ProviderInstance, findings: &mut Vec<Finding>) {
        let Some(plugin) = self.plugin(&of.spec.plugin_ref.name) else {
            let wanted = &of.spec.plugin_ref.name;
            let known = || self.plugins.iter().map(|plugin| plugin.manifest().provider.as_str());
            let meant = did_you_mean(wanted, known());
            let message = format!("found {wanted}{meant}; known are {}", known().collect::<Vec<_>>().join(", "));
            findings.push(object.error("spec.pluginRef.name", message));
            return;
        };
        let schema = plugin.config_schema();
        let problems = instance::problems_without_secrets(schema, &of.spec);
        findings.extend(problems.iter().map(|problem| object.told(&problem.to_string())));
        for (setting, source) in &of.spec.config_from {
            let field = format!("spec.configFrom.{setting}");
            if schema.field(setting).is_some_and(|field| !field.is_password()) {
                let message =
                    format!("is no password of plugin {}; it may stand in spec.config", of.spec.plugin_ref.name);
                findings.push(object.warning(&field, message));
            }
            let there = self.secret(object, &field, self.rules.credentials_namespace, &source.secret_key_ref);
            findings.extend(there.err());
        }
    }

    /// Whether the Secret is there and has the key. Its values are not looked at.
    fn secret(
        &self,
        object: &Object,
        field: &str,
        wanted: &str,
        reference: &SecretKeyRef,
    ) -> Result<&'a Object, Finding> {
        let SecretKeyRef { name, key } = reference;
        let of_name =
            self.objects.iter().filter(|it| it.group().is_empty() && it.kind() == "Secret" && it.name() == name);
        let of_name: Vec<&Object> = of_name.collect();
        let is_there = |secret: &&&Object| secret.namespace() == wanted || secret.namespace().is_empty();
        let name_field = format!("{field}.secretKeyRef.name");
        let Some(secret) = of_name.iter().find(is_there) else {
            let elsewhere = of_name.first().map(|secret| {
                format!("; {} has one in namespace {}, where nobody looks for it", secret.place(), secret.namespace())
            });
            let missing = format!("Secret {wanted}/{name} is in no file{}", elsewhere.unwrap_or_default());
            return Err(self.missing(object, &name_field, &missing));
        };
        if ["data", "stringData"].iter().any(|section| secret.value[section].get(key).is_some()) {
            return Ok(secret);
        }
        let message = format!("Secret {wanted}/{name} of {} has no key {key}; add it there", secret.place());
        Err(object.error(&format!("{field}.secretKeyRef.key"), message))
    }

    fn check_package(&self, object: &Object, of: &Package, findings: &mut Vec<Finding>) {
        if let Err(told) = package::overdue(of.spec.overdue.as_ref()) {
            findings.extend(told.iter().map(|told| object.told(told)));
        }
        self.check_edges(object, of, findings);
        let wanted = &of.spec.provider_instance_ref.name;
        let Some((_, instance)) = self.instances.get(wanted) else {
            let meant = did_you_mean(wanted, self.instances.keys().map(String::as_str));
            let missing = format!("ProviderInstance {wanted} is in no file{meant}");
            findings.push(self.missing(object, "spec.providerInstanceRef.name", &missing));
            return;
        };
        let plugin = instance.as_ref().and_then(|instance| self.plugin(&instance.spec.plugin_ref.name));
        let Some(plugin) = plugin else { return };
        let told = package::check(plugin.package_schema(), &of.spec).err().unwrap_or_default();
        let added = package::Form::of(&**plugin, &of.spec).err().unwrap_or_default();
        findings.extend(told.iter().chain(&added).map(|told| object.told(told)));
    }

    /// What its services may be changed to is there, and on the same instance.
    fn check_edges(&self, object: &Object, of: &Package, findings: &mut Vec<Finding>) {
        let here = &of.spec.provider_instance_ref.name;
        let written = object.value["spec"]["scalableTo"].as_array().into_iter().flatten();
        for (index, name) in written.enumerate().filter_map(|(index, name)| Some((index, name.as_str()?))) {
            let field = format!("spec.scalableTo[{index}]");
            match self.packages.get(name) {
                None => {
                    let meant = did_you_mean(name, self.packages.keys().map(String::as_str));
                    findings.push(self.missing(object, &field, &format!("Package {name} is in no file{meant}")));
                }
                Some((_, Some(to))) if to.spec.provider_instance_ref.name != *here => {
                    let there = &to.spec.provider_instance_ref.name;
                    let message =
                        format!("Package {name} belongs to ProviderInstance {there}, not {here}; a remote cannot move");
                    findings.push(object.error(&field, message));
                }
                Some(_) => {}
            }
        }
    }

    /// The passwords that a customer orders with, where they are among the files.
    fn check_passwords(&self, object: &Object, of: &HostingService, findings: &mut Vec<Finding>) {
        for (name, source) in &of.spec.checkout_from {
            let field = format!("spec.checkoutFrom.{name}");
            match self.secret(object, &field, object.namespace(), &source.secret_key_ref) {
                Err(finding) => findings.push(finding),
                Ok(secret) if secret.value["metadata"]["labels"][CHECKOUT_LABEL] == "true" => {}
                Ok(secret) => {
                    let message = format!(
                        "Secret {} of {} has no label {CHECKOUT_LABEL}: \"true\"; without it nothing of it is used",
                        secret.name(),
                        secret.place()
                    );
                    findings.push(object.error(&format!("{field}.secretKeyRef.name"), message));
                }
            }
        }
    }

    fn check_service(&self, object: &Object, of: &HostingService, findings: &mut Vec<Finding>) {
        self.check_namespace(object, findings);
        self.check_passwords(object, of, findings);
        let wanted = &of.spec.package_ref.name;
        let Some((_, package)) = self.packages.get(wanted) else {
            let meant = did_you_mean(wanted, self.packages.keys().map(String::as_str));
            let missing = format!("Package {wanted} is in no file{meant}");
            findings.push(self.missing(object, "spec.packageRef.name", &missing));
            return;
        };
        // What is wrong with the package is said there.
        let Some(package) = package else { return };
        if let Err(hold) = service::deletion_policy_is_allowed(of, package) {
            findings.push(object.told(&hold.message));
        }
        self.check_admission(object, package, findings);
        let instance = self.instances.get(&package.spec.provider_instance_ref.name);
        let instance = instance.and_then(|(_, instance)| instance.as_ref());
        let Some(plugin) = instance.and_then(|instance| self.plugin(&instance.spec.plugin_ref.name)) else { return };
        let refused = service::effective(of, package, &**plugin, None).err();
        let refused = refused.filter(|refused| refused.package.is_none()).map(|refused| refused.problems);
        findings.extend(refused.unwrap_or_default().iter().map(|told| object.told(told)));
        let Ok(form) = package::Form::of(&**plugin, &package.spec) else { return };
        if let Err(refused) = service::checkout::validate(of, &**plugin, &form) {
            let told = refused.problems.iter().map(|told| object.told(told));
            findings.extend(told.map(|finding| as_expected(of, refused.reason, finding)));
        }
    }

    fn check_namespace(&self, object: &Object, findings: &mut Vec<Finding>) {
        let namespace = object.namespace();
        if !matches!(namespace, "" | "default") && self.namespace(namespace).is_none() {
            let missing = format!("Namespace {namespace} is in no file");
            findings.push(self.missing(object, "metadata.namespace", &missing));
        }
    }

    /// Whether package and instance admit the namespace; its labels are those of the files.
    fn check_admission(&self, object: &Object, package: &Package, findings: &mut Vec<Finding>) {
        let Some(namespace) = self.namespace(object.namespace()) else { return };
        let labels = namespace.value["metadata"]["labels"].as_object();
        let labels = labels.into_iter().flatten();
        let mut labels: BTreeMap<String, String> =
            labels.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
        labels.insert("kubernetes.io/metadata.name".to_owned(), namespace.name().to_owned());
        let refused = |kind: &str, name: &str| {
            let hold = service::not_admitted(kind, name, namespace.name());
            object.error("metadata.namespace", hold.message)
        };
        if !package.spec.admits(&labels) {
            findings.push(refused("Package", &package.name_any()));
            return;
        }
        let instance = self.instances.get(&package.spec.provider_instance_ref.name);
        if let Some((_, Some(instance))) = instance
            && !instance.spec.admits(&labels)
        {
            findings.push(refused("ProviderInstance", &instance.name_any()));
        }
    }

    fn namespace(&self, name: &str) -> Option<&Object> {
        self.objects.iter().find(|it| it.group().is_empty() && it.kind() == "Namespace" && it.name() == name)
    }

    fn plugin(&self, name: &str) -> Option<&Arc<dyn Plugin>> {
        self.plugins.iter().find(|plugin| plugin.manifest().provider == name)
    }

    /// What is in no file may be in the cluster, unless the files are everything.
    fn missing(&self, object: &Object, field: &str, found: &str) -> Finding {
        if self.rules.complete {
            return object.error(field, format!("{found}; add it, or name one that is there"));
        }
        object.warning(field, format!("{found}; it has to be in the cluster already"))
    }
}

/// The examples show mistakes on purpose, and say so.
fn as_expected(service: &HostingService, reason: &str, finding: Finding) -> Finding {
    let expected = service.annotations().get(annotation::EXPECT);
    if expected.is_some_and(|expected| *expected == format!("False/{reason}")) {
        let message = format!("{} (as its annotation {} expects)", finding.message, annotation::EXPECT);
        return Finding { severity: Severity::Warning, message, ..finding };
    }
    finding
}
