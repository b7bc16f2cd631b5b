//! The world of a test.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hostwright::clock::{Clock, TokioClock};
use hostwright::context::Settings;
use hostwright::kube::Leadership;
use hostwright::manager::{self, Options};
use hostwright_plugin::Plugin;
use hostwright_plugin_pterodactyl::Pterodactyl;
use k8s_openapi::ByteString;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cluster::Lease;
use crate::wire::Line;
use crate::{
    API_KEY, Cluster, INSTALLATION, Manifest, NAMESPACE, PanelSide, Provider, SYSTEM, Scripted, View, Wire, instance,
    log, package, secret,
};

/// How much time a step passes.
const STEP: Duration = Duration::from_secs(1);
/// So long without a request is quiet: longer than the pause before an early attempt.
const QUIET: Duration = Duration::from_secs(12);
/// The longest a condition is waited for: longer than any back-off.
const PATIENCE: Duration = Duration::from_hours(1);

/// An API server, a panel and a controller in one process.
pub struct World {
    /// The API server.
    pub cluster: Arc<Cluster>,
    /// The panel at `panel.test`.
    pub panel: PanelSide,
    /// The simulated provider, in a world that has one in place of the panel.
    pub provider: Option<Arc<Provider>>,
    /// What lies between.
    pub wire: Arc<Wire>,
    clock: SteppedClock,
    controllers: Vec<JoinHandle<()>>,
    /// Dropped after this world has looked at its cluster a last time.
    _lease: Lease,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// A panel known as `panel-eu` and two packages of it: `small` with 1024 MiB and `large` with 2048.
    pub fn new() -> Self {
        Self::empty().with(secret("panel-api", API_KEY)).with(instance("panel-eu")).with_packages()
    }

    /// The same with a simulated provider in place of the panel.
    pub fn simulated(provider: &Arc<Provider>) -> Self {
        let mut world = Self::empty();
        world.provider = Some(provider.clone());
        let instance = instance("panel-eu").setting(&["spec", "pluginRef", "name"], "scripted");
        world.with(secret("panel-api", API_KEY)).with(instance).with_packages()
    }

    /// A cluster in which nothing can be ordered yet.
    pub fn empty() -> Self {
        log::capture();
        let (panel, wire) = (PanelSide::new(), Arc::new(Wire::default()));
        wire.route("panel.test", panel.panel.router());
        let cluster = Arc::new(Cluster::new());
        let clock = SteppedClock { right: cluster.gateway.clock, seconds_ahead: Arc::default() };
        Self {
            _lease: Lease(cluster.clone()),
            cluster,
            panel,
            provider: None,
            wire,
            // Plugins compare the deadlines they are given with the clock of the machine.
            clock,
            controllers: Vec::new(),
        }
    }

    fn with_packages(self) -> Self {
        self.with(package("small")).with(package("large").with_memory(2048))
    }

