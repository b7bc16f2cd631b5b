//! One port for HTTP and HTTPS.
//!
//! kubectl never sends a token over plain HTTP (client-go drops credentials for insecure servers), so the kubeconfig
//! names an HTTPS address; other clients may speak either. The first byte of a connection tells which it is.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How long a client may take to say its first word.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections that are greeted but not yet taken up.
const BACKLOG: usize = 128;
/// The first byte of every TLS connection: a handshake record.
const TLS_HANDSHAKE: u8 = 0x16;

/// Accepts both kinds of connections.
pub(crate) struct Sniffing {
    address: SocketAddr,
    ready: mpsc::Receiver<(Connection, SocketAddr)>,
}

impl Sniffing {
    /// Tokens cross the network in TLS only, so plain HTTP is for this machine alone.
    pub(crate) fn start(listener: TcpListener, tls: Arc<ServerConfig>) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let plain = address.ip().is_loopback();
        let acceptor = TlsAcceptor::from(tls);
        let (sender, ready) = mpsc::channel(BACKLOG);
        tokio::spawn(accept(listener, acceptor, plain, sender));
        Ok(Self { address, ready })
    }
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    plain: bool,
    sender: mpsc::Sender<(Connection, SocketAddr)>,
) {
    loop {
        let accepted = tokio::select! {
            () = sender.closed() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (acceptor, sender) = (acceptor.clone(), sender.clone());
                tokio::spawn(async move {
                    if let Ok(Ok(connection)) = tokio::time::timeout(PATIENCE, greet(stream, &acceptor, plain)).await {
                        // When nobody takes it up any more, the server is ending.
                        sender.send((connection, peer)).await.ok();
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                // Most likely the process has no file descriptors left, which takes a moment to get better.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn greet(mut stream: TcpStream, acceptor: &TlsAcceptor, plain: bool) -> std::io::Result<Connection> {
    stream.set_nodelay(true)?;
    let mut first = [0];
    stream.peek(&mut first).await?;
    if first[0] == TLS_HANDSHAKE {
        Ok(Connection::Tls(Box::new(acceptor.accept(stream).await?)))
    } else if plain {
        Ok(Connection::Plain(stream))
    } else {
        stream.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n").await?;
        stream.shutdown().await?;
        Err(std::io::Error::other("plain HTTP from another machine"))
    }
}

impl Listener for Sniffing {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(accepted) => accepted,
            // The accepting task ends only after this receiver.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        Ok(self.address)
    }
}

/// A connection of either kind.
pub(crate) enum Connection {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
