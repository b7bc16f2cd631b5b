//! What becomes of the services, shown while it happens.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use hostwright_crds::HostingService;
use k8s_openapi::jiff::Zoned;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt as _, watcher as watch};
use kube::{Api, Client, ResourceExt as _};
use tokio::time::Instant;

use super::failure::Failure;
use super::output::{Output, Span, Tone};
use super::view::View;

/// How long services that rest elsewhere than expected are given: a next attempt may be a second ahead.
const PATIENCE: Duration = Duration::from_secs(5);

type Events = Pin<Box<dyn Stream<Item = Result<Event<HostingService>, watcher::Error>> + Send>>;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    /// Every service became what its annotation says.
    AsExpected,
    /// All rest, and some elsewhere.
    Otherwise,
    /// Time is up and some are still moving.
    TimedOut,
}

/// The services, as they were seen last.
pub(super) struct Progress<'a> {
    events: Events,
    services: BTreeMap<String, View>,
    listed: bool,
    output: &'a Output,
    times: Times,
    /// Whether those that were there already are shown.
    show_listed: bool,
    /// The longest name so far: columns stay where they are.
    width: usize,
    /// Lines that are redrawn in place; none where every change gets a line of its own.
    drawn: Option<usize>,
}

impl<'a> Progress<'a> {
    /// Begins to look.
    pub(super) fn of(client: &Client, output: &'a Output, started: Instant) -> Self {
        let events = watch(Api::all(client.clone()), watcher::Config::default()).default_backoff().boxed();
        let drawn = output.is_terminal().then_some(0);
        let (services, times) = (BTreeMap::new(), Times::SinceStart(started));
        Self { events, services, listed: false, output, times, show_listed: true, width: 0, drawn }
    }

    /// Begins to look, for as long as the process runs: each change from now on gets a line, with the time of day.
    pub(super) fn from_now_on(client: &Client, output: &'a Output) -> Self {
        let started = Instant::now();
        Self { times: Times::OfDay, show_listed: false, drawn: None, ..Self::of(client, output, started) }
    }

    pub(super) fn services(&self) -> impl Iterator<Item = &View> {
        self.services.values()
    }

    /// The most characters that a name has.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Shows changes until all services rest, or until time is up.
    pub(super) async fn until_settled(&mut self, timeout: Duration) -> Result<Settled, Failure> {
        let end = self.times.start() + timeout;
        let mut resting_since = None;
        loop {
            let all = |holds: fn(&View) -> bool| self.listed && self.services.values().all(holds);
            if all(View::is_as_expected) {
                return Ok(Settled::AsExpected);
            }
            resting_since = if all(View::is_at_rest) { resting_since.or_else(|| Some(Instant::now())) } else { None };
            let patience = resting_since.map(|since| since + PATIENCE);
            let wake = patience.map_or(end, |patience| patience.min(end));
            tokio::select! {
                changed = self.next_change() => changed?,
                () = tokio::time::sleep_until(wake) => {
                    return Ok(if patience == Some(wake) { Settled::Otherwise } else { Settled::TimedOut });
                }
            }
        }
    }

    /// From now on every change gets a line of its own.
    pub(super) fn stop_redrawing(&mut self) {
        self.drawn = None;
    }

    /// Shows the next change.
    pub(super) async fn next_change(&mut self) -> Result<(), Failure> {
        match self.events.next().await {
            Some(Ok(Event::Init)) => Ok(()),
            Some(Ok(Event::InitDone)) => {
                self.listed = true;
                self.redraw()
            }
            Some(Ok(Event::InitApply(service) | Event::Apply(service))) => self.update(&service),
            Some(Ok(Event::Delete(service))) => self.remove(&service),
            // The watch begins again by itself.
            Some(Err(error)) => {
                tracing::warn!(%error, "the watch of services was interrupted");
                Ok(())
            }
            None => std::future::pending().await,
        }
    }

    fn update(&mut self, service: &HostingService) -> Result<(), Failure> {
        let view = View::of(service);
        self.width = self.width.max(view.name.chars().count());
        let before = self.services.insert(key(service), view.clone());
        let moved = before.is_none_or(|before| before.stage() != view.stage());
        if self.drawn.is_none() && moved && (self.listed || self.show_listed) {
            return self.say(view.line(self.width));
        }
        self.redraw()
    }

