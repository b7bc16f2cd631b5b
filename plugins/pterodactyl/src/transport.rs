//! The one place that touches the network, behind a trait so that a panel can be reached in-process.

use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{Request, Response};

use crate::SetupError;

/// How long a connection may take to be made. Nothing was sent by then.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The largest answer that is read. A page of 100 servers is about 300 KiB.
const LARGEST_ANSWER: usize = 8 * 1024 * 1024;

/// Sends requests to a panel.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Sends one request and reads the whole answer. Redirects are answers like any other.
    ///
    /// # Errors
    /// [`TransportError::NotSent`] only when the panel cannot have seen the request.
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError>;
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The request cannot have reached the panel: the name does not resolve, the connection or its encryption failed.
    #[error("cannot connect: {0}")]
    NotSent(String),
    /// The request may have reached the panel: a time-out, a lost connection, an answer cut short.
    #[error("no complete answer: {0}")]
    Interrupted(String),
}

/// Sends over the network.
#[derive(Debug)]
pub(crate) struct Network {
    client: reqwest::Client,
}

impl Network {
    pub(crate) fn new() -> Result<Self, SetupError> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Fails only when another thread was faster, and then there is one as well.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let client = reqwest::Client::builder()
            .user_agent(concat!("hostwright/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| SetupError::Http(reason(&error)))?;
        Ok(Self { client })
    }
}

#[async_trait]
impl Transport for Network {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let request = reqwest::Request::try_from(request).map_err(|error| TransportError::NotSent(reason(&error)))?;
        let mut answer = self.client.execute(request).await.map_err(|error| {
            if error.is_connect() || error.is_builder() {
                TransportError::NotSent(reason(&error))
            } else {
                TransportError::Interrupted(reason(&error))
            }
        })?;
        let mut body = BytesMut::new();
        while let Some(part) = answer.chunk().await.map_err(|error| TransportError::Interrupted(reason(&error)))? {
            if body.len() + part.len() > LARGEST_ANSWER {
                return Err(TransportError::Interrupted(format!("the answer is larger than {LARGEST_ANSWER} bytes")));
            }
            body.extend_from_slice(&part);
        }
        let mut response = Response::new(body.freeze());
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}

/// The innermost cause, which says what happened: "connection refused" rather than "error sending request". The error's
/// own text is left out: it contains the address.
fn reason(error: &reqwest::Error) -> String {
    let first = std::error::Error::source(error);
    let innermost = std::iter::successors(first, |cause| cause.source()).last();
    innermost.map_or_else(|| "the request failed".to_owned(), ToString::to_string)
}
