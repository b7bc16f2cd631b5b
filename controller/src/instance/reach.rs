//! An instance as a command reaches it: with its own eyes, beside the controller. Nothing is changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt as _;
use hostwright_crds::ProviderInstance;
use hostwright_plugin::{Class, Error as CallError, Instance, Plugin, Present, Redactor, RemoteUser};
use k8s_openapi::api::core::v1::Secret as KubeSecret;
use kube::{Api, Client, ResourceExt as _};

use super::inventory;
use super::limits;
use super::pages::{self, Failed};
use super::references::secret_references;
use super::validate::validate;
use crate::clock::SystemClock;
use crate::kube::{bounded, value_of};
use crate::providers::{CallKind, Gate, Inventory, Runtime, Standing};

/// Reads the settings with the credentials, whose Secrets are in this namespace, and asks the provider who it is.
///
/// # Errors
/// What is wrong, in words: a Secret that cannot be read, a setting, what the provider answered.
pub async fn reach(
    client: &Client,
    namespace: &str,
    instance: &ProviderInstance,
    plugins: &[Arc<dyn Plugin>],
) -> Result<Runtime, String> {
    let name = instance.name_any();
    let api: Api<KubeSecret> = Api::namespaced(client.clone(), namespace);
    let mut secrets = BTreeMap::new();
    for secret in secret_references(instance) {
        let read = bounded(api.get_opt(&secret)).await;
        let read = read.map_err(|problem| format!("Secret {namespace}/{secret} cannot be read: {problem}"))?;
        secrets.extend(read.map(|found| (secret, found)));
    }
    let values = instance.spec.config_from.iter();
    let values =
        values.map(|(setting, source)| (setting.clone(), value_of(&secrets, &source.secret_key_ref))).collect();
    let known: Vec<&str> = plugins.iter().map(|plugin| plugin.manifest().provider.as_str()).collect();
    let plugin = plugins.iter().find(|plugin| plugin.manifest().provider == instance.spec.plugin_ref.name);
    let plugin_ref = plugin.map(AsRef::as_ref);
    let settings =
        validate(&name, &instance.spec, plugin_ref, &known, &values, namespace).map_err(|hold| hold.message)?;
    let mut runtime = unreached(instance, plugins);
    if let Some(plugin) = plugin {
        let connection = plugin.test_connection(&settings.instance).await;
        let connection = connection.map_err(|error| settings.redactor.redact(&error.message))?;
        runtime.identity = connection.identity;
    }
    runtime.settings = Some(settings.instance);
    Ok(runtime)
}

/// Everything that the provider lists, marked or not, each once.
///
/// # Errors
/// What the provider answered, without secrets.
pub async fn remotes(runtime: &Runtime) -> Result<Vec<Present>, String> {
    let (plugin, instance) = asked(runtime)?;
    let listed = inventory::remotes(&runtime.gate, plugin, instance).await;
    let listed = listed.map_err(|failed| told(&failed, instance))?;
    // Pages shift while others come and go: the last look at one counts.
    let by_id: BTreeMap<String, Present> =
        listed.into_iter().map(|present| (present.remote.id.clone(), present)).collect();
    Ok(by_id.into_values().collect())
}

/// Every user to whom remotes belong or belonged, each once.
///
/// # Errors
/// As [`remotes`].
pub async fn users(runtime: &Runtime) -> Result<Vec<RemoteUser>, String> {
    let (plugin, instance) = asked(runtime)?;
    let page = |cursor: Option<String>| {
        async move {
            let page = plugin.list_users(instance, cursor.as_deref()).await?;
            Ok((page.items, page.next))
        }
        .boxed()
    };
    let listed = pages::all(&runtime.gate, page).await.map_err(|failed| told(&failed, instance))?;
    let by_id: BTreeMap<String, RemoteUser> = listed.into_iter().map(|user| (user.id.clone(), user)).collect();
    Ok(by_id.into_values().collect())
}

/// Asks the provider one thing, no harder than it may be asked. `about` is whom it concerns, for the breaker.
///
/// # Errors
/// What it answered, without secrets.
pub async fn ask<T>(
    runtime: &Runtime,
    kind: CallKind,
    about: &str,
    question: impl Future<Output = Result<T, CallError>> + Send,
) -> Result<T, CallError> {
    let held = |_| CallError::new(Class::Unavailable, "held", "the provider asks to be left alone for a while");
    let permit = runtime.gate.admit(kind).await.map_err(held)?;
    let answer = runtime.gate.call(permit, about, question).await;
    answer.map_err(|error| match &runtime.settings {
        Some(instance) => redacted(error, &redactor(instance)),
        None => error,
    })
}

fn redactor(instance: &Instance) -> Redactor {
    Redactor::new(instance.secrets.values())
}

/// An error without secrets.
pub fn redacted(error: CallError, redactor: &Redactor) -> CallError {
    CallError { message: redactor.redact(&error.message), code: redactor.redact(&error.code), ..error }
}

fn asked(runtime: &Runtime) -> Result<(&dyn Plugin, &Instance), String> {
    let plugin =
        runtime.plugin.as_deref().ok_or_else(|| format!("there is no plugin {}", runtime.spec.plugin_ref.name))?;
    let instance =
        runtime.settings.as_ref().ok_or_else(|| format!("ProviderInstance {} has no valid settings", runtime.name))?;
    Ok((plugin, instance))
}

fn told(failed: &Failed, instance: &Instance) -> String {
    match failed {
        Failed::Held(_) => "the provider asks to be left alone for a while".to_owned(),
        Failed::Page(error) => redactor(instance).redact(&error.message),
    }
}

/// An instance that nobody can be asked about.
pub fn unreached(instance: &ProviderInstance, plugins: &[Arc<dyn Plugin>]) -> Runtime {
    let plugin = plugins.iter().find(|plugin| plugin.manifest().provider == instance.spec.plugin_ref.name).cloned();
    let limits = limits::of(&instance.spec.limits, plugin.as_ref().map(|plugin| plugin.capabilities()));
    let status = instance.status.clone().unwrap_or_default();
    Runtime {
        name: instance.name_any(),
        uid: instance.uid().unwrap_or_default(),
        spec: instance.spec.clone(),
        plugin,
        settings: None,
        standing: Standing::Ready,
        identity: status.remote_identity.unwrap_or_default(),
        former_identities: status.former_identities,
        absence: None,
        endings: None,
        verified_at: None,
        settings_changed_at: None,
        gate: Arc::new(Gate::new(Arc::new(SystemClock), limits)),
        inventory: Arc::new(Inventory::default()),
    }
}
