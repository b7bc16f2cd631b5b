//! What the spec points at: the plugin, and the values of Secrets.

use std::collections::BTreeMap;
use std::sync::Arc;

use hostwright_crds::{ProviderInstance, SecretKeyRef};
use hostwright_plugin::{Plugin, Secret};
use k8s_openapi::api::core::v1::Secret as KubeSecret;
use kube::Api;

use super::references::secret_references;
use crate::context::Context;
use crate::kube::{WriteError, bounded};

/// Everything the spec points at.
pub(super) struct Resolved {
    /// The plugin; None when this controller has none of that name.
    pub(super) plugin: Option<Arc<dyn Plugin>>,
    /// Values by setting, or why there is none.
    pub(super) values: BTreeMap<String, Result<Secret, NoValue>>,
    /// The Secrets that exist, by name.
    pub(super) secrets: BTreeMap<String, KubeSecret>,
}

/// Why a reference leads to no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoValue {
    /// No such Secret.
    Secret,
    /// The Secret has no such key.
    Key,
    /// The value is not text.
    Text,
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
        references.map(|(setting, source)| (setting.clone(), value(&secrets, &source.secret_key_ref))).collect();
    Ok(Resolved { plugin: ctx.providers.plugin(&instance.spec.plugin_ref.name), values, secrets })
}

fn value(secrets: &BTreeMap<String, KubeSecret>, reference: &SecretKeyRef) -> Result<Secret, NoValue> {
    let secret = secrets.get(&reference.name).ok_or(NoValue::Secret)?;
    let bytes = secret.data.as_ref().and_then(|data| data.get(&reference.key)).ok_or(NoValue::Key)?;
    let text = std::str::from_utf8(&bytes.0).map_err(|_| NoValue::Text)?;
    // `kubectl create secret --from-file` keeps the line break that editors put at the end of a file.
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::ByteString;

    #[test]
    fn a_reference_leads_to_the_text_of_one_key() {
        let data = BTreeMap::from([
            ("key".to_owned(), ByteString(b"ptla_1\n".to_vec())),
            ("bytes".to_owned(), ByteString(vec![0xff])),
        ]);
        let secrets = BTreeMap::from([("panel-api".to_owned(), KubeSecret { data: Some(data), ..Default::default() })]);
        let value = |name: &str, key: &str| value(&secrets, &SecretKeyRef { name: name.into(), key: key.into() });
        assert_eq!(value("panel-api", "key"), Ok(Secret::new("ptla_1")));
        assert_eq!(value("panel-api", "other"), Err(NoValue::Key));
        assert_eq!(value("panel-api", "bytes"), Err(NoValue::Text));
        assert_eq!(value("other", "key"), Err(NoValue::Secret));
    }
}
