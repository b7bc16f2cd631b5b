//! Faults that tests order, and the record of what was asked.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use regex::Regex;
use tokio::sync::watch;

/// One request as the server understood it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// The verb in RBAC's words: `get list watch create update patch delete deletecollection`.
    pub verb: String,
    /// Plural name, with the group where there is one: `secrets`, `leases.coordination.k8s.io`.
    pub resource: String,
    /// `status` or `scale`, empty for the object itself.
    pub subresource: String,
    /// Empty for cluster-scoped objects and for lists over all namespaces.
    pub namespace: String,
    /// Empty for lists and creates.
    pub name: String,
    /// The HTTP status of the answer; 0 while a fault keeps the answer from the client.
    pub status: u16,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// Whether the request asked for a dry run.
    pub dry_run: bool,
}

impl Request {
    /// Whether the request could change something.
    pub fn is_write(&self) -> bool {
        !self.dry_run && !matches!(self.verb.as_str(), "get" | "list" | "watch")
    }
}

/// What goes wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Waits before anything happens.
    Latency(Duration),
    /// Answers 409 without an effect.
    Conflict,
    /// Answers 429 with `Retry-After` in whole seconds, without an effect.
    TooManyRequests(Duration),
    /// Answers 500 without an effect.
    ErrorBefore,
    /// Breaks the connection without an effect.
    DisconnectBefore,
    /// Answers 500 although the effect took place.
    ErrorAfter,
    /// Breaks the connection although the effect took place.
    DisconnectAfter,
}

/// Which requests a fault is for; what is not set matches everything.
#[derive(Debug, Clone, Default)]
pub struct Matcher {
    verb: Option<String>,
    resource: Option<String>,
    subresource: Option<String>,
    name: Option<Regex>,
}

impl Matcher {
    /// Every request.
    pub fn any() -> Self {
        Self::default()
    }

    /// Requests with this verb, see [`Request::verb`].
    #[must_use]
    pub fn verb(mut self, verb: &str) -> Self {
        self.verb = Some(verb.to_owned());
        self
    }

    /// Requests about this resource, see [`Request::resource`].
    #[must_use]
    pub fn resource(mut self, resource: &str) -> Self {
        self.resource = Some(resource.to_owned());
        self
    }

    /// Requests about this subresource; the empty one is the object itself.
    #[must_use]
    pub fn subresource(mut self, subresource: &str) -> Self {
        self.subresource = Some(subresource.to_owned());
        self
    }

    /// Requests whose name the pattern finds.
    #[must_use]
    pub fn name(mut self, pattern: Regex) -> Self {
        self.name = Some(pattern);
        self
    }

    /// Whether this matcher is for the request.
    pub fn matches(&self, request: &Request) -> bool {
        let is = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        is(&self.verb, &request.verb)
            && is(&self.resource, &request.resource)
            && is(&self.subresource, &request.subresource)
            && self.name.as_ref().is_none_or(|pattern| pattern.is_match(&request.name))
    }
}

type Interceptor = Box<dyn Fn(&Request) -> Vec<Fault> + Send + Sync>;

struct Order {
    matcher: Matcher,
    fault: Fault,
    /// How many more requests it is for; none means all.
    left: Option<usize>,
}

#[derive(Default)]
struct Inner {
    orders: Vec<Order>,
    interceptor: Option<Interceptor>,
    log: VecDeque<Request>,
    frozen: Vec<(Matcher, u64)>,
}

/// The faults of one server.
pub struct Faults {
    inner: Mutex<Inner>,
    /// How many requests are remembered.
    remembered: usize,
    /// Counts up when all watches are to end.
    dropped: watch::Sender<u64>,
    /// Counts up when frozen reads are released.
    released: watch::Sender<u64>,
}

impl std::fmt::Debug for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Faults").finish_non_exhaustive()
    }
}

