//! The real transport, against sockets that behave badly.

use hostwright_plugin::{Call, Class, Error, Plugin as _};
use hostwright_plugin_pterodactyl::Pterodactyl;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::support::{call, known_remote};

/// Suspends on a server that reads one request, answers it with these bytes and closes the connection.
async fn suspend_on(answer: Vec<u8>) -> (Error, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 8192];
        let length = stream.read(&mut request).await.unwrap();
        // The client may give up in the middle of a long answer.
        let _ = stream.write_all(&answer).await;
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    let error = suspend_at(&format!("http://{address}")).await;
    (error, served.await.unwrap())
}

async fn suspend_at(panel: &str) -> Error {
    let mut call = Call { remote: Some(known_remote()), ..call() };
    call.instance.settings.insert("panel_url".to_owned(), panel.into());
    Pterodactyl::new().unwrap().suspend(&call).await.unwrap_err()
}

#[tokio::test]
async fn a_refused_connection_is_certainly_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = suspend_at(&format!("http://{address}")).await;
    assert_eq!((error.class, error.code.as_str()), (Class::Unavailable, "connect"), "{error}");
    assert!(error.message.contains("refused"), "{error}");
}

#[tokio::test]
async fn a_connection_that_is_not_encrypted_as_expected_is_certainly_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    });
    let error = suspend_at(&format!("https://{address}")).await;
    assert_eq!((error.class, error.code.as_str()), (Class::Unavailable, "connect"), "{error}");
}

#[tokio::test]
async fn a_lost_connection_and_a_cut_answer_may_have_arrived() {
    for answer in ["", "HTTP/1.1 204", "HTTP/1.1 204 No Content\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"]
    {
        let (error, request) = suspend_on(answer.as_bytes().to_vec()).await;
        assert_eq!((error.class, error.code.as_str()), (Class::Unknown, "interrupted"), "{answer:?}: {error}");
        assert!(request.starts_with("POST /api/application/servers/7/suspend HTTP/1.1\r\n"), "{request}");
        assert!(request.contains(&format!("user-agent: hostwright/{}", env!("CARGO_PKG_VERSION"))), "{request}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let answer = "HTTP/1.1 301 Moved\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    let (error, _) = suspend_on(answer.as_bytes().to_vec()).await;
    assert_eq!(error.class, Class::Unknown);
    assert!(error.message.contains("redirect"), "{error}");
}

#[tokio::test]
async fn an_answer_without_end_is_not_read() {
    let mut answer = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    answer.resize(9 * 1024 * 1024, b' ');
    let (error, _) = suspend_on(answer).await;
    assert_eq!(error.class, Class::Unknown);
    assert!(error.message.contains("larger than"), "{error}");
}
