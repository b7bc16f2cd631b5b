//! What becomes of the services, shown while it happens.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use hostwright_crds::HostingService;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt as _, watcher as watch};
use kube::{Api, Client, ResourceExt as _};
use tokio::time::Instant;

use super::super::failure::Failure;
use super::super::output::{Output, Span, Tone};
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
    started: Instant,
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
        Self { events, services: BTreeMap::new(), listed: false, output, started, width: 0, drawn }
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
        let end = self.started + timeout;
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
        if self.drawn.is_none() && moved {
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
        let elapsed = self.started.elapsed().as_secs_f32();
        line.insert(0, (Tone::Quiet, format!("{elapsed:6.1}s  ")));
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

fn key(service: &HostingService) -> String {
    format!("{}/{}", service.namespace().unwrap_or_default(), service.name_any())
}
