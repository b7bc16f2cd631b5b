//! What the spec points at: the plugin, and the values of Secrets.

use std::collections::BTreeMap;
use std::sync::Arc;

use hostwright_crds::ProviderInstance;
use hostwright_plugin::{Plugin, Secret};
use k8s_openapi::api::core::v1::Secret as KubeSecret;
use kube::Api;

use super::references::secret_references;
use crate::context::Context;
use crate::kube::{NoValue, WriteError, bounded, value_of};

/// Everything the spec points at.
pub(super) struct Resolved {
    /// The plugin; None when this controller has none of that name.
    pub(super) plugin: Option<Arc<dyn Plugin>>,
    /// Values by setting, or why there is none.
    pub(super) values: BTreeMap<String, Result<Secret, NoValue>>,
    /// The Secrets that exist, by name.
    pub(super) secrets: BTreeMap<String, KubeSecret>,
}

/// Reads what the spec points at. Secrets are read from the API each time and never cached.
pub(super) async fn resolve(instance: &ProviderInstance, ctx: &Context) -> Result<Resolved, WriteError> {
    let api: Api<KubeSecret> = Api::namespaced(ctx.client.clone(), &ctx.settings.credentials_namespace);
    let mut secrets = BTreeMap::new();
    for name in secret_references(instance) {
        if let Some(secret) = bounded(api.get_opt(&name)).await? {
            secrets.insert(name, secret);
        }
    }
    let references = instance.spec.config_from.iter();
    let values =
        references.map(|(setting, source)| (setting.clone(), value_of(&secrets, &source.secret_key_ref))).collect();
    Ok(Resolved { plugin: ctx.providers.plugin(&instance.spec.plugin_ref.name), values, secrets })
}
