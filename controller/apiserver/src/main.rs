//! Serves the embedded Kubernetes API alone.

use std::net::SocketAddr;

use anyhow::Context as _;
use clap::Parser;
use hostwright_apiserver::{Config, Server};
use tokio::net::TcpListener;

/// A small Kubernetes API server that keeps everything in memory.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Bearer token that every request must carry.
    #[arg(long, env = "HOSTWRIGHT_APISERVER_TOKEN", hide_env_values = true)]
    token: String,
    /// Also write a kubeconfig with the token to this file.
    #[arg(long)]
    kubeconfig: Option<std::path::PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let Arguments { listen, token, kubeconfig } = Arguments::parse();
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let address = listener.local_addr()?;
    let server = Server::new(Config { token: Some(token), ..Config::default() });
    if let Some(path) = kubeconfig {
        write_private(&path, &server.kubeconfig(address)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    println!("listening on http://{address} and https://{address}");
    server.serve(listener, ended()).await?;
    Ok(())
}

/// The file contains the token, so nobody else may read it.
fn write_private(path: &std::path::Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

async fn ended() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        let Ok(mut terminated) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
            interrupted.await.ok();
            return;
        };
        tokio::select! {
            _ = interrupted => {}
            _ = terminated.recv() => {}
        }
    }
    #[cfg(not(unix))]
    interrupted.await.ok();
}
