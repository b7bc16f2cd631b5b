//! The installation in a cluster, as its own record tells it.

use hostwright_crds::ProviderInstance;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt as _};

use super::cluster::{answer, found};
use super::failure::Failure;
use crate::kube::installation;

/// The record and where it is.
#[derive(Debug)]
pub(super) struct Installed {
    namespace: String,
    record: Option<ConfigMap>,
}

impl Installed {
    /// Finds it in the namespace of the controller, which may be given.
    pub(super) async fn find(client: &Client, namespace: Option<&str>) -> Result<Self, Failure> {
        if let Some(namespace) = namespace {
            let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
            let record = found(api.get_opt(installation::NAME)).await?.flatten();
            return Ok(Self { namespace: namespace.to_owned(), record });
        }
        let api: Api<ConfigMap> = Api::all(client.clone());
        let named = ListParams::default().fields(&format!("metadata.name={}", installation::NAME));
        let mut records = answer(api.list(&named)).await?.items;
        match (records.pop(), records.is_empty()) {
            (Some(record), true) => {
                Ok(Self { namespace: record.namespace().unwrap_or_default(), record: Some(record) })
            }
            (Some(record), false) => {
                let all: Vec<String> = records.iter().chain([&record]).filter_map(ConfigMap::namespace).collect();
                Err(Failure::usage(format!(
                    "there are {} installations, in the namespaces {}; say which: --credentials-namespace NAMESPACE",
                    all.len(),
                    all.join(", ")
                )))
            }
            (None, _) => Self::without_record(client).await,
        }
    }

    /// No controller ever ran here: there is nothing that would need a namespace, unless an instance refers to a Secret.
    async fn without_record(client: &Client) -> Result<Self, Failure> {
        let api: Api<ProviderInstance> = Api::all(client.clone());
        let instances = answer(api.list(&ListParams::default())).await?.items;
        if instances.iter().any(|instance| !instance.spec.config_from.is_empty()) {
            return Err(Failure::usage(
                "no controller ever ran on this cluster, so nobody knows where its Secrets are; say where: \
                 --credentials-namespace hostwright-system",
            ));
        }
        Ok(Self { namespace: "hostwright-system".to_owned(), record: None })
    }

    /// The namespace of the controller.
    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The record, where a controller ever ran.
    pub(super) fn record(&self) -> Option<&ConfigMap> {
        self.record.as_ref()
    }

    /// The installation id.
    pub(super) fn id(&self) -> Option<&str> {
        self.value(installation::ID)
    }

    /// When another cluster took it over.
    pub(super) fn handed_over(&self) -> Option<&str> {
        self.value(installation::HANDED_OVER)
    }

    /// Why what carries the mark of this installation is not this cluster's to judge, where it is not.
    pub(super) async fn elsewhere(&self, client: &Client) -> Result<Option<String>, Failure> {
        if let Some(since) = self.handed_over() {
            return Ok(Some(format!("this installation was handed over at {since}")));
        }
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let cluster = answer(namespaces.get(installation::CLUSTER_NAMESPACE)).await?.uid();
        let recorded = self.value(installation::CLUSTER);
        let copied = recorded.is_some_and(|recorded| cluster.as_deref() != Some(recorded));
        Ok(copied.then(|| {
            format!("the installation's record in namespace {} was copied from another cluster", self.namespace)
        }))
    }

    fn value(&self, key: &str) -> Option<&str> {
        self.record.as_ref()?.data.as_ref()?.get(key).map(String::as_str)
    }
}
