//! The watches: what is kept of each kind, and whom a change wakes.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use futures::{Stream, StreamExt as _, TryStreamExt as _};
use hostwright_crds::{HostingService, Identity, Package, annotation};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::core::PartialObjectMeta;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::reflector::store::Writer;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt as _, watcher as watch};
use kube::{Api, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch::Sender;

use crate::context::{Context, Guarded};
use crate::instance::{secret_references, wake_those_who_wait};

type Watched<K> = Result<K, watcher::Error>;

/// Objects of a kind as they change, kept in a store without their managed fields, which nobody reads.
pub(super) fn objects<K>(api: Api<K>, writer: Writer<K>, listed: Sender<bool>) -> impl Stream<Item = Watched<K>> + Send
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
    K::DynamicType: Eq + Hash + Clone + Default + Send + Sync,
{
    events(api, writer, listed).applied_objects()
}

/// Says in `listed` when the store holds everything there is.
fn events<K>(
    api: Api<K>,
    writer: Writer<K>,
    listed: Sender<bool>,
) -> impl Stream<Item = Result<Event<K>, watcher::Error>> + Send
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
    K::DynamicType: Eq + Hash + Clone + Default + Send + Sync,
{
    watch(api, watcher::Config::default())
        .default_backoff()
        .modify(|object| object.meta_mut().managed_fields = None)
        .reflect(writer)
        .inspect_ok(move |event| {
            if matches!(event, Event::InitDone) {
                listed.send_replace(true);
            }
        })
}

/// Services; one that is gone or ended wakes those that wait for what it had.
pub(super) fn services(
    context: &Arc<Context>,
    writer: Writer<Guarded<HostingService>>,
    listed: Sender<bool>,
) -> impl Stream<Item = Watched<Guarded<HostingService>>> + Send + use<> {
    let context = context.clone();
    events(Api::all(context.client.clone()), writer, listed)
        .inspect_ok(move |event| {
            if let Some(instance) = freed(event) {
                wake_those_who_wait(&context, &instance);
            }
        })
        .applied_objects()
}

/// The instance on which something became free.
fn freed(event: &Event<Guarded<HostingService>>) -> Option<String> {
    let (service, gone) = match event {
        Event::Delete(service) => (service, true),
        Event::Apply(service) => (service, false),
        Event::Init | Event::InitApply(_) | Event::InitDone => return None,
    };
    let identity = Identity::parse(service.annotations().get(annotation::IDENTITY)?).ok()?;
    (gone || identity.ended.is_some()).then_some(identity.instance)
}

/// Packages; a change of the spec wakes the services that ordered one, or have one.
pub(super) fn packages(
    context: &Arc<Context>,
    writer: Writer<Guarded<Package>>,
    listed: Sender<bool>,
) -> impl Stream<Item = Watched<Guarded<Package>>> + Send + use<> {
    let context = context.clone();
    let mut seen = HashMap::new();
    events(Api::all(context.client.clone()), writer, listed)
        .inspect_ok(move |event| match event {
            Event::Apply(package) => {
                let version = (package.uid(), package.meta().generation);
                if seen.insert(package.name_any(), version.clone()) != Some(version) {
                    wake_buyers(&context, &package.name_any());
                }
            }
            Event::Delete(package) => {
                seen.remove(&package.name_any());
                wake_buyers(&context, &package.name_any());
            }
            Event::Init | Event::InitApply(_) | Event::InitDone => {}
        })
        .applied_objects()
}

fn wake_buyers(context: &Context, package: &str) {
    for service in context.caches.services.state() {
        let concerned = service.0.as_ref().is_ok_and(|service| {
            let last = service.status.as_ref().and_then(|status| status.last_applied.as_ref());
            service.spec.package_ref.name == package || last.is_some_and(|last| last.package == package)
        });
        if concerned {
            // Fails only while the process ends.
            let _ = context.wakers.services.send(ObjectRef::from_obj(service.as_ref()));
        }
    }
}

/// Keeps the labels of namespaces; a change wakes the services of that namespace, which may order now, or no longer.
pub(super) async fn namespaces(context: Arc<Context>, writer: Writer<Namespace>, listed: Sender<bool>) {
    events(Api::all(context.client.clone()), writer, listed)
        .for_each(|event| {
            if let Ok(Event::Apply(namespace)) = event {
                wake_inhabitants(&context, &namespace.name_any());
            }
            std::future::ready(())
        })
        .await;
}

fn wake_inhabitants(context: &Context, namespace: &str) {
    for service in context.caches.services.state() {
        let lives_there = service.0.as_ref().is_ok_and(|service| service.namespace().as_deref() == Some(namespace));
        if lives_there {
            // Fails only while the process ends.
            let _ = context.wakers.services.send(ObjectRef::from_obj(service.as_ref()));
        }
    }
}

/// A Secret of the controller's namespace wakes the instances that refer to it. Its content is not kept.
pub(super) async fn secrets(context: Arc<Context>) {
    let api: Api<PartialObjectMeta<Secret>> =
        Api::namespaced(context.client.clone(), &context.settings.credentials_namespace);
    watch(api, watcher::Config::default())
        .default_backoff()
        .try_for_each(|event| {
            if let Event::Apply(secret) | Event::Delete(secret) = event {
                wake_users(&context, &secret.name_any());
            }
            std::future::ready(Ok(()))
        })
        .await
        .unwrap_or_else(|error| tracing::error!(%error, "the watch of Secrets ended"));
}

fn wake_users(context: &Context, secret: &str) {
    for instance in context.caches.instances.state() {
        let refers = instance.0.as_ref().is_ok_and(|instance| secret_references(instance).contains(secret));
        if refers {
            // Fails only while the process ends.
            let _ = context.wakers.instances.send(ObjectRef::from_obj(instance.as_ref()));
        }
    }
}

/// What a channel receives, as a stream.
pub(super) fn unbounded<T: Send + 'static>(receiver: UnboundedReceiver<T>) -> impl Stream<Item = T> + Send + 'static {
    futures::stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|item| (item, receiver)) })
}
