//! Wires the rooms to the watches, and runs them until told to stop.

mod failures;
mod watches;

use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use hostwright_plugin::Plugin as ProviderPlugin;
use kube::runtime::reflector;
use kube::{Api, Client, ResourceExt as _};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::context::{Caches, Context, Settings, Wakers};
use crate::kube::{Events, Installation, InstallationError, Leadership, ServerTime};
use crate::providers::Providers;
use crate::service::Memory;
use crate::{instance, package, plugin, service};

/// Reconciles of services at once. The provider's own gate is the real limit; this bounds memory and requests to the API.
const SERVICES_AT_ONCE: u16 = 128;
/// Reconciles of any other kind at once.
const OTHERS_AT_ONCE: u16 = 8;
/// How often what is remembered of services that are gone is dropped.
const FORGET_EVERY: Duration = Duration::from_mins(10);
/// How often it is looked whether anything needs the controller.
const LET_GO_EVERY: Duration = Duration::from_secs(5);
/// The pause before the built-in plugins are published again.
const PUBLISH_AGAIN: Duration = Duration::from_secs(5);
/// How long running passes get to finish once the controller is told to stop: a provider call may take a minute.
const FINISH_WITHIN: Duration = Duration::from_secs(75);

/// What a controller runs with.
pub struct Options {
    /// Installation id and namespace.
    pub settings: Settings,
    /// The plugins it has.
    pub plugins: Vec<Arc<dyn ProviderPlugin>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Whether it may change anything.
    pub leadership: Leadership,
    /// What it calls itself in events: the name of its Pod.
    pub process: Option<String>,
}

/// Runs the controller until `shutdown`: no new work then, running passes finish. Dropping it stops it at once, which is
/// safe at any moment.
///
/// # Errors
/// When this installation may not run in this cluster.
pub async fn run(client: Client, options: Options, shutdown: CancellationToken) -> Result<(), InstallationError> {
    let Options { settings, plugins, clock, leadership, process } = options;
    let server_time = ServerTime::default();
    let client = server_time.noting(client);
    let installation = Installation::open(&client, &settings.credentials_namespace, &settings.installation).await?;
    let leadership = leadership.while_acting(installation.acting());
    let (services, services_writer) = reflector::store();
    let (packages, packages_writer) = reflector::store();
    let (instances, instances_writer) = reflector::store();
    let (plugin_objects, plugins_writer) = reflector::store();
    let (namespaces, namespaces_writer) = reflector::store();
    // Stores fill at their own pace. One wakes only the last of several that wait for it, so they are not waited for.
    let (list_services, services_listed) = watch::channel(false);
    let (list_packages, packages_listed) = watch::channel(false);
    let (list_instances, instances_listed) = watch::channel(false);
    let (list_plugins, plugins_listed) = watch::channel(false);
    let (list_namespaces, namespaces_listed) = watch::channel(false);
    let (wake_services, woken_services) = mpsc::unbounded_channel();
    let (wake_instances, woken_instances) = mpsc::unbounded_channel();
    let context = Arc::new(Context {
        events: Events::new(client.clone(), process),
        caches: Caches { services, packages, instances, namespaces, services_listed, instances_listed },
        providers: Providers::new(plugins),
        wakers: Wakers { services: wake_services, instances: wake_instances },
        memory: Memory::default(),
        turns: crate::package::Turns::default(),
        client: client.clone(),
        clock,
        server_time,
        settings,
        leadership,
        installation,
    });
    let caches = &context.caches;

    let mut background = JoinSet::new();
    background.spawn(watches::namespaces(context.clone(), namespaces_writer, list_namespaces));
    background.spawn(watches::secrets(context.clone()));
    background.spawn(context.installation.clone().follow());
    background.spawn(let_go_when_unneeded(context.clone()));
    background.spawn(forget_the_gone(context.clone()));
    background.spawn(publish_plugins(context.clone()));

    let mut controllers = JoinSet::new();
    let all = || Controlled { context: &context, shutdown: &shutdown };
    controllers.spawn(all().run(
        watches::packages(&context, packages_writer, list_packages),
        packages_listed.clone(),
        caches.packages.clone(),
        futures::stream::pending(),
        OTHERS_AT_ONCE,
        package::reconcile,
    ));
    controllers.spawn(all().run(
        watches::objects(Api::all(client.clone()), plugins_writer, list_plugins),
        plugins_listed,
        plugin_objects,
        futures::stream::pending(),
        OTHERS_AT_ONCE,
        plugin::reconcile,
    ));
    controllers.spawn(all().run(
        watches::objects(Api::all(client.clone()), instances_writer, list_instances),
        caches.instances_listed.clone(),
        caches.instances.clone(),
        watches::unbounded(woken_instances),
        OTHERS_AT_ONCE,
        instance::reconcile,
    ));
    let known = async {
        // A service that is judged before its package and instance are known would be called wrong.
        for mut listed in [packages_listed, caches.instances_listed.clone(), namespaces_listed] {
            // Fails only while the process ends.
            let _ = listed.wait_for(|listed| *listed).await;
        }
    };
    if shutdown.run_until_cancelled(known).await.is_some() {
        controllers.spawn(all().run(
            watches::services(&context, services_writer, list_services),
            context.caches.services_listed.clone(),
            caches.services.clone(),
            watches::unbounded(woken_services),
            SERVICES_AT_ONCE,
            service::reconcile,
        ));
    } else {
        // Nobody waits for a list that will not be made.
        drop(list_services);
    }
    shutdown.cancelled().await;
    let finished = async { while controllers.join_next().await.is_some() {} };
    if tokio::time::timeout(FINISH_WITHIN, finished).await.is_err() {
        tracing::warn!("passes were still running and were cut off; the next start observes before it acts");
    }
    Ok(())
}

