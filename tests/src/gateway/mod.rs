//! The door to the API server: whatever a controller asks of it passes here, is noted, and may be disturbed. It is the same in
//! front of every server.

mod fault;
mod frozen;
mod request;

use std::sync::{Mutex, MutexGuard};

use axum::body::Body;
use hostwright::clock::{Clock as _, TokioClock};
use http::header::DATE;
use http::{HeaderValue, Response};
use k8s_openapi::jiff::Timestamp;
use k8s_openapi::jiff::tz::TimeZone;
use tokio::sync::watch;

use crate::server::{ApiServer, Caller};
pub use fault::KubernetesFault;
pub(crate) use fault::Rule;
use frozen::Frozen;
pub use request::Request;

/// The door.
pub(crate) struct Gateway {
    pub(crate) server: ApiServer,
    /// What the server's clock shows to controllers: it stands still and steps with that of the test, on every server.
    pub(crate) clock: TokioClock,
    state: Mutex<State>,
    frozen: watch::Sender<Option<Frozen>>,
}

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    rules: Vec<Rule>,
}

impl Gateway {
    pub(crate) fn new(server: ApiServer) -> Self {
        let clock = TokioClock::starting_at(Timestamp::now());
        Self { server, clock, state: Mutex::default(), frozen: watch::Sender::new(None) }
    }

    /// Sends a request of a controller.
    pub(crate) async fn pass(&self, mut request: http::Request<Body>) -> Response<Body> {
        let mut note = Request::of(&request);
        let fault = self.take_fault(&note);
        if let Some(answer) = fault.and_then(KubernetesFault::instead) {
            note.status = answer.status().as_u16();
            self.lock().requests.push(note);
            return answer;
        }
        let frozen = self.frozen.borrow().clone();
        if let Some(frozen) = frozen.filter(|frozen| frozen.concerns(&note)) {
            frozen.turn_back(&note, &mut request);
        }
        let answer = self.server.send(Caller::Controller, request).await;
        note.status = answer.status().as_u16();
        let answer =
            if note.verb == "watch" { frozen::held_back(&note, answer, self.frozen.subscribe()) } else { answer };
        self.lock().requests.push(note);
        let mut answer = fault.and_then(KubernetesFault::afterwards).unwrap_or(answer);
        answer.headers_mut().insert(DATE, self.date());
        answer
    }

    fn date(&self) -> HeaderValue {
        let now = self.clock.now().to_zoned(TimeZone::UTC);
        HeaderValue::try_from(now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()).unwrap()
    }

    /// Requests of controllers so far, oldest first.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.lock().requests.clone()
    }

    pub(crate) fn forget_requests(&self) {
        self.lock().requests.clear();
    }

    pub(crate) fn add_rule(&self, rule: Rule) {
        self.lock().rules.push(rule);
    }

    /// From now on lists and watches of this resource end at `revision`.
    pub(crate) fn freeze(&self, resource: &str, revision: u64) {
        self.frozen.send_replace(Some(Frozen { resource: resource.to_owned(), revision }));
    }

    pub(crate) fn thaw(&self) {
        self.frozen.send_replace(None);
    }

    fn take_fault(&self, request: &Request) -> Option<KubernetesFault> {
        let mut state = self.lock();
        let rule = state.rules.iter_mut().find(|rule| rule.left > 0 && rule.concerns(request))?;
        rule.left -= 1;
        Some(rule.fault)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}
