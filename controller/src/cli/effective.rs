//! `hostwright effective`: the configuration that a provider would get for a service, and where each value is from.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use hostwright_crds::{HostingService, Package, ProviderInstance, SecretKeyRef, SecretSource};
use hostwright_plugin::Plugin;
use hostwright_plugin::schema::Schema;
use kube::{Api, Client, ResourceExt as _};
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::output::{Output, Span, Tone};
use super::validate::{Object, read};
use super::{builtins, cluster};
use crate::package::Form;
use crate::service::{self, checkout};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A file of manifests, a folder with everything in it, or - for standard input; may be given several times
    #[arg(short, long = "filename", value_name = "FILE|DIR|-", required = true)]
    filenames: Vec<PathBuf>,
    /// Read from the cluster what the services refer to and no file holds
    #[arg(long)]
    from_cluster: bool,
    /// Kubeconfig of that cluster; it implies --from-cluster
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// For programs instead of people
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Json,
    Yaml,
}

/// A setting of a service.
#[derive(Debug, Clone, PartialEq)]
struct Setting {
    key: String,
    /// Of a password what is said instead.
    value: Value,
    from: String,
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    let contents = read(&arguments.filenames)?;
    if let Some(broken) = contents.first_problem() {
        return Err(Failure::failed(broken));
    }
    let services: Vec<HostingService> =
        contents.objects.iter().filter_map(|object| object.typed("HostingService")).collect();
    if services.is_empty() {
        return Err(Failure::usage(
            "there is no HostingService in what -f names, or none that fits its schema; see hostwright validate",
        ));
    }
    let client = match (&arguments.kubeconfig, arguments.from_cluster) {
        (None, false) => None,
        (kubeconfig, _) => Some(cluster::connect_also_here(kubeconfig.as_deref().map(Path::new)).await?),
    };
    let sources = Sources { objects: &contents.objects, client, plugins: builtins::plugins()? };
    let mut failed = false;
    let mut shown = Vec::new();
    for service in &services {
        let name = format!("{}/{}", service.namespace().unwrap_or_else(|| "default".to_owned()), service.name_any());
        match sources.settings(service).await {
            Ok(settings) => shown.push((name, settings)),
            Err(problem) => {
                output.problem(&format!("HostingService {name}: {problem}"));
                failed = true;
            }
        }
    }
    show(&shown, arguments.output, output)?;
    if failed { Err(Failure::said()) } else { Ok(()) }
}

/// Where what a service refers to is looked for.
struct Sources<'a> {
    objects: &'a [Object],
    client: Option<Client>,
    plugins: Vec<Arc<dyn Plugin>>,
}

impl Sources<'_> {
    async fn settings(&self, service: &HostingService) -> Result<Vec<Setting>, String> {
        let package: Package = self.find("spec.packageRef.name", "Package", &service.spec.package_ref.name).await?;
        let wanted = &package.spec.provider_instance_ref.name;
        let instance: ProviderInstance =
            self.find("ProviderInstance of its Package", "ProviderInstance", wanted).await?;
        let slug = &instance.spec.plugin_ref.name;
        let plugin = self.plugins.iter().find(|plugin| plugin.manifest().provider == *slug);
        let plugin = plugin
            .ok_or_else(|| format!("ProviderInstance {wanted}: spec.pluginRef.name: there is no plugin {slug}"))?;
        settings(service, &package, &instance, &**plugin)
    }

    /// In the files, else in the cluster.
    async fn find<K>(&self, field: &str, kind: &str, name: &str) -> Result<K, String>
    where
        K: kube::Resource<DynamicType = ()> + Clone + std::fmt::Debug + serde::de::DeserializeOwned,
    {
        let written =
            self.objects.iter().find(|object| object.is_ours() && object.kind() == kind && object.name() == name);
        if let Some(object) = written {
            let misfit =
                || format!("{kind} {name} of {} does not fit its schema; see hostwright validate", object.place());
            return object.typed(kind).ok_or_else(misfit);
        }
        let Some(client) = &self.client else {
            return Err(format!(
                "{field}: {kind} {name} is in no file; name its file with -f, or read it: --from-cluster"
            ));
        };
        let found = cluster::found(Api::<K>::all(client.clone()).get(name)).await;
        let found = found.map_err(|refusal| format!("{field}: {kind} {name} cannot be read: {refusal}"))?;
        found.ok_or_else(|| format!("{field}: {kind} {name} is in no file and not in the cluster"))
    }
}

