//! What every reconcile needs.

use std::sync::Arc;

use hostwright_crds::{HostingService, Package, ProviderInstance};
use k8s_openapi::api::core::v1::Namespace;
use kube::core::DeserializeGuard;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Client, ResourceExt as _};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use crate::clock::{Clock, Clocks};
use crate::kube::{Events, Installation, Leadership, ServerTime};
use crate::providers::Providers;

/// An object that may be malformed: one broken object must not break the list it stands in.
pub type Guarded<K> = DeserializeGuard<K>;

/// What stays the same while the process runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The installation id: the first label of every external id and owner key.
    pub installation: String,
    /// The controller's own namespace: credentials, the installation record, the lease.
    pub credentials_namespace: String,
}

/// Objects as the watches showed them last.
pub struct Caches {
    /// All services.
    pub services: Store<Guarded<HostingService>>,
    /// All packages.
    pub packages: Store<Guarded<Package>>,
    /// All instances.
    pub instances: Store<Guarded<ProviderInstance>>,
    /// All namespaces, for their labels.
    pub namespaces: Store<Namespace>,
    /// Whether all services were listed. A store wakes only the last of several that wait for it, and its own controller
    /// waits for it already.
    pub services_listed: watch::Receiver<bool>,
    /// Whether all instances were listed.
    pub instances_listed: watch::Receiver<bool>,
}

impl Caches {
    /// Whether anything has a finalizer of ours, as far as is known.
    pub fn need_a_controller(&self) -> bool {
        let ours = |finalizers: &[String]| finalizers.iter().any(|finalizer| finalizer == hostwright_crds::FINALIZER);
        !*self.services_listed.borrow()
            || self.instances.state().iter().any(|instance| ours(instance.finalizers()))
            || self.services.state().iter().any(|service| ours(service.finalizers()))
    }
}

/// Wakes reconciles that no watch event would.
#[derive(Clone)]
pub struct Wakers {
    /// Of services.
    pub services: UnboundedSender<ObjectRef<Guarded<HostingService>>>,
    /// Of instances.
    pub instances: UnboundedSender<ObjectRef<Guarded<ProviderInstance>>>,
}

/// What every reconcile needs.
pub struct Context {
    /// The Kubernetes API.
    pub client: Client,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The time as the API server tells it.
    pub server_time: ServerTime,
    /// What stays the same.
    pub settings: Settings,
    /// Plugins and instances.
    pub providers: Providers,
    /// Watched objects.
    pub caches: Caches,
    /// Where events are written.
    pub events: Events,
    /// Whether this process may change anything.
    pub leadership: Leadership,
    /// Wakes reconciles.
    pub wakers: Wakers,
    /// What the cluster's own record says of this installation.
    pub installation: Installation,
    /// What this process remembers of each service.
    pub memory: crate::service::Memory,
    /// Whose turn it is in the roll-outs of packages.
    pub turns: crate::package::Turns,
}

impl Context {
    /// The time by both clocks: what happens by date asks them.
    pub fn clocks(&self) -> Clocks {
        Clocks::of(self.clock.now(), self.server_time.now())
    }
}
