//! Caches that see the past: lists are answered as of a revision, and watches deliver nothing later, until that ends.

use axum::body::Body;
use bytes::Bytes;
use futures::StreamExt as _;
use http::{Response, Uri};
use tokio::sync::watch::Receiver;

use super::Request;
use crate::server::revision_of;

#[derive(Debug, Clone)]
pub(super) struct Frozen {
    /// The plural name of what is frozen.
    pub(super) resource: String,
    pub(super) revision: u64,
}

impl Frozen {
    pub(super) fn concerns(&self, request: &Request) -> bool {
        request.resource == self.resource && matches!(request.verb.as_str(), "list" | "watch")
    }

    /// A list of the present becomes one of the past.
    pub(super) fn turn_back<B>(&self, note: &Request, request: &mut http::Request<B>) {
        if note.verb != "list" {
            return;
        }
        let uri = request.uri();
        let kept = uri.query().unwrap_or_default().split('&').filter(|one| !one.starts_with("resourceVersion"));
        let query: String = kept.filter(|one| !one.is_empty()).flat_map(|one| [one, "&"]).collect();
        let exactly = format!("{}?{query}resourceVersion={}&resourceVersionMatch=Exact", uri.path(), self.revision);
        *request.uri_mut() = exactly.parse::<Uri>().unwrap();
    }
}

/// A watch whose later events wait while its resource is frozen.
pub(super) fn held_back(note: &Request, answer: Response<Body>, frozen: Receiver<Option<Frozen>>) -> Response<Body> {
    let note = note.clone();
    let (parts, body) = answer.into_parts();
    let frames = body.into_data_stream().then(move |frame| {
        let (note, mut frozen) = (note.clone(), frozen.clone());
        async move {
            if let Ok(frame) = &frame {
                until_it_may_be_seen(&note, frame, &mut frozen).await;
            }
            frame
        }
    });
    Response::from_parts(parts, Body::from_stream(frames))
}

async fn until_it_may_be_seen(note: &Request, frame: &Bytes, frozen: &mut Receiver<Option<Frozen>>) {
    let revision = revision_of(frame);
    let may_be_seen = |frozen: &Option<Frozen>| {
        frozen.as_ref().is_none_or(|frozen| !frozen.concerns(note) || revision <= frozen.revision)
    };
    // It ends with an error only when the world does.
    let _ = frozen.wait_for(may_be_seen).await;
}
