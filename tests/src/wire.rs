//! The wires between the controller and everything outside: every request is numbered, and a controller can die at any.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use hostwright_plugin_pterodactyl::{Transport, TransportError};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use tokio::sync::Notify;
use tokio::time::Instant;
use tower::ServiceExt as _;

use crate::gateway::Gateway;

type Answer = Result<Response<Bytes>, TransportError>;

/// When a controller dies, seen from one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The request is never sent.
    Before,
    /// It is sent, and the other side still works on it.
    During,
    /// It took effect, and the answer never arrives.
    After,
}

/// A death: at the request with this number (from 1), counted over Kubernetes and the panel together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crash {
    /// Which request.
    pub at: usize,
    /// Before it, during it or after it.
    pub moment: Moment,
}

/// What happens to a request to a panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The connection is refused: the panel never sees it.
    Refused,
    /// It takes effect, and the connection breaks before the answer.
    AnswerLost,
    /// It takes effect, and no answer ever comes.
    NoAnswer,
    /// It is delivered this much later, and no answer ever comes.
    DeliveredLate(Duration),
}

/// What happens elsewhere while a request is on its way.
struct Interlude {
    at: usize,
    act: Box<dyn FnOnce() + Send>,
    lasting: Duration,
}

struct Rule {
    host: String,
    method: String,
    path: String,
    trouble: Trouble,
    left: usize,
}

#[derive(Default)]
struct State {
    numbered: usize,
    crashes: Vec<Crash>,
    interlude: Option<Interlude>,
    log: Vec<String>,
    last: Option<Instant>,
    rules: Vec<Rule>,
    panels: Vec<(String, Router)>,
}

/// All wires of a world.
#[derive(Default)]
pub struct Wire {
    state: Mutex<State>,
}

/// One controller's end of the wires. When it dies, nothing it still sends goes out.
pub(crate) struct Line {
    wire: Arc<Wire>,
    alive: AtomicBool,
    pub(crate) died: Notify,
}

impl Wire {
    /// Numbers requests from 1 again, and lets the controller die at these.
    pub fn arm(&self, crashes: &[Crash]) {
        let mut state = self.lock();
        state.numbered = 0;
        state.crashes = crashes.to_vec();
        state.log.clear();
    }

    /// While the request with this number is on its way, somebody does this; it arrives so much later.
    pub fn meanwhile(&self, at: usize, lasting: Duration, act: impl FnOnce() + Send + 'static) {
        self.lock().interlude = Some(Interlude { at, act: Box::new(act), lasting });
    }

    /// Whether that happened.
    pub fn nothing_is_planned(&self) -> bool {
        self.lock().interlude.is_none()
    }

    /// Whether every planned death happened.
    pub fn all_crashed(&self) -> bool {
        self.lock().crashes.is_empty()
    }

    /// The requests since [`Self::arm`] or [`Self::forget`], watches apart: `panel.test POST /api/application/servers`.
    pub fn log(&self) -> Vec<String> {
        self.lock().log.clone()
    }

    /// The requests to panels in the log.
    pub fn panel_requests(&self) -> Vec<String> {
        self.log().into_iter().filter(|line| !line.starts_with("kubernetes ")).collect()
    }

    /// Forgets the log.
    pub fn forget(&self) {
        self.lock().log.clear();
    }

    /// Troubles the next `times` requests to a panel with this method and a path that contains this; an empty text
    /// matches everything.
    pub fn trouble(&self, host: &str, method: &str, path: &str, trouble: Trouble, times: usize) {
        let (host, method, path) = (host.to_owned(), method.to_owned(), path.to_owned());
        self.lock().rules.push(Rule { host, method, path, trouble, left: times });
    }

    /// Ends all trouble.
    pub fn heal(&self) {
        self.lock().rules.clear();
    }

    /// Puts a panel at this host name.
    pub fn route(&self, host: &str, router: Router) {
        let mut state = self.lock();
        state.panels.retain(|(known, _)| known != host);
        state.panels.push((host.to_owned(), router));
    }

    pub(crate) fn last_request(&self) -> Option<Instant> {
        self.lock().last
    }

    pub(crate) fn line(self: &Arc<Self>) -> Arc<Line> {
        Arc::new(Line { wire: self.clone(), alive: AtomicBool::new(true), died: Notify::new() })
    }