/// Everything that the provider gets. Passwords are not shown.
fn settings(
    service: &HostingService,
    package: &Package,
    instance: &ProviderInstance,
    plugin: &dyn Plugin,
) -> Result<Vec<Setting>, String> {
    let last = service.status.as_ref().and_then(|status| status.last_applied.as_ref());
    let effective = service::effective(service, package, plugin, last).map_err(|refused| refused.to_string())?;
    let from = |key: &str| effective.sources.get(key).map(|source| source.told(key)).unwrap_or_default();
    let mut settings = shown(plugin.package_schema(), &effective.config, from);
    settings.extend(entered(service, package, plugin)?);
    let of_instance = |key: &str| format!("ProviderInstance {}: spec.config.{key}", instance.name_any());
    settings.extend(shown(plugin.config_schema(), &instance.spec.config, of_instance));
    let of_instance = |key: &str| format!("ProviderInstance {}: spec.configFrom.{key}", instance.name_any());
    settings.extend(instance.spec.config_from.iter().map(|(key, source)| referred(key, source, of_instance(key))));
    Ok(settings)
}

/// The checkout: as the provider would get it, with its defaults; as it was written where that cannot be.
fn entered(service: &HostingService, package: &Package, plugin: &dyn Plugin) -> Result<Vec<Setting>, String> {
    let form = Form::of(plugin, &package.spec)
        .map_err(|problems| format!("Package {}: {}", package.name_any(), problems.join("; ")))?;
    let given = &service.spec.checkout;
    let valid = checkout::validate(service, plugin, &form).ok();
    let from = |key: &str| match plugin.checkout_schema().field(key) {
        _ if given.contains_key(key) => format!("checkout (spec.checkout.{key})"),
        Some(_) => "plugin default".to_owned(),
        None => format!("Package {}: spec.checkout.{key}.default", package.name_any()),
    };
    let mut settings = shown(form.schema(plugin), valid.as_ref().map_or(given, |valid| &valid.values), from);
    let needed = |key: &String| valid.as_ref().is_none_or(|valid| valid.passwords.contains_key(key));
    let references = service.spec.checkout_from.iter().filter(|(key, _)| needed(key));
    settings
        .extend(references.map(|(key, source)| referred(key, source, format!("checkout (spec.checkoutFrom.{key})"))));
    Ok(settings)
}

fn referred(key: &str, source: &SecretSource, from: String) -> Setting {
    let SecretKeyRef { name, key: of } = &source.secret_key_ref;
    Setting { key: key.to_owned(), value: format!("(from Secret {name} key {of})").into(), from }
}

/// What is no field of the schema may be a password that was misspelt.
fn shown(schema: &Schema, values: &Map<String, Value>, from: impl Fn(&str) -> String) -> Vec<Setting> {
    let value = |key: &str, value: &Value| match schema.field(key) {
        Some(field) if field.is_password() => json!("(a password, not shown)"),
        Some(_) => value.clone(),
        None => json!("(no field of that name, not shown)"),
    };
    values.iter().map(|(key, found)| Setting { key: key.clone(), value: value(key, found), from: from(key) }).collect()
}

