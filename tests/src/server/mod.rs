//! The API server under a test: the embedded one in this process, or a real one.

mod deliveries;
mod lent;
mod real;
mod tidy;

use axum::body::Body;
use bytes::Bytes;
use futures::FutureExt as _;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

pub(crate) use deliveries::revision_of;
use real::RealServer;

/// Names the server that tests of behaviour run on: `embedded`, which it also is when this is absent, or `kube`.
const CHOICE: &str = "HOSTWRIGHT_TEST_SERVER";

/// Whether tests of behaviour run on a real server, where namespaces and garbage take their time.
pub fn is_real_server() -> bool {
    std::env::var(CHOICE).as_deref() == Ok("kube")
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The test, which may do everything.
    Test,
    /// The controller, which may do what its role says.
    Controller,
}

/// An API server with the definitions of all kinds, and otherwise empty.
pub(crate) enum ApiServer {
    Embedded(hostwright_apiserver::Server),
    Real(RealServer),
}

/// Whether a real server was chosen.
pub(crate) fn is_real() -> bool {
    match std::env::var(CHOICE).as_deref() {
        Ok("kube") => true,
        Ok("embedded" | "") | Err(_) => false,
        Ok(other) => panic!("{CHOICE}={other}: expected embedded or kube"),
    }
}

impl ApiServer {
    /// The one that was chosen.
    pub(crate) fn chosen() -> Self {
        if is_real() {
            return Self::Real(RealServer::lend());
        }
        Self::Embedded(hostwright_apiserver::Server::new(hostwright_apiserver::Config::default()))
    }

    /// Sends a request, and does not let a paused clock move before the answer and its consequences for watches are there.
    pub(crate) async fn send(&self, caller: Caller, request: Request<Body>) -> Response<Body> {
        match self {
            Self::Embedded(server) => server.router().oneshot(request).await.unwrap(),
            Self::Real(server) => server.send(caller, request).await,
        }
    }

    /// Sends a request of the test, and waits for the answer without the runtime.
    pub(crate) fn call(&self, request: Request<Body>) -> Response<Bytes> {
        match self {
            Self::Embedded(server) => {
                let exchange = async {
                    let (parts, body) = server.router().oneshot(request).await.unwrap().into_parts();
                    Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
                };
                exchange.now_or_never().expect("the embedded API answers at once")
            }
            Self::Real(server) => server.call(request),
        }
    }

    /// What the controller asked for although it may not; the embedded server lets everybody do everything.
    pub(crate) fn forbidden(&self) -> Vec<String> {
        match self {
            Self::Embedded(_) => Vec::new(),
            Self::Real(server) => server.forbidden(),
        }
    }

    /// Ends its use by this test.
    pub(crate) fn give_back(&self) {
        if let Self::Real(server) = self {
            server.give_back();
        }
    }
}