    fn number(&self, name: String) -> Option<Moment> {
        let mut state = self.lock();
        state.numbered += 1;
        state.log.push(name);
        state.last = Some(Instant::now());
        let number = state.numbered;
        let index = state.crashes.iter().position(|crash| crash.at == number)?;
        Some(state.crashes.swap_remove(index).moment)
    }

    fn take_interlude(&self) -> Option<Interlude> {
        let mut state = self.lock();
        let numbered = state.numbered;
        state.interlude.take_if(|interlude| interlude.at == numbered)
    }

    fn take_trouble(&self, host: &str, method: &str, path: &str) -> Option<Trouble> {
        let mut state = self.lock();
        let matches = |wanted: &str, found: &str| wanted.is_empty() || wanted == found;
        let rule = state.rules.iter_mut().find(|rule| {
            rule.left > 0 && matches(&rule.host, host) && matches(&rule.method, method) && path.contains(&rule.path)
        })?;
        rule.left -= 1;
        Some(rule.trouble)
    }

    fn panel(&self, host: &str) -> Option<Router> {
        self.lock().panels.iter().find(|(known, _)| known == host).map(|(_, router)| router.clone())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Line {
    /// A client of the Kubernetes API at the end of this line.
    pub(crate) fn client(self: &Arc<Self>, gateway: &Arc<Gateway>) -> kube::Client {
        let (line, gateway) = (self.clone(), gateway.clone());
        let service = tower::service_fn(move |request: Request<kube::client::Body>| {
            let (line, gateway) = (line.clone(), gateway.clone());
            async move { line.kubernetes(gateway, request).await }
        });
        kube::Client::new(service, "default")
    }

    async fn kubernetes(
        &self,
        gateway: Arc<Gateway>,
        request: Request<kube::client::Body>,
    ) -> Result<Response<Body>, std::convert::Infallible> {
        let target = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        let name = (!target.contains("watch=true")).then(|| format!("kubernetes {} {target}", request.method()));
        Ok(self.pass(name, async move { gateway.pass(request.map(Body::new)).await }).await)
    }

    /// Sends a request unless the controller is, or is to be, dead. What was sent goes on whoever waits for it.
    pub(crate) async fn pass<T: Send + 'static>(
        &self,
        name: Option<String>,
        send: impl Future<Output = T> + Send + 'static,
    ) -> T {
        if !self.alive.load(Ordering::SeqCst) {
            return std::future::pending().await;
        }
        let moment = name.and_then(|name| self.wire.number(name));
        if let Some(Interlude { act, lasting, .. }) = self.wire.take_interlude() {
            act();
            tokio::time::sleep(lasting).await;
        }
        match moment {
            None => return tokio::spawn(send).await.unwrap(),
            Some(Moment::Before) => {}
            Some(Moment::During) => drop(tokio::spawn(send)),
            Some(Moment::After) => drop(tokio::spawn(send).await.unwrap()),
        }
        self.alive.store(false, Ordering::SeqCst);
        self.died.notify_one();
        std::future::pending().await
    }
}

#[async_trait]
impl Transport for Line {
    async fn send(&self, request: Request<Bytes>) -> Answer {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        let method = request.method().to_string();
        let name = Some(format!("{host} {method} {path}"));
        let trouble = self.wire.take_trouble(&host, &method, &path);
        let Some(router) = self.wire.panel(&host).filter(|_| trouble != Some(Trouble::Refused)) else {
            return self.pass(name, async { Err(TransportError::NotSent("connection refused".to_owned())) }).await;
        };
        self.pass(name, async move {
            if let Some(Trouble::DeliveredLate(after)) = trouble {
                tokio::spawn(async move {
                    tokio::time::sleep(after).await;
                    drop(exchange(router, request).await);
                });
                return std::future::pending().await;
            }
            let answer = exchange(router, request).await;
            match trouble {
                Some(Trouble::AnswerLost) => Err(TransportError::Interrupted("connection reset".to_owned())),
                Some(Trouble::NoAnswer) => std::future::pending().await,
                _ => answer,
            }
        })
        .await
    }
}

async fn exchange(router: Router, request: Request<Bytes>) -> Answer {
    let answer = router.oneshot(request.map(Body::from)).await.unwrap();
    let (head, body) = answer.into_parts();
    let body = body.collect().await.map_err(|error| TransportError::Interrupted(error.to_string()))?;
    Ok(Response::from_parts(head, body.to_bytes()))
}