    /// With an object.
    #[must_use]
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "a test gives its sentence away")]
    pub fn with(self, manifest: Manifest) -> Self {
        self.cluster.apply(&manifest);
        self
    }

    /// With a change to the panel, the provider or the cluster.
    #[must_use]
    pub fn where_first(self, change: impl FnOnce(&Self)) -> Self {
        change(&self);
        self
    }

    /// With a controller. Twice: with two that know nothing of each other.
    #[must_use]
    pub fn running(mut self) -> Self {
        self.start_controller();
        self
    }

    /// Starts another controller.
    pub fn start_controller(&mut self) {
        let (cluster, wire, clock, provider) =
            (self.cluster.clone(), self.wire.clone(), self.clock.clone(), self.provider.clone());
        self.controllers.push(tokio::spawn(async move {
            loop {
                let line = wire.line();
                let controller =
                    AbortOnDrop(tokio::spawn(controller(&line, &cluster, clock.clone(), provider.as_ref())));
                // A dead one loses all its memory, and another one takes over.
                line.died.notified().await;
                drop(controller);
            }
        }));
    }

    /// The right time in so many seconds, as objects carry it; ago where that is negative.
    pub fn in_seconds(&self, seconds: i64) -> String {
        let span = k8s_openapi::jiff::SignedDuration::from_secs(seconds);
        self.clock.right.now().saturating_add(span).unwrap().to_string()
    }

    /// The clock of the controllers' machine from now on goes wrong by so many seconds; that of the API server stays right.
    pub fn sets_the_clock_wrong(&self, seconds_ahead: i64) {
        self.clock.seconds_ahead.store(seconds_ahead, Ordering::SeqCst);
    }

    /// Ends all controllers at once, as a power cut would.
    pub async fn stops(&mut self) {
        for controller in self.controllers.drain(..) {
            controller.abort();
            // An aborted task ends with an error by design.
            let _ = controller.await;
        }
    }

    /// Ends all controllers and starts one that remembers nothing.
    pub async fn restarts(&mut self) {
        self.stops().await;
        self.start_controller();
    }

    /// Applies an object.
    #[track_caller]
    pub fn apply(&self, manifest: &Manifest) {
        self.cluster.apply(manifest);
    }

    /// Merges into the spec of a service.
    #[track_caller]
    pub fn edit(&self, service: &str, spec: &Value) {
        self.cluster.patch("HostingService", service, &json!({"spec": spec}));
    }

    /// Annotates a service.
    #[track_caller]
    pub fn annotate(&self, service: &str, key: &str, value: impl Into<Value>) {
        let value: Value = value.into();
        self.cluster.patch("HostingService", service, &json!({"metadata": {"annotations": {key: value}}}));
    }

    /// Deletes a service.
    #[track_caller]
    pub fn delete(&self, service: &str) {
        self.cluster.delete("HostingService", service);
    }

    /// A service as it is now.
    #[track_caller]
    pub fn service(&self, name: &str) -> View {
        self.object("HostingService", name)
    }

    /// A `ProviderInstance` as it is now.
    #[track_caller]
    pub fn instance(&self, name: &str) -> View {
        self.object("ProviderInstance", name)
    }

    /// Any object as it is now.
    #[track_caller]
    pub fn object(&self, kind: &str, name: &str) -> View {
        let object = self.cluster.get(kind, name).unwrap_or_else(|| panic!("there is no {kind} {name}"));
        View { name: format!("{kind} {name}"), object }
    }

    /// The credentials of a service, from the Secret that its status names.
    pub fn credentials(&self, service: &str) -> BTreeMap<String, String> {
        let name = self.service(service).text("/status/credentials/secretName").to_owned();
        self.secret_values(&name)
    }

    /// The values of a Secret beside the services; none where there is no such Secret.
    pub fn secret_values(&self, name: &str) -> BTreeMap<String, String> {
        let secret = self.cluster.get("Secret", &format!("{NAMESPACE}/{name}")).unwrap_or_default();
        let data: BTreeMap<String, ByteString> = serde_json::from_value(secret["data"].clone()).unwrap_or_default();
        data.into_iter().map(|(key, value)| (key, String::from_utf8(value.0).unwrap())).collect()
    }

    /// Whether a service exists.
    pub fn has(&self, service: &str) -> bool {
        self.cluster.get("HostingService", service).is_some()
    }

    /// Reasons and messages of the events about a service, oldest first.
    pub fn events(&self, service: &str) -> Vec<(String, String)> {
        let about = |event: &Value| event["regarding"]["name"] == service;
        let told = |event: Value| (text(&event["reason"]), text(&event["note"]));
        self.cluster.list("Event").into_iter().filter(about).map(told).collect()
    }

    /// Lets time pass.
    #[track_caller]
    pub fn passes(&self, time: Duration) -> impl Future<Output = ()> + '_ {
        let end = Instant::now() + time;
        self.until_time("time passes", move |_| Instant::now() >= end, time + STEP)
    }

    /// Waits until every service is as it should be or waits for a person, and nobody asks for anything any more.
    #[track_caller]
    pub fn settles(&self) -> impl Future<Output = ()> + '_ {
        self.until("everything settles", World::is_settled)
    }

    /// Waits until Ready of a service has this reason.
    #[track_caller]
    pub fn shows<'a>(&'a self, service: &'a str, reason: &'a str) -> impl Future<Output = ()> + 'a {
        let shows = move |world: &World| {
            let view = world.service(service);
            view.is_observed() && view.reason() == reason
        };
        self.until(reason, shows)
    }

    /// Waits until a service is gone.
    #[track_caller]
    pub fn loses<'a>(&'a self, service: &'a str) -> impl Future<Output = ()> + 'a {
        self.until("the service is gone", move |world| !world.has(service))
    }

    /// Waits until something is so.
    #[track_caller]
    pub fn until<'a>(&'a self, what: &'a str, holds: impl Fn(&World) -> bool + 'a) -> impl Future<Output = ()> + 'a {
        self.until_time(what, holds, PATIENCE)
    }

    #[track_caller]
    fn until_time<'a>(
        &'a self,
        what: &'a str,
        holds: impl Fn(&World) -> bool + 'a,
        patience: Duration,
    ) -> impl Future<Output = ()> + 'a {
        let asked_at = std::panic::Location::caller();
        async move {
            let start = Instant::now();
            while !holds(self) {
                assert!(start.elapsed() <= patience, "{asked_at}: waited in vain until {what}\n{}", self.described());
                tokio::time::sleep(STEP).await;
                self.never_two_of_one();
            }
        }
    }

    fn is_settled(&self) -> bool {
        let asked = self.wire.last_request();
        let quiet =
            asked.is_some() && asked.max(self.cluster.last_change()).is_some_and(|last| last.elapsed() >= QUIET);
        quiet && self.views("HostingService").iter().all(View::is_at_rest)
    }

    fn views(&self, kind: &str) -> Vec<View> {
        let view = |object: Value| View { name: format!("{kind} {}", text(&object["metadata"]["name"])), object };
        self.cluster.list(kind).into_iter().map(view).collect()
    }

    /// The promise above all others.
    #[track_caller]
    fn never_two_of_one(&self) {
        self.panel.never_had_two_of_one();
        if let Some(provider) = &self.provider {
            provider.never_had_two_of_one();
        }
    }

    /// For whoever reads a failure.
    fn described(&self) -> String {
        let objects = self.views("ProviderInstance").into_iter().chain(self.views("HostingService"));
        let objects =
            objects.take(12).map(|view| format!("{}: {:#}", view.name, view.at("/status"))).collect::<Vec<_>>();
        let requests = self.wire.log();
        let requests = requests[requests.len().saturating_sub(40)..].join("\n");
        format!("{}\nlast requests:\n{requests}\nlog:\n{}", objects.join("\n"), log::last())
    }

    /// No object but the Secret itself, and no log line, shows the planted secret.
    fn nothing_leaked(&self) {
        assert_eq!(log::leaked(), None, "a log line shows a secret");
        for kind in ["HostingService", "Package", "ProviderInstance", "Plugin", "Event", "ConfigMap"] {
            for object in self.cluster.list(kind) {
                let text = object.to_string();
                let shows = |secret: &str| text.contains(secret);
                assert!(
                    !shows(API_KEY) && !log::planted().iter().any(|planted| shows(planted)),
                    "a {kind}: {object:#}"
                );
            }
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for controller in &self.controllers {
            controller.abort();
        }
        if !std::thread::panicking() {
            self.never_two_of_one();
            self.nothing_leaked();
            assert_eq!(self.cluster.gateway.server.forbidden(), Vec::<String>::new(), "the chart grants too little");
        }
    }
}

