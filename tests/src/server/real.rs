//! A real server as a test uses it: its time is real, and the test's clock stands still meanwhile.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio::sync::mpsc;

use super::Caller;
use super::deliveries::{Deliveries, Effect, Place};
use super::lent::Lent;
use crate::gateway::Request as Note;
use crate::kube::{real_time, runtime};

/// A real server that is this test's alone for now.
pub(crate) struct RealServer {
    /// Absent once it was given back.
    lent: Mutex<Option<Arc<Lent>>>,
    deliveries: Arc<Deliveries>,
    /// What the controller asked for and may not do, in the server's words.
    forbidden: Arc<Mutex<Vec<String>>>,
}

impl RealServer {
    /// Waits for one that no other test uses, and leaves nothing of the last test in it.
    pub(super) fn lend() -> Self {
        Self {
            lent: Mutex::new(Some(Arc::new(Lent::wait_for_one()))),
            deliveries: Arc::default(),
            forbidden: Arc::default(),
        }
    }

    /// What the controller asked for although the chart does not grant it.
    pub(super) fn forbidden(&self) -> Vec<String> {
        self.forbidden.lock().unwrap().clone()
    }

    /// Gives it back once what was sent is answered. What a controller that is not quite dead still asks for is never sent.
    pub(super) fn give_back(&self) {
        self.lent.lock().unwrap().take();
    }

    pub(super) async fn send(&self, caller: Caller, request: Request<Body>) -> Response<Body> {
        let standing_still = StandingStill::begin();
        let answer = runtime().spawn(self.exchange(caller, request)).await.unwrap();
        drop(standing_still);
        answer
    }

    pub(super) fn call(&self, request: Request<Body>) -> Response<Bytes> {
        let exchange = self.exchange(Caller::Test, request);
        real_time(async move {
            let (parts, body) = exchange.await.into_parts();
            Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
        })
    }

    fn exchange(&self, caller: Caller, request: Request<Body>) -> impl Future<Output = Response<Body>> + Send + use<> {
        let (lent, deliveries) = (self.lent.lock().unwrap().clone(), self.deliveries.clone());
        let forbidden = self.forbidden.clone();
        async move {
            let Some(lent) = lent else { return std::future::pending().await };
            let note = Note::of(&request);
            let client = match caller {
                Caller::Test => &lent.plane().admin,
                Caller::Controller => &lent.plane().controller,
            };
            if note.verb == "watch" {
                return watch(client.clone(), note, request, deliveries).await;
            }
            let (parts, body) = sent(client, request).await.into_parts();
            let Ok(body) = body.collect().await.map(http_body_util::Collected::to_bytes) else { return broken() };
            let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
            // Not that of a namespace which is ending, which says nothing about who asks.
            let refused = answer["message"].as_str().filter(|words| words.contains("system:serviceaccount:"));
            forbidden.lock().unwrap().extend(refused.filter(|_| parts.status == 403).map(ToOwned::to_owned));
            if note.is_write()
                && parts.status.is_success()
                && let Some(effect) = Effect::of(&note, &answer)
            {
                deliveries.caught_up(&effect).await;
            }
            Response::from_parts(parts, Body::from(body))
        }
    }
}

async fn sent(client: &kube::Client, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    match client.send(Request::from_parts(parts, kube::client::Body::from(body))).await {
        Ok(answer) => answer.map(Body::new),
        Err(error) => {
            eprintln!("no answer from the real server: {error}");
            broken()
        }
    }
}

/// A watch, one line of it at a time.
async fn watch(
    client: kube::Client,
    note: Note,
    request: Request<Body>,
    deliveries: Arc<Deliveries>,
) -> Response<Body> {
    // It is expected to deliver from the moment it is asked for: what is written until it is answered is in it.
    let number = deliveries.open(Place::of(&note), from(&request));
    let answer = sent(&client, request).await;
    if !answer.status().is_success() {
        deliveries.close(number);
        return answer;
    }
    let (parts, mut body) = answer.into_parts();
    let (sender, mut lines) = mpsc::unbounded_channel::<Bytes>();
    runtime().spawn(async move {
        let mut unfinished = Vec::new();
        loop {
            let frame = tokio::select! {
                frame = body.frame() => frame,
                () = sender.closed() => break,
            };
            let Some(Ok(data)) = frame.map(|frame| frame.map(|frame| frame.into_data().unwrap_or_default())) else {
                break;
            };
            unfinished.extend_from_slice(&data);
            while let Some(end) = unfinished.iter().position(|byte| *byte == b'\n') {
                let line = Bytes::from(unfinished.drain(..=end).collect::<Vec<u8>>());
                // The receiver may have gone this moment; the next turn sees that.
                let _ = sender.send(line.clone());
                deliveries.delivered(number, &line);
            }
        }
        deliveries.close(number);
    });
    let lines =
        futures::stream::poll_fn(move |context| lines.poll_recv(context).map(|line| line.map(Ok::<_, std::io::Error>)));
    Response::from_parts(parts, Body::from_stream(lines))
}

/// After which revision a watch begins.
fn from(request: &Request<Body>) -> u64 {
    let query = request.uri().query().unwrap_or_default();
    let given = query.split('&').find_map(|one| one.strip_prefix("resourceVersion="));
    given.and_then(|revision| revision.parse().ok()).unwrap_or_default()
}

fn broken() -> Response<Body> {
    let reset = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "the real server broke the connection");
    Response::new(Body::from_stream(futures::stream::iter([Err::<Bytes, _>(reset)])))
}

/// While this is there, a paused clock does not move: tokio moves it only when nothing else is to be done, and work on a
/// thread for blocking is something to be done.
struct StandingStill {
    _ends_the_work: std::sync::mpsc::Sender<()>,
}

impl StandingStill {
    fn begin() -> Self {
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || receiver.recv());
        Self { _ends_the_work: sender }
    }
}