    fn remove(&mut self, service: &HostingService) -> Result<(), Failure> {
        let name = service.name_any();
        self.services.remove(&key(service));
        let width = self.width;
        self.say(vec![(Tone::Plain, format!("{name:width$}  ")), (Tone::Quiet, "deleted".to_owned())])
    }

    fn say(&self, mut line: Vec<Span>) -> Result<(), Failure> {
        line.insert(0, (Tone::Quiet, self.times.now()));
        self.output.spans(&line)
    }

    fn redraw(&mut self) -> Result<(), Failure> {
        let Some(drawn) = self.drawn else { return Ok(()) };
        let width = self.width;
        let lines: Vec<_> = self.services.values().map(|view| view.line(width)).collect();
        self.output.redraw(drawn, &lines)?;
        self.drawn = Some(lines.len());
        Ok(())
    }
}

/// What stands before each line.
#[derive(Debug, Clone, Copy)]
enum Times {
    SinceStart(Instant),
    OfDay,
}

impl Times {
    fn now(self) -> String {
        match self {
            Self::SinceStart(start) => format!("{:6.1}s  ", start.elapsed().as_secs_f32()),
            Self::OfDay => time_of_day(),
        }
    }

    fn start(self) -> Instant {
        match self {
            Self::SinceStart(start) => start,
            Self::OfDay => Instant::now(),
        }
    }
}

/// The time where this machine is, as what stands before a line.
pub(super) fn time_of_day() -> String {
    format!("{}  ", Zoned::now().strftime("%H:%M:%S"))
}

fn key(service: &HostingService) -> String {
    format!("{}/{}", service.namespace().unwrap_or_default(), service.name_any())
}

#[cfg(test)]
mod tests {
    use hostwright_apiserver::{Config, Server};
    use hostwright_crds::{manifests, reason};
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    use kube::api::{Patch, PatchParams, PostParams};
    use serde_json::json;

    use super::*;

    /// A cluster without a controller, with one service that expects to be ready.
    async fn cluster(reason: Option<&str>) -> Client {
        let client = Client::new(Server::new(Config::default()).router(), "default");
        let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
        for definition in manifests::all() {
            definitions.create(&PostParams::default(), &definition).await.unwrap();
        }
        let services: Api<HostingService> = Api::namespaced(client.clone(), "default");
        let service = json!({
            "apiVersion": "hostwright.dev/v1alpha1", "kind": "HostingService",
            "metadata": {"name": "alice", "annotations": {"hostwright.dev/expect": "True/UpToDate"}},
            "spec": {
                "packageRef": {"name": "small"}, "desiredStatus": "Active",
                "owner": {"id": "cust-1", "email": "alice@example.com", "name": "Alice"},
            },
        });
        services.create(&PostParams::default(), &serde_json::from_value(service).unwrap()).await.unwrap();
        if let Some(reason) = reason {
            let condition = json!({
                "type": "Ready", "status": "True", "reason": reason, "message": "in words",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            });
            let status = json!({"status": {"observedGeneration": 1, "conditions": [condition]}});
            services.patch_status("alice", &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
        }
        client
    }

    async fn settled(reason: Option<&str>) -> (Settled, Duration) {
        let client = cluster(reason).await;
        let (output, started) = (Output::detect(), Instant::now());
        let mut progress = Progress::of(&client, &output, started);
        let settled = progress.until_settled(Duration::from_mins(1)).await.unwrap();
        (settled, started.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn services_that_became_what_they_expect_end_the_wait_at_once() {
        let (settled, waited) = settled(Some(reason::UP_TO_DATE)).await;
        assert_eq!(settled, Settled::AsExpected);
        assert!(waited < PATIENCE, "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn services_that_rest_elsewhere_are_given_a_moment() {
        let (settled, waited) = settled(Some(reason::SUSPENDED)).await;
        assert_eq!(settled, Settled::Otherwise);
        assert!(waited >= PATIENCE && waited < Duration::from_mins(1), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn services_that_never_come_to_rest_end_the_wait_when_time_is_up() {
        let (settled, waited) = settled(None).await;
        assert_eq!(settled, Settled::TimedOut);
        assert!(waited >= Duration::from_mins(1), "{waited:?}");
    }
}