/// Runs one room.
struct Controlled<'a> {
    context: &'a Arc<Context>,
    shutdown: &'a CancellationToken,
}

impl Controlled<'_> {
    /// Reconciles what the stream and the wakers name, until told to stop.
    fn run<K, E, S, W, F, Fut>(
        self,
        objects: S,
        listed: watch::Receiver<bool>,
        store: reflector::Store<K>,
        woken: W,
        at_once: u16,
        reconcile: F,
    ) -> impl Future<Output = ()> + Send + 'static
    where
        K: failures::Watched,
        E: std::error::Error + Send + Sync + 'static,
        S: futures::Stream<Item = Result<K, kube::runtime::watcher::Error>> + Send + 'static,
        W: futures::Stream<Item = reflector::ObjectRef<K>> + Send + 'static,
        F: Fn(Arc<K>, Arc<Context>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<kube::runtime::controller::Action, E>> + Send + 'static,
    {
        let failures = Arc::new(failures::Failures::default());
        let (guard, judge) = (failures.clone(), failures);
        let shutdown = self.shutdown.clone();
        let passes = kube::runtime::Controller::for_stream(objects, store)
            .with_config(kube::runtime::controller::Config::default().concurrency(at_once))
            .reconcile_on(woken)
            .graceful_shutdown_on(shutdown.clone().cancelled_owned())
            .run(
                move |object, context| failures::guarded(guard.clone(), object.clone(), reconcile(object, context)),
                move |object, error, _| judge.pause(&object, error),
                self.context.clone(),
            )
            .for_each(|_| std::future::ready(()));
        let never_begun = async move {
            shutdown.cancelled().await;
            if *listed.borrow() {
                std::future::pending::<()>().await;
            }
        };
        async move {
            tokio::select! {
                () = passes => {}
                // It would wait for its objects for ever before it stopped.
                () = never_begun => {}
            }
        }
        .boxed()
    }
}

/// Says which plugins this controller has, until the cluster knows it.
async fn publish_plugins(context: Arc<Context>) {
    while let Err(error) = plugin::publish_builtins(&context).await {
        if error.is_lost_race() {
            tracing::debug!(%error, "another writer of the Plugin objects was first");
        } else {
            tracing::warn!(%error, "the Plugin objects could not be written; trying again");
        }
        tokio::time::sleep(PUBLISH_AGAIN).await;
    }
}

/// Lets go of the controller's own objects once nothing needs a controller any more.
async fn let_go_when_unneeded(context: Arc<Context>) {
    loop {
        tokio::time::sleep(LET_GO_EVERY).await;
        if !context.leadership.holds() || !context.installation.is_held() || context.caches.need_a_controller() {
            continue;
        }
        if let Err(error) = context.installation.let_go_if_unneeded().await {
            tracing::warn!(%error, "the controller's own objects could not be let go; trying again");
        }
    }
}

async fn forget_the_gone(context: Arc<Context>) {
    loop {
        tokio::time::sleep(FORGET_EVERY).await;
        let uids = context.caches.services.state().iter().filter_map(|service| service.uid()).collect();
        context.memory.keep_only(&uids);
    }
}
