//! Runs the demonstration panel on its own.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use demo_panel::{Config, Dialect, InstallMode, Panel};
use tokio::net::TcpListener;

/// A stateful stand-in for a Pterodactyl panel. Its control endpoint needs no key: keep it on loopback.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:8000")]
    listen: SocketAddr,
    /// Application key that may read and write
    #[arg(long)]
    application_key: Option<String>,
    /// Application key that may only read
    #[arg(long)]
    readonly_key: Option<String>,
    /// Client key of the root administrator
    #[arg(long)]
    client_key: Option<String>,
    /// Address in links; the address of the request when absent
    #[arg(long)]
    public_url: Option<String>,
    /// Which panel is imitated
    #[arg(long, value_enum, default_value_t = Dialect::Pterodactyl)]
    dialect: Dialect,
    /// Whether installations finish by themselves
    #[arg(long, value_enum, default_value_t = InstallMode::Auto)]
    install: InstallMode,
    /// How long an installation takes, in milliseconds
    #[arg(long, default_value_t = 1000)]
    install_delay: u64,
    /// Begin with a node and fifty allocations
    #[arg(long)]
    seed: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).init();
    let arguments = Arguments::parse();
    let listener = TcpListener::bind(arguments.listen)
        .await
        .with_context(|| format!("cannot listen on {}; choose another address with --listen", arguments.listen))?;
    let address = listener.local_addr().context("the listening socket has no address")?;
    let seed = arguments.seed;
    let panel = Panel::new(config(arguments));
    if seed {
        panel.seed_demo();
    }
    println!("demo-panel listens on http://{address}");
    let service = panel.router().into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(interrupted()).await.context("the server stopped")
}

fn config(arguments: Arguments) -> Config {
    let defaults = Config::new(arguments.dialect);
    Config {
        application_key: arguments.application_key.unwrap_or(defaults.application_key),
        readonly_key: arguments.readonly_key.unwrap_or(defaults.readonly_key),
        client_key: arguments.client_key.unwrap_or(defaults.client_key),
        public_url: arguments.public_url.map(|url| url.trim_end_matches('/').to_owned()),
        dialect: arguments.dialect,
        install: arguments.install,
        install_delay: Duration::from_millis(arguments.install_delay),
    }
}

async fn interrupted() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!(%error, "cannot wait for an interrupt");
        std::future::pending::<()>().await;
    }
}
