//! The two servers that answer.

use std::time::Duration;

use futures::StreamExt as _;
use hostwright_apiserver::Server;
use http::Request;
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use serde_json::Value;
use tokio::time::timeout;

/// Longer than any answer takes, and than a real server takes for what it does in the background.
pub const PATIENCE: Duration = Duration::from_mins(1);
/// Where nothing else is said: the field manager is taken from it.
const AGENT: &str = "golden/1.0";

/// A server and what to call it.
#[derive(Clone)]
pub struct Api {
    pub name: &'static str,
    client: Client,
}

/// An answer, read to its end or to as many frames as were asked for.
#[derive(Debug, Clone)]
pub struct Answer {
    pub code: u16,
    pub media: String,
    pub warnings: Vec<String>,
    pub text: String,
    /// The body, or the frames of a watch as a list; null where it is no JSON.
    pub body: Value,
}

/// A request as it goes out.
#[derive(Debug, Clone)]
pub struct Outgoing {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// How many frames of a stream are read; otherwise it is read to its end.
    pub frames: Option<usize>,
}

impl Api {
    /// The name of a real server.
    pub const REAL: &str = "a real server";

    pub fn embedded() -> Self {
        let server = Server::new(hostwright_apiserver::Config::default());
        Self { name: "the embedded server", client: Client::new(server.router(), "default") }
    }

    pub fn real(client: Client) -> Self {
        Self { name: Self::REAL, client }
    }

    /// # Panics
    /// When there is no answer, or it does not end.
    pub async fn send(&self, outgoing: &Outgoing) -> Answer {
        let mut request = Request::builder().method(outgoing.method.as_str()).uri(&outgoing.path);
        for (name, value) in &outgoing.headers {
            request = request.header(name, value);
        }
        if !outgoing.headers.iter().any(|(name, _)| name == "user-agent") {
            request = request.header("user-agent", AGENT);
        }
        let request = request.body(Body::from(outgoing.body.clone())).unwrap();
        let what = format!("{}: {} {}", self.name, outgoing.method, outgoing.path);
        let response = self.client.send(request).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        let (parts, body) = response.into_parts();
        let header = |name: &str| -> Vec<String> {
            parts.headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
        };
        let read = read(body, if parts.status.is_success() { outgoing.frames } else { None });
        let text = timeout(PATIENCE, read).await.unwrap_or_else(|_| panic!("{what}: the answer does not end"));
        let body = match outgoing.frames {
            Some(_) if parts.status.is_success() => {
                text.lines().map(|line| serde_json::from_str(line).unwrap_or(Value::Null)).collect()
            }
            _ => serde_json::from_str(&text).unwrap_or(Value::Null),
        };
        let warnings = header("warning").iter().map(|text| warning(text)).collect();
        Answer { code: parts.status.as_u16(), media: header("content-type").join(", "), warnings, text, body }
    }
}

async fn read(body: Body, frames: Option<usize>) -> String {
    let mut stream = body.into_data_stream();
    let mut text = Vec::new();
    while let Some(Ok(bytes)) = stream.next().await {
        text.extend_from_slice(&bytes);
        let lines = text.split(|byte| *byte == b'\n').count() - 1;
        if frames.is_some_and(|frames| lines >= frames) {
            break;
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The text of `299 - "…"`.
fn warning(header: &str) -> String {
    let text = header.strip_prefix("299 - \"").and_then(|rest| rest.strip_suffix('"')).unwrap_or(header);
    text.replace("\\\"", "\"").replace("\\\\", "\\")
}