fn show(services: &[(String, Vec<Setting>)], format: Option<Format>, output: &Output) -> Result<(), Failure> {
    let settings = |settings: &[Setting]| -> Vec<Value> {
        settings.iter().map(|it| json!({"key": it.key, "value": it.value, "from": it.from})).collect()
    };
    let all = || services.iter().map(|(name, found)| json!({"service": name, "settings": settings(found)}));
    match format {
        Some(Format::Json) => return output.json(&all().collect()),
        Some(Format::Yaml) => return output.yaml(&all().collect()),
        None => {}
    }
    for (index, (name, found)) in services.iter().enumerate() {
        if index > 0 {
            output.line("")?;
        }
        output.line(&format!("HostingService {name}"))?;
        output.rows(&["KEY", "VALUE", "FROM"], found.iter().map(row).collect())?;
    }
    Ok(())
}

fn row(setting: &Setting) -> Vec<Span> {
    let value = setting.value.as_str().map_or_else(|| setting.value.to_string(), ToOwned::to_owned);
    [setting.key.clone(), value, setting.from.clone()].map(|text| (Tone::Plain, text)).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::sample::Sample;

    #[test]
    fn everything_says_where_it_is_from_and_no_password_is_shown() {
        let (mut package, mut instance, mut service) =
            (Package::default(), ProviderInstance::default(), HostingService::default());
        package.metadata.name = Some("vps".to_owned());
        package.spec.provisioning = Map::from_iter([("memory".to_owned(), json!(2048))]);
        instance.metadata.name = Some("panel".to_owned());
        instance.spec.config = Map::from_iter([("api_key".to_owned(), json!("hunter2"))]);
        let from = json!({"api_key": {"secretKeyRef": {"name": "panel-eu-api", "key": "token"}}});
        instance.spec.config_from = serde_json::from_value(from).unwrap();
        service.spec.checkout = Map::from_iter([("memory".to_owned(), json!(512))]);
        let found = settings(&service, &package, &instance, &Sample::new()).unwrap();
        let rows: Vec<String> = found.iter().map(|it| format!("{} {} {}", it.key, it.value, it.from)).collect();
        let expected = [
            "memory 2048 Package vps: spec.provisioning.memory",
            "swap 0 plugin default",
            "memory 512 checkout (spec.checkout.memory)",
            "swap 0 plugin default",
            "api_key \"(a password, not shown)\" ProviderInstance panel: spec.config.api_key",
            "api_key \"(from Secret panel-eu-api key token)\" ProviderInstance panel: spec.configFrom.api_key",
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn a_field_of_the_package_and_one_that_is_misspelt_show_no_password_either() {
        let (mut package, mut service) = (Package::default(), HostingService::default());
        package.metadata.name = Some("vps".to_owned());
        package.spec.provisioning = Map::from_iter([("memory".to_owned(), json!(2048))]);
        let fields = json!({"pin": {"type": "password", "label": "PIN", "rules": "nullable|string"},
            "motd": {"type": "text", "label": "Greeting", "default": "Hello"}});
        package.spec.checkout = serde_json::from_value(fields).unwrap();
        let told = |service: &HostingService| -> Vec<String> {
            let found = entered(service, &package, &Sample::new()).unwrap();
            found.iter().map(|it| format!("{} {} {}", it.key, it.value, it.from)).collect()
        };
        service.spec.checkout = serde_json::from_value(json!({"pin": "hunter2", "pinn": "hunter3"})).unwrap();
        let expected = [
            "pin \"(a password, not shown)\" checkout (spec.checkout.pin)",
            "pinn \"(no field of that name, not shown)\" checkout (spec.checkout.pinn)",
        ];
        assert_eq!(told(&service), expected);

        service.spec.checkout = serde_json::from_value(json!({"memory": 512})).unwrap();
        let from = json!({"pin": {"secretKeyRef": {"name": "alice", "key": "pin"}}});
        service.spec.checkout_from = serde_json::from_value(from).unwrap();
        let expected = [
            "memory 512 checkout (spec.checkout.memory)",
            "motd \"Hello\" Package vps: spec.checkout.motd.default",
            "swap 0 plugin default",
            "pin \"(from Secret alice key pin)\" checkout (spec.checkoutFrom.pin)",
        ];
        assert_eq!(told(&service), expected);
    }
}
