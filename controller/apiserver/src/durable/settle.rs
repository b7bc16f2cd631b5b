//! Holding answers back until everything they tell of is on disk.

use axum::body::Body;
use http::Response;

use super::Progress;
use crate::handlers::{self, Call};
use crate::response;
use crate::shared::Shared;
use crate::status::ApiError;

/// Answers a request on a resource.
pub(crate) async fn answered(shared: &Shared, call: &mut Call) -> Response<Body> {
    let Some(progress) = shared.disk().map(|disk| &disk.progress) else {
        return handlers::handle(call);
    };
    loop {
        let epoch = progress.epoch();
        if let Err(error) = readable(progress) {
            return response::error(&error, &[]);
        }
        let answer = handlers::handle(call);
        if let Some(ticket) = call.ticket.take() {
            return match ticket.await {
                Ok(Ok(())) => answer,
                Ok(Err(message)) => response::error(&ApiError::internal(message), &[]),
                Err(_) => response::error(&ApiError::internal("the server ended before it had written this"), &[]),
            };
        }
        // It has changed nothing: when something it has seen is taken back, it is carried out again.
        let seen = shared.read().store.revision();
        if progress.reached(epoch, seen).await {
            return answer;
        }
    }
}

/// Looks at the state, again if what was seen is taken back.
pub(crate) async fn settled<T>(shared: &Shared, look: impl Fn() -> T) -> Result<T, ApiError> {
    let Some(progress) = shared.disk().map(|disk| &disk.progress) else {
        return Ok(look());
    };
    loop {
        let epoch = progress.epoch();
        readable(progress)?;
        let found = look();
        let seen = shared.read().store.revision();
        if progress.reached(epoch, seen).await {
            return Ok(found);
        }
    }
}

fn readable(progress: &Progress) -> Result<(), ApiError> {
    match progress.outage().filter(|outage| outage.unreadable) {
        Some(outage) => Err(ApiError::internal(outage.message)),
        None => Ok(()),
    }
}
