//! Serves the embedded Kubernetes API alone.

use std::net::SocketAddr;

use anyhow::Context as _;
use clap::Parser;
use hostwright_apiserver::{Config, Server, write_private};
use tokio::net::TcpListener;

/// A small Kubernetes API server that keeps everything in memory, or in one directory.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Address to listen on; port 0 takes a free one. Other machines can connect only where it is not loopback.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Bearer token that every request must carry.
    #[arg(long, env = "HOSTWRIGHT_APISERVER_TOKEN", hide_env_values = true)]
    token: String,
    /// Keep everything in this directory, which is created where it is missing; without it, in memory.
    #[arg(long)]
    data_dir: Option<std::path::PathBuf>,
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
    let Arguments { listen, token, data_dir, kubeconfig } = Arguments::parse();
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let address = listener.local_addr()?;
    anyhow::ensure!(
        !token.is_empty(),
        "--token: is empty; whoever has the token may do everything, so it has to be a secret"
    );
    let beyond_loopback = !listen.ip().is_loopback();
    let config = Config { token: Some(token.into()), beyond_loopback, ..Config::default() };
    let server = match data_dir {
        Some(directory) => Server::open(&directory, config)?,
        None => Server::new(config),
    };
    if let Some(path) = kubeconfig {
        write_private(&path, &server.kubeconfig(address)?)
            .with_context(|| format!("kubeconfig {} cannot be written", path.display()))?;
    }
    let plain = if beyond_loopback { String::new() } else { format!("http://{address} and ") };
    println!("listening on {plain}https://{address}");
    server.serve(listener, ended()).await?;
    server.close().await;
    Ok(())
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
