//! Who may talk to the server, over real connections.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

use std::net::SocketAddr;
use std::sync::Arc;

use hostwright_apiserver::{Authority, Config, Credentials, Limits, Server, Token};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

async fn serve(config: Config, listen: &str) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(listen).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::new(config);
    let mut serving = Box::pin(async move { server.serve(listener, std::future::pending()).await });
    // One step is enough for a refusal.
    if let std::task::Poll::Ready(refused) = futures::poll!(&mut serving) {
        return refused.map(|()| address);
    }
    tokio::spawn(serving);
    Ok(address)
}

/// The first line of the answer to a request for the namespaces.
async fn ask(mut connection: impl AsyncRead + AsyncWrite + Unpin, token: &str) -> String {
    let request = format!(
        "GET /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

async fn ask_securely(address: SocketAddr, name: &str, authority: &Authority, token: &str) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.certificate_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let client = client.with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connection = TlsConnector::from(Arc::new(client)).connect(name, stream).await?;
    Ok(ask(connection, token).await)
}

#[tokio::test]
async fn a_client_keeps_its_access_over_restarts_and_loses_it_with_a_new_token() {
    let folder = tempfile::tempdir().unwrap();
    let config = |credentials: &Credentials| Config {
        token: Some(credentials.token().clone()),
        authority: Some(credentials.authority().clone()),
        names: vec!["panel.example.dev".to_owned()],
        ..Config::default()
    };
    let first = Credentials::open(folder.path()).unwrap();
    let secret = first.token().secret().unwrap().to_owned();
    first.keep_token().unwrap();
    // What a client learned at the first start, it goes on using.
    let trusted = first.authority().clone();

    let mut reopened = Credentials::open(folder.path()).unwrap();
    for credentials in [&first, &reopened] {
        let address = serve(config(credentials), "127.0.0.1:0").await.unwrap();
        for name in ["localhost", "127.0.0.1", "::1", "panel.example.dev"] {
            let answer = ask_securely(address, name, &trusted, &secret).await.unwrap();
            assert_eq!(answer, "HTTP/1.1 200 OK", "{name}");
        }
        assert_eq!(ask_securely(address, "localhost", &trusted, "other").await.unwrap(), "HTTP/1.1 401 Unauthorized");
        assert!(ask_securely(address, "elsewhere.example.dev", &trusted, &secret).await.is_err());
        assert!(ask_securely(address, "localhost", &Authority::generate().unwrap(), &secret).await.is_err());
    }
    reopened.renew_token();
    reopened.keep_token().unwrap();
    let address = serve(config(&Credentials::open(folder.path()).unwrap()), "127.0.0.1:0").await.unwrap();
    assert_eq!(ask_securely(address, "localhost", &trusted, &secret).await.unwrap(), "HTTP/1.1 401 Unauthorized");
}

#[tokio::test]
async fn a_server_without_a_token_does_not_listen() {
    let error = serve(Config::default(), "127.0.0.1:0").await.unwrap_err().to_string();
    assert!(error.contains("without a token"), "{error}");
}

#[tokio::test]
async fn other_machines_are_let_in_only_where_that_was_asked_for_and_only_over_tls() {
    let authority = Authority::generate().unwrap();
    let config = |beyond_loopback| Config {
        token: Some(Token::from("secret")),
        authority: Some(authority.clone()),
        beyond_loopback,
        ..Config::default()
    };
    let error = serve(config(false), "0.0.0.0:0").await.unwrap_err().to_string();
    assert!(error.contains("reachable from other machines"), "{error}");

    let port = serve(config(true), "0.0.0.0:0").await.unwrap().port();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    assert_eq!(ask_securely(address, "localhost", &authority, "secret").await.unwrap(), "HTTP/1.1 200 OK");
    let plain = TcpStream::connect(address).await.unwrap();
    assert_eq!(ask(plain, "secret").await, "HTTP/1.0 400 Bad Request");

    let port = serve(config(false), "127.0.0.1:0").await.unwrap().port();
    let plain = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).await.unwrap();
    assert_eq!(ask(plain, "secret").await, "HTTP/1.1 200 OK");
}

#[tokio::test]
async fn a_kubeconfig_names_an_address_that_clients_can_use_and_needs_the_token_itself() {
    let token = Token::from("secret");
    let hash = Token::of_hash(&token.hash()).unwrap();
    let server = |token: Token| Server::new(Config { token: Some(token), ..Config::default() });
    let text = server(token).kubeconfig(([0, 0, 0, 0], 6443).into()).unwrap();
    let config: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(config["clusters"][0]["cluster"]["server"], "https://127.0.0.1:6443");
    assert_eq!(config["users"][0]["user"]["token"], "secret");
    let error = server(hash).kubeconfig(([127, 0, 0, 1], 6443).into()).unwrap_err().to_string();
    assert!(error.contains("make a new token"), "{error}");
}

#[tokio::test]
async fn requests_of_the_process_itself_need_no_token() {
    use tower::ServiceExt as _;
    let server = Server::new(Config { token: Some(Token::generate()), ..Config::default() });
    let request = || http::Request::get("/api/v1/namespaces").body(axum::body::Body::empty()).unwrap();
    assert_eq!(server.router().oneshot(request()).await.unwrap().status(), 401);
    assert_eq!(server.trusted_router().oneshot(request()).await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn whoever_connects_and_does_not_finish_a_handshake_is_dropped() {
    let token = || Some(Token::from("secret"));
    let address = serve(Config { token: token(), ..Config::default() }, "127.0.0.1:0").await.unwrap();
    for beginning in [&b""[..], &b"\x16\x03\x01"[..]] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(beginning).await.unwrap();
        let before = tokio::time::Instant::now();
        // A connection that is reset is dropped as well.
        stream.read_to_end(&mut Vec::new()).await.unwrap_or_default();
        let waited = before.elapsed();
        assert!(waited <= Limits::default().handshake + std::time::Duration::from_secs(1), "{waited:?}");
    }
}

#[tokio::test]
async fn there_are_so_many_connections_and_no_more() {
    let limits = Limits { connections: 1, ..Limits::default() };
    let config = Config { token: Some(Token::from("secret")), limits, ..Config::default() };
    let address = serve(config, "127.0.0.1:0").await.unwrap();
    let mut first = TcpStream::connect(address).await.unwrap();
    first.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\n\r\n").await.unwrap();
    let mut answer = [0; 15];
    first.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    let mut second = TcpStream::connect(address).await.unwrap();
    assert_eq!(second.read(&mut answer).await.unwrap_or_default(), 0);
    drop(first);
    loop {
        let next = TcpStream::connect(address).await.unwrap();
        if ask_or_fail(next).await.is_ok_and(|line| line == "HTTP/1.1 200 OK") {
            break;
        }
        tokio::task::yield_now().await;
    }
}

async fn ask_or_fail(mut connection: TcpStream) -> std::io::Result<String> {
    connection
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\nConnection: close\r\n\r\n")
        .await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}
