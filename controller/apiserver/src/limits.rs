//! What one client may cost.

use std::time::Duration;

/// Limits on connections, requests and what is kept. Where the real server has one, the default is its own.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The most connections at once; those above it are closed at once. Each watch takes one.
    pub connections: usize,
    /// How long a connection may take to its first byte and through its TLS handshake.
    pub handshake: Duration,
    /// How long a connection may take to its next request, up to the end of its headers.
    pub idle: Duration,
    /// How long the body of a request may take.
    pub body_time: Duration,
    /// How long a client may take no byte of an answer that is waiting for it.
    pub stall: Duration,
    /// The most bytes of a request's address: 414.
    pub url: usize,
    /// The most header fields of a request: 431.
    pub header_count: usize,
    /// The most bytes of all header fields of a request: 431.
    pub headers: usize,
    /// The most bytes of a request's body (`limitedReadBody`): 413.
    pub body: usize,
    /// The most bytes of one object as JSON (`--max-request-bytes` of etcd): 413.
    pub object: usize,
    /// The most objects of all kinds together: 403.
    pub objects: usize,
    /// The most bytes of the objects in one list: 413, or a shorter page where pages were asked for.
    pub list: usize,
    /// The most watches at once: 429.
    pub watches: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Below the 1024 files that a process may open on most systems.
            connections: 512,
            handshake: Duration::from_secs(10),
            // Clients give up an idle connection after 90 seconds; the server must not be faster, or a request is lost.
            idle: Duration::from_mins(2),
            // As `--request-timeout`.
            body_time: Duration::from_mins(1),
            stall: Duration::from_secs(30),
            url: 32 * 1024,
            header_count: 100,
            headers: 64 * 1024,
            body: 3 * 1024 * 1024,
            object: 1536 * 1024,
            objects: 200_000,
            list: 256 * 1024 * 1024,
            watches: 400,
        }
    }
}