impl Faults {
    pub(crate) fn remembering(remembered: usize) -> Self {
        let (dropped, released) = (watch::Sender::new(0), watch::Sender::new(0));
        Self { inner: Mutex::default(), remembered, dropped, released }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fault for the next matching request.
    pub fn once(&self, matcher: Matcher, fault: Fault) {
        self.times(1, matcher, fault);
    }

    /// The fault for the next `count` matching requests.
    pub fn times(&self, count: usize, matcher: Matcher, fault: Fault) {
        self.lock().orders.push(Order { matcher, fault, left: Some(count) });
    }

    /// The fault for every matching request until [`Self::clear`].
    pub fn always(&self, matcher: Matcher, fault: Fault) {
        self.lock().orders.push(Order { matcher, fault, left: None });
    }

    /// Asks the closure about every request; what it returns comes on top of the faults ordered otherwise.
    pub fn intercept(&self, interceptor: impl Fn(&Request) -> Vec<Fault> + Send + Sync + 'static) {
        self.lock().interceptor = Some(Box::new(interceptor));
    }

    /// Takes back all faults and releases frozen reads; the record stays.
    pub fn clear(&self) {
        let mut inner = self.lock();
        inner.orders.clear();
        inner.interceptor = None;
        drop(inner);
        self.release_reads();
    }

    /// Ends all watches that are open now, without a word to their clients.
    pub fn drop_watches(&self) {
        self.dropped.send_modify(|count| *count += 1);
    }

    /// Answers matching gets, lists and watches as of `revision`, until [`Self::release_reads`].
    pub(crate) fn freeze(&self, matcher: Matcher, revision: u64) {
        self.lock().frozen.push((matcher, revision));
    }

    /// Lets reads see the present again.
    pub fn release_reads(&self) {
        self.lock().frozen.clear();
        self.released.send_modify(|count| *count += 1);
    }

    /// Every request so far, oldest first; only the last 100,000 are kept.
    pub fn requests(&self) -> Vec<Request> {
        self.lock().log.iter().cloned().collect()
    }

    /// How many of the requests so far match.
    pub fn count(&self, matcher: &Matcher) -> usize {
        self.lock().log.iter().filter(|request| matcher.matches(request)).count()
    }

    /// How many of the requests so far could change something.
    pub fn writes(&self) -> usize {
        self.lock().log.iter().filter(|request| request.is_write()).count()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.lock().log.clear();
    }

    pub(crate) fn record(&self, request: Request) {
        let mut inner = self.lock();
        inner.log.push_back(request);
        if inner.log.len() > self.remembered {
            inner.log.pop_front();
        }
    }

    /// The faults of this request, which are thereby used up.
    pub(crate) fn take(&self, request: &Request) -> Vec<Fault> {
        let mut inner = self.lock();
        let mut faults = Vec::new();
        for order in &mut inner.orders {
            if order.matcher.matches(request) && order.left != Some(0) {
                faults.push(order.fault.clone());
                order.left = order.left.map(|left| left - 1);
            }
        }
        inner.orders.retain(|order| order.left != Some(0));
        if let Some(interceptor) = &inner.interceptor {
            faults.extend(interceptor(request));
        }
        faults
    }

    pub(crate) fn frozen_at(&self, request: &Request) -> Option<u64> {
        self.lock().frozen.iter().find(|(matcher, _)| matcher.matches(request)).map(|(_, revision)| *revision)
    }

    pub(crate) fn dropped(&self) -> watch::Receiver<u64> {
        self.dropped.subscribe()
    }

    pub(crate) fn released(&self) -> watch::Receiver<u64> {
        self.released.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_requests_are_forgotten_first() {
        let request = |name: &str| Request { name: name.to_owned(), ..Request::default() };
        for (remembered, expected) in [(2, vec!["b", "c"]), (0, vec![])] {
            let faults = Faults::remembering(remembered);
            for name in ["a", "b", "c"] {
                faults.record(request(name));
            }
            let names: Vec<String> = faults.requests().into_iter().map(|request| request.name).collect();
            assert_eq!(names, expected);
        }
    }
}
