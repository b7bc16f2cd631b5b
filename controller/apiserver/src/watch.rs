//! Watches: a stream of frames, one for each change that concerns the client.
//!
//! A watch keeps no queue of its own: it remembers how far it has read and takes the next few changes from the store when
//! the client has taken those before. A slow client therefore costs next to nothing and blocks nobody; when the store has
//! forgotten what it still needs, it is told so (410) and dropped.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::stream;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until};

use crate::faults::Request;
use crate::field::FieldError;
use crate::handlers::Call;
use crate::query::Selection;
use crate::request::Parameters;
use crate::resource::Resource;
use crate::shared::Shared;
use crate::state::State;
use crate::status::ApiError;
use crate::store::{Change, Compacted, Stored};
use crate::table::{self, View};

/// Without `timeoutSeconds` a watch lasts this long, and up to as long again (`--min-request-timeout`).
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(30);
/// No watch lasts longer, whatever it asks for; clients start the next one anyway.
const MAX_TIMEOUT: Duration = Duration::from_hours(24);
/// So many bytes of frames are made at once, and one frame more.
const BATCH: usize = 64 * 1024;

pub(crate) fn response(body: Body, warnings: &[String]) -> Response<Body> {
    let mut response = crate::response::json(200, &Value::Null, warnings);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *response.body_mut() = body;
    response
}

/// Checks the options and opens the stream.
pub(crate) fn start(call: &Call) -> Result<Body, ApiError> {
    let parameters = &call.parameters;
    let selection =
        Selection::parse(&call.resource, call.path.namespace.as_deref(), call.path.name.as_deref(), parameters)?;
    let initial = parameters.flag("sendInitialEvents");
    check_options(parameters)?;
    let view = View::negotiate(call)?;
    let version = parameters.version_of_one()?;
    let timeout = parameters
        .integer("timeoutSeconds")?
        .and_then(|seconds| u64::try_from(seconds).ok())
        .filter(|seconds| *seconds > 0);
    let timeout = timeout.map_or_else(default_timeout, |seconds| Duration::from_secs(seconds).min(MAX_TIMEOUT));
    let slot = call.shared.watches.clone().try_acquire_owned().map_err(|_| {
        let limit = call.shared.config.limits.watches;
        ApiError::too_many_requests(1, &format!("too many watches: the limit is {limit}; please try again later"))
    })?;
    let now = Instant::now();
    let state = call.shared.read();
    let mut watcher = Watcher {
        shared: call.shared.clone(),
        resource: call.resource.clone(),
        request: call.request.clone(),
        selection,
        view,
        bookmarks: parameters.flag("allowWatchBookmarks"),
        existing: Vec::new().into_iter(),
        end_of_existing: false,
        frames: VecDeque::new(),
        position: state.store.revision(),
        began_at: state.store.revision(),
        last_change: 0,
        finished: false,
        deadline: now + timeout,
        next_bookmark: now + call.shared.config.bookmark_interval,
        changed: state.store.subscribe(&call.resource.table).ok_or_else(ApiError::unknown_path)?,
        dropped: call.shared.faults.dropped(),
        released: call.shared.faults.released(),
        _slot: slot,
    };
    match version {
        Some(version) if version > state.store.revision() => {
            // Nothing to say before that version; the client is not refused, as a real server's cache may just lag.
            crate::handlers::check_not_ahead(Some(version), &state)?;
        }
        Some(version) if version > 0 && !initial => watcher.position = version,
        _ if parameters.has("sendInitialEvents") && !initial => {}
        _ => watcher.begin_with_existing(&state, initial),
    }
    drop(state);
    Ok(Body::from_stream(stream::unfold(watcher, async |mut watcher| {
        let frame = watcher.next().await?;
        Some((Ok::<_, std::io::Error>(frame), watcher))
    })))
}

fn default_timeout() -> Duration {
    DEFAULT_TIMEOUT + Duration::from_secs(rand::random_range(0..DEFAULT_TIMEOUT.as_secs()))
}

