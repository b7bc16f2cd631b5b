//! What a provider has, and whose it is: for the commands that take over and that tidy up.

mod whose;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use hostwright_crds::{HostingService, Package, ProviderInstance};
use hostwright_plugin::{Plugin, Present, RemoteUser};
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt as _};

pub(super) use whose::{Known, Whose};

use super::builtins;
use super::cluster::{answer, connect_also_here, found};
use super::failure::Failure;
use super::installed::Installed;
use crate::context::Guarded;
use crate::instance;
use crate::providers::Runtime;

#[derive(Debug, Args)]
pub(super) struct NamedInstance {
    /// The ProviderInstance
    pub(super) instance: String,
    /// Kubeconfig of the cluster; absent: KUBECONFIG, ~/.kube/config, /var/lib/hostwright/kubeconfig, or the Pod's
    /// service account
    #[arg(long, value_name = "FILE", env = "HOSTWRIGHT_KUBECONFIG")]
    kubeconfig: Option<PathBuf>,
    /// Namespace of the controller, where Secrets with credentials are; absent: it is looked for
    #[arg(long, value_name = "NAMESPACE")]
    credentials_namespace: Option<String>,
}

/// A provider that answers, and the cluster that orders from it.
pub(super) struct Panel {
    client: Client,
    pub(super) instance: ProviderInstance,
    pub(super) runtime: Runtime,
    pub(super) plugin: Arc<dyn Plugin>,
    installation: String,
    /// Why what carries our mark may be known to another cluster, where it may.
    pub(super) elsewhere: Option<String>,
}

impl NamedInstance {
    /// Reads the instance with its credentials, and asks the provider who it is.
    pub(super) async fn reach(&self) -> Result<Panel, Failure> {
        let client = connect_also_here(self.kubeconfig.as_deref()).await?;
        let name = &self.instance;
        let api: Api<ProviderInstance> = Api::all(client.clone());
        let Some(instance) = found(api.get_opt(name)).await?.flatten() else {
            return Err(Failure::failed(format!(
                "there is no ProviderInstance {name}; those that exist: kubectl get hinst"
            )));
        };
        let installed = Installed::find(&client, self.credentials_namespace.as_deref()).await?;
        let Some(installation) = installed.id() else {
            return Err(Failure::failed(
                "no controller ever ran on this cluster, so nobody knows which marks are its own; install it first",
            ));
        };
        let (plugins, installation) = (builtins::plugins()?, installation.to_owned());
        let elsewhere = installed.elsewhere(&client).await?;
        let reached = instance::reach(&client, installed.namespace(), &instance, &plugins).await;
        let runtime = reached.map_err(|problem| unreachable(name, &problem))?;
        let Some(plugin) = runtime.plugin.clone() else {
            let plugin = &instance.spec.plugin_ref.name;
            return Err(Failure::failed(format!("ProviderInstance {name}: there is no plugin {plugin}")));
        };
        if !plugin.capabilities().list {
            let plugin = &plugin.manifest().name;
            return Err(Failure::failed(format!("ProviderInstance {name}: plugin {plugin} cannot list what is there")));
        }
        Ok(Panel { client, instance, runtime, plugin, installation, elsewhere })
    }
}

fn unreachable(name: &str, problem: &str) -> Failure {
    let problem = problem.strip_prefix(&format!("{name}: ")).unwrap_or(problem);
    Failure::failed(format!("ProviderInstance {name} cannot be asked: {problem}"))
}

impl Panel {
    pub(super) fn name(&self) -> &str {
        &self.runtime.name
    }

    /// The namespace that is meant where none is named.
    pub(super) fn default_namespace(&self) -> &str {
        self.client.default_namespace()
    }

    /// The instance as it is at this moment.
    pub(super) async fn instance_now(&self) -> Result<ProviderInstance, Failure> {
        let api: Api<ProviderInstance> = Api::all(self.client.clone());
        Ok(answer(api.get(self.name())).await?)
    }

    /// Everything the provider lists, in the order of its ids.
    pub(super) async fn remotes(&self) -> Result<Vec<Present>, Failure> {
        let mut listed =
            instance::remotes(&self.runtime).await.map_err(|problem| unreachable(self.name(), &problem))?;
        listed.sort_by_key(|present| (present.remote.id.parse::<u64>().ok(), present.remote.id.clone()));
        Ok(listed)
    }

    /// All of its users; none where the plugin does not list them.
    pub(super) async fn users(&self) -> Result<Vec<RemoteUser>, Failure> {
        if !self.plugin.capabilities().users {
            return Ok(Vec::new());
        }
        instance::users(&self.runtime).await.map_err(|problem| unreachable(self.name(), &problem))
    }

    /// What the objects of the cluster know, as they are at this moment.
    pub(super) async fn known(&self) -> Result<Known, Failure> {
        let packages = self.packages().await?;
        let instances: BTreeMap<String, String> = packages
            .iter()
            .map(|package| (package.name_any(), package.spec.provider_instance_ref.name.clone()))
            .collect();
        let api: Api<Guarded<HostingService>> = Api::all(self.client.clone());
        let services = answer(api.list(&ListParams::default())).await?.items;
        Ok(Known::of(&services, &instances, self.name(), &self.installation))
    }

    /// All packages that can be read.
    pub(super) async fn packages(&self) -> Result<Vec<Package>, Failure> {
        let api: Api<Guarded<Package>> = Api::all(self.client.clone());
        let all = answer(api.list(&ListParams::default())).await?.items;
        Ok(all.into_iter().filter_map(|package| package.0.ok()).collect())
    }
}