/// The clock of the machine that controllers run on.
#[derive(Clone)]
struct SteppedClock {
    right: TokioClock,
    seconds_ahead: Arc<AtomicI64>,
}

impl Clock for SteppedClock {
    fn now(&self) -> Timestamp {
        let wrong = k8s_openapi::jiff::SignedDuration::from_secs(self.seconds_ahead.load(Ordering::SeqCst));
        self.right.now().saturating_add(wrong).unwrap()
    }
}

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn controller(
    line: &Arc<Line>,
    cluster: &Cluster,
    clock: SteppedClock,
    provider: Option<&Arc<Provider>>,
) -> impl Future<Output = ()> + Send + use<> {
    let mut plugins: Vec<Arc<dyn Plugin>> = vec![Arc::new(Pterodactyl::with_transport(line.clone()).unwrap())];
    plugins.extend(provider.map(|provider| Arc::new(Scripted::of(provider, line)) as Arc<dyn Plugin>));
    let options = Options {
        settings: Settings { installation: INSTALLATION.to_owned(), credentials_namespace: SYSTEM.to_owned() },
        plugins,
        clock: Arc::new(clock),
        leadership: Leadership::always(),
        process: Some("controller-0".to_owned()),
    };
    let client = line.client(&cluster.gateway);
    async move {
        manager::run(client, options, CancellationToken::new()).await.unwrap();
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
