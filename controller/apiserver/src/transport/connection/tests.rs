//! Slow and silent clients, on a clock that is stepped and without sockets.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::*;
use crate::{Config, Server};

struct Client {
    stream: DuplexStream,
    serving: JoinHandle<()>,
    ending: CancellationToken,
    since: Instant,
}

/// A connection on which so many bytes fit in between.
fn connect(room: usize) -> Client {
    let (stream, other) = tokio::io::duplex(room);
    let ending = CancellationToken::new();
    let router = Server::new(Config::default()).router();
    let serving = tokio::spawn({
        let ending = ending.clone();
        async move { converse(other, router, &Limits::default(), ending).await }
    });
    Client { stream, serving, ending, since: Instant::now() }
}

impl Client {
    async fn say(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// Everything the server says until it closes the connection.
    async fn listen(&mut self) -> String {
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// How long the server put up with this client.
    async fn lasted(self) -> Duration {
        self.serving.await.unwrap();
        self.since.elapsed()
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_request_is_closed() {
    let mut client = connect(1024);
    assert_eq!(client.listen().await, "");
    assert_eq!(client.lasted().await, Limits::default().idle);
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_closed_when_the_next_request_does_not_come() {
    let mut client = connect(4096);
    client.say("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(client.listen().await.starts_with("HTTP/1.1 200 OK"));
    assert_eq!(client.lasted().await, Limits::default().idle);
}

#[tokio::test(start_paused = true)]
async fn headers_that_come_drop_by_drop_have_an_end() {
    let mut client = connect(1024);
    client.say("GET / HTTP/1.1\r\n").await;
    let drops = async {
        while client.stream.write_all(b"a: b\r\n").await.is_ok() {
            sleep(Duration::from_secs(5)).await;
        }
    };
    drops.await;
    let most = Limits::default().idle + Duration::from_secs(5);
    assert!(client.lasted().await <= most);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_drop_by_drop_is_answered_with_a_timeout() {
    let mut client = connect(4096);
    client.say("POST /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n").await;
    let mut answer = [0; 32];
    let _length = loop {
        tokio::select! {
            read = client.stream.read_exact(&mut answer) => break read.unwrap(),
            () = sleep(Duration::from_secs(5)) => client.say(" ").await,
        }
    };
    assert_eq!(&answer[..28], b"HTTP/1.1 504 Gateway Timeout");
    assert!(client.listen().await.contains("Timeout"));
    let lasted = client.lasted().await;
    assert!(lasted <= Limits::default().body_time + Limits::default().stall, "{lasted:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_its_answer_is_dropped() {
    let mut client = connect(1024);
    client.say("GET /api/v1/namespaces HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(client.lasted().await, Limits::default().stall);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_slowly_gets_all_of_its_answer() {
    let mut client = connect(64);
    client.say("GET /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    let mut answer = Vec::new();
    while client.stream.read_buf(&mut answer).await.unwrap() > 0 {
        sleep(Duration::from_secs(10)).await;
    }
    assert!(answer.ends_with(b"}"), "{}", String::from_utf8_lossy(&answer));
    assert!(client.since.elapsed() > Limits::default().stall);
}

#[tokio::test(start_paused = true)]
async fn a_watch_may_be_silent_for_longer_than_any_other_answer() {
    let mut client = connect(4096);
    client
        .say("GET /api/v1/configmaps?watch=1&timeoutSeconds=900 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await;
    assert!(client.listen().await.ends_with("\r\n0\r\n\r\n"));
    assert_eq!(client.lasted().await, Duration::from_mins(15));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_http_is_refused() {
    for garbage in [
        "\0\0\0\0\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/1.1\r\nno header\r\n\r\n",
        "GET /%zz\u{1}\u{2} HTTP/1.1\r\n\r\n",
    ] {
        let mut client = connect(4096);
        client.say(garbage).await;
        assert!(client.listen().await.starts_with("HTTP/1.1 400"), "{garbage:?}");
        assert_eq!(client.lasted().await, Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn heads_far_above_the_limits_are_not_even_read() {
    let limits = Limits::default();
    let many = "a: b\r\n".repeat(MARGIN * limits.header_count + 1);
    let long = format!("a: {}\r\n", "b".repeat(MARGIN * (limits.url + limits.headers)));
    for headers in [many, long] {
        let mut client = connect(1024 * 1024);
        client.say(&format!("GET / HTTP/1.1\r\n{headers}\r\n")).await;
        assert!(client.listen().await.starts_with("HTTP/1.1 431"));
    }
    let mut client = connect(1024 * 1024);
    client.say(&format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(100_000))).await;
    assert!(client.listen().await.starts_with("HTTP/1.1 414"));
}

#[tokio::test(start_paused = true)]
async fn an_ending_server_closes_idle_connections_at_once() {
    let mut client = connect(4096);
    client.say("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let mut answer = [0; 15];
    client.stream.read_exact(&mut answer).await.unwrap();
    client.ending.cancel();
    client.listen().await;
    assert_eq!(client.lasted().await, Duration::ZERO);
}
