//! What goes wrong between a controller and the API server.

use axum::body::Body;
use http::Response;
use serde_json::json;

use super::Request;

/// What happens to a request to the API server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KubernetesFault {
    /// 409, without an effect.
    Conflict,
    /// 403, without an effect.
    Forbidden,
    /// 500, without an effect.
    ErrorBefore,
    /// 500, although the effect took place.
    ErrorAfter,
    /// The connection breaks, although the effect took place.
    DisconnectAfter,
}

pub(crate) struct Rule {
    pub(crate) verb: String,
    pub(crate) resource: String,
    pub(crate) subresource: String,
    pub(crate) fault: KubernetesFault,
    pub(crate) left: usize,
}

impl Rule {
    pub(super) fn concerns(&self, request: &Request) -> bool {
        self.verb == request.verb && self.resource == request.resource && self.subresource == request.subresource
    }
}

impl KubernetesFault {
    /// The answer in place of an effect.
    pub(super) fn instead(self) -> Option<Response<Body>> {
        match self {
            Self::Conflict => Some(refusal(409, "Conflict")),
            Self::Forbidden => Some(refusal(403, "Forbidden")),
            Self::ErrorBefore => Some(refusal(500, "InternalError")),
            Self::ErrorAfter | Self::DisconnectAfter => None,
        }
    }

    /// The answer in place of the true one, after the effect.
    pub(super) fn afterwards(self) -> Option<Response<Body>> {
        match self {
            Self::ErrorAfter => Some(refusal(500, "InternalError")),
            Self::DisconnectAfter => Some(broken()),
            Self::Conflict | Self::Forbidden | Self::ErrorBefore => None,
        }
    }
}

fn refusal(code: u16, reason: &str) -> Response<Body> {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "an ordered fault",
        "reason": reason, "code": code,
    });
    Response::builder()
        .status(code)
        .header("content-type", "application/json")
        .body(Body::from(status.to_string()))
        .unwrap()
}

fn broken() -> Response<Body> {
    let reset = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "an ordered fault");
    Response::new(Body::from_stream(futures::stream::iter([Err::<bytes::Bytes, _>(reset)])))
}
