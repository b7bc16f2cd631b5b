//! HTTP on one connection, with an end for clients that are slow or gone.

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;

use crate::limits::Limits;

/// Room for what is above a limit, so that it is refused with a `Status` and not by the parser with an empty answer.
const MARGIN: usize = 2;
/// The most bytes that wait on a connection in either direction, apart from one body and one frame of a watch.
const BUFFER: usize = 256 * 1024;

/// Answers requests until the client goes, takes too long, or `ending` is cancelled and no answer is left to give.
pub(super) async fn converse<S>(stream: S, router: Router, limits: &Limits, ending: CancellationToken)
where
    S: AsyncRead + AsyncWrite,
{
    let mut stream = Box::pin(TimeoutStream::new(stream));
    stream.as_mut().set_write_timeout_pinned(Some(limits.stall));
    let head = MARGIN * (limits.url + limits.headers);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle)
        .max_headers(MARGIN * limits.header_count)
        .max_header_size(head)
        .max_buf_size(head.max(BUFFER))
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = ending.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}

#[cfg(test)]
mod tests;