fn check_options(parameters: &Parameters) -> Result<(), ApiError> {
    let matching = parameters.get("resourceVersionMatch");
    let initial = parameters.has("sendInitialEvents");
    let mut errors = Vec::new();
    let mut forbidden = |detail: &str| errors.push(FieldError::forbidden("resourceVersionMatch", detail));
    if initial && matching != Some("NotOlderThan") {
        forbidden("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    }
    if !initial && matching.is_some() {
        forbidden("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
    }
    if let Some(other) = matching.filter(|matching| *matching != "NotOlderThan") {
        errors.push(FieldError::not_supported("resourceVersionMatch", &other.into(), &["NotOlderThan".into()]));
    }
    if errors.is_empty() { Ok(()) } else { Err(ApiError::invalid_options("ListOptions", &errors)) }
}

struct Watcher {
    shared: Arc<Shared>,
    resource: Arc<Resource>,
    request: Request,
    selection: Selection,
    view: View,
    bookmarks: bool,
    /// The objects that existed at the start and are not told of yet.
    existing: std::vec::IntoIter<Arc<Stored>>,
    /// A bookmark has still to say that all of them were told of.
    end_of_existing: bool,
    frames: VecDeque<Bytes>,
    /// Everything up to this revision has been looked at.
    position: u64,
    /// The revision at which it began.
    began_at: u64,
    /// The revision of the last change, selected or not. Before there is one, a bookmark has nothing to say.
    last_change: u64,
    finished: bool,
    deadline: Instant,
    next_bookmark: Instant,
    changed: Receiver<u64>,
    dropped: Receiver<u64>,
    released: Receiver<u64>,
    /// Its place among the watches that are allowed at once.
    _slot: OwnedSemaphorePermit,
}

impl Watcher {
    /// The next frame; nothing when the watch is over.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return Some(frame);
            }
            if self.finished || self.dropped.has_changed().unwrap_or(true) {
                return None;
            }
            if Instant::now() >= self.deadline {
                // A client that never catches up does not come to wait for it.
                self.end();
                continue;
            }
            self.send_existing();
            if self.frames.is_empty() {
                self.read_changes();
            }
            if !self.frames.is_empty() || self.finished {
                continue;
            }
            self.wait().await;
        }
    }

    async fn wait(&mut self) {
        tokio::select! {
            changed = self.changed.changed() => self.finished |= changed.is_err(),
            _ = self.released.changed() => {}
            _ = self.dropped.changed() => self.finished = true,
            () = sleep_until(self.deadline) => self.end(),
            () = sleep_until(self.next_bookmark), if self.bookmarks => {
                self.bookmark();
                self.next_bookmark = Instant::now() + self.shared.config.bookmark_interval;
            }
        }
    }

    /// The last words, at the deadline.
    fn end(&mut self) {
        if self.existing.as_slice().is_empty() {
            self.bookmark();
        }
        self.finished = true;
    }

    /// The objects that exist come first, as if each had just been added.
    fn begin_with_existing(&mut self, state: &State, streaming: bool) {
        let revision = self.shared.faults.frozen_at(&self.request).unwrap_or_else(|| state.store.revision());
        let objects = state.store.objects_at(&self.resource.table, revision).unwrap_or_default();
        self.existing = objects.values().cloned().collect::<Vec<_>>().into_iter();
        self.end_of_existing = streaming && self.bookmarks;
        self.position = revision;
    }

    fn send_existing(&mut self) {
        while !self.has_batch() {
            let Some(stored) = self.existing.next() else { break };
            if self.selection.selects(&self.resource, &stored) {
                self.push("ADDED", &stored);
            }
        }
        if self.end_of_existing && self.existing.as_slice().is_empty() {
            self.end_of_existing = false;
            let mut bookmark = self.bookmark_object();
            bookmark["metadata"]["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
            self.push_raw("BOOKMARK", &bookmark);
        }
    }

    fn has_batch(&self) -> bool {
        self.frames.iter().map(Bytes::len).sum::<usize>() >= BATCH
    }

    fn read_changes(&mut self) {
        // Marked as seen before reading, so that a change in between wakes the watch once more than needed.
        self.changed.borrow_and_update();
        self.released.borrow_and_update();
        let shared = self.shared.clone();
        let state = shared.read();
        let durable = self.shared.durable(&state);
        let until = self.shared.faults.frozen_at(&self.request).map_or(durable, |frozen| frozen.min(durable));
        match state.store.changes_after(&self.resource.table, self.position) {
            Ok(changes) => {
                for change in changes.take_while(|change| change.revision <= until) {
                    if self.has_batch() {
                        return;
                    }
                    self.report(change);
                    self.last_change = change.revision;
                    self.position = change.revision;
                }
                self.position = self.position.max(until);
                self.finished |= state.store.is_closed(&self.resource.table, until);
            }
            Err(Compacted { oldest }) => {
                let message = format!("too old resource version: {} ({oldest})", self.position);
                self.push_raw("ERROR", &ApiError::expired(message).to_value());
                self.finished = true;
            }
        }
    }

    /// What a change means for this client: an object may also enter or leave what it selects.
    fn report(&mut self, change: &Change) {
        let selects = |stored: &Arc<Stored>| self.selection.selects(&self.resource, stored);
        let was_seen = change.previous.as_ref().filter(|previous| selects(previous));
        let is_seen = !change.removed && selects(&change.object);
        match (was_seen, is_seen) {
            (None, true) => self.push("ADDED", &change.object),
            (Some(_), true) => self.push("MODIFIED", &change.object),
            (Some(last), false) => {
                let mut last = self.resource.present(last);
                crate::object::set_meta(&mut last, "resourceVersion", json!(change.revision.to_string()));
                self.push_value("DELETED", last);
            }
            (None, false) => {}
        }
    }

    fn push(&mut self, event: &str, stored: &Stored) {
        if self.view.is_plain() {
            self.push_text(event, &self.resource.text(stored));
        } else {
            self.push_value(event, self.resource.present(stored));
        }
    }

    fn push_value(&mut self, event: &str, object: Value) {
        let object = self.view.of_event(&self.resource, object, self.shared.clock.now());
        self.push_raw(event, &object);
    }

    fn push_raw(&mut self, event: &str, object: &Value) {
        self.push_text(event, &object.to_string());
    }

    fn push_text(&mut self, event: &str, object: &str) {
        self.frames.push_back(Bytes::from(format!("{{\"type\":\"{event}\",\"object\":{object}}}\n")));
    }

    fn bookmark_object(&self) -> Value {
        let object = json!({
            "kind": self.resource.kind, "apiVersion": self.resource.api_version(),
            "metadata": { "resourceVersion": self.position.to_string() },
        });
        table::bookmark(&self.view, object)
    }

    fn bookmark(&mut self) {
        // Changes that came meanwhile go first: a bookmark says that nothing before it is missing.
        self.read_changes();
        if self.bookmarks && !self.finished && self.last_change > self.began_at {
            let bookmark = self.bookmark_object();
            self.push_raw("BOOKMARK", &bookmark);
        }
    }
}
