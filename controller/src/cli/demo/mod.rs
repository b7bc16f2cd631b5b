//! `hostwright demo`: everything in one process, to try it.

mod manifests;
mod world;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use hostwright_crds::Duration;
use k8s_openapi::jiff::Timestamp;
use tokio::time::Instant;

use super::failure::Failure;
use super::output::{Output, Tone};
use super::progress::{Progress, Settled};
use super::view::{self, View};
use super::{kubeconfig, signal};
use crate::telemetry::logging;
use world::{Addresses, World};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// End when all services have settled: 0 where each became what its annotation hostwright.dev/expect says, else 1
    #[arg(long)]
    once: bool,
    /// How long they may take
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    timeout: Duration,
    /// Write the kubeconfig for kubectl to this file; absent: to a private temporary folder
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Loopback address of the Kubernetes API; absent: any free port
    #[arg(long, value_name = "127.0.0.1:PORT", value_parser = loopback)]
    listen: Option<SocketAddr>,
    /// Loopback address of the demo panel; absent: the one in examples/quickstart, or any free port where that is taken
    #[arg(long, value_name = "127.0.0.1:PORT", value_parser = loopback)]
    panel_listen: Option<SocketAddr>,
}

/// The demo's panel lets everybody in, so only this machine may reach it.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        text.parse().map_err(|_| "expected an address and a port, such as 127.0.0.1:0".to_owned())?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err("expected a loopback address, such as 127.0.0.1:0: the demo is not protected".to_owned())
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    let started = Instant::now();
    // What the demo shows is enough for most; the log is there for those who ask.
    if [logging::VARIABLE, logging::FALLBACK_VARIABLE].iter().any(|name| std::env::var_os(name).is_some()) {
        logging::init(logging::Format::Human, None).map_err(|error| Failure::usage(error.to_string()))?;
    }
    if let Some(path) = &arguments.kubeconfig {
        kubeconfig::may_be_replaced(path)?;
    }
    let addresses = Addresses { api: arguments.listen.unwrap_or_else(world::any_port), panel: arguments.panel_listen };
    let mut world = World::start(addresses, arguments.kubeconfig.as_deref()).await?;
    introduce(&world, output)?;
    let (client, kubeconfig) = (world.client.clone(), world.kubeconfig.path().display().to_string());
    let ended = tokio::select! {
        shown = show(&arguments, &kubeconfig, Progress::of(&client, output, started), output) => shown,
        failure = world.failure() => Err(failure),
        stopped = signal::stop_requested() => match stopped {
            Ok(()) => output.line("\nStopping."),
            Err(error) => Err(Failure::failed(format!("cannot wait for Ctrl-C: {error}"))),
        },
    };
    // A second Ctrl-C does not wait.
    tokio::select! {
        () = world.stop() => ended,
        _ = signal::stop_requested() => Err(Failure::failed("stopped at once; nothing of the demo is left")),
    }
}

fn introduce(world: &World, output: &Output) -> Result<(), Failure> {
    output.line(&format!("Kubernetes API   https://{}", world.api))?;
    output.line(&format!("Game panel       http://{} (a stand-in)", world.panel.address))?;
    output.line(&format!("Kubeconfig       {}", world.kubeconfig.path().display()))?;
    if let Some(written) = world.panel.instead_of {
        output.line(&format!(
            "\nThe panel is not at {written}, as examples/quickstart/10-panel-eu.yaml says: ProviderInstance panel-eu was \
             applied with http://{} instead.",
            world.panel.address
        ))?;
    }
    output.line("\nApplied examples/quickstart. What becomes of its services:\n")
}

/// Shows what happens until it has settled, then the table, and then, unless that was all, whatever happens next.
async fn show(
    arguments: &Arguments,
    kubeconfig: &str,
    mut progress: Progress<'_>,
    output: &Output,
) -> Result<(), Failure> {
    let settled = progress.until_settled(arguments.timeout.get()).await?;
    output.line("")?;
    conclude(&progress, output)?;
    output.line("")?;
    judge(settled, arguments, &progress, output)?;
    if arguments.once {
        return Ok(());
    }
    suggest(kubeconfig, output)?;
    progress.stop_redrawing();
    loop {
        progress.next_change().await?;
    }
}

/// The table. A terminal is too narrow for messages, which then follow it; elsewhere each row is one line.
fn conclude(progress: &Progress<'_>, output: &Output) -> Result<(), Failure> {
    let now = Timestamp::now();
    let columns = if output.is_terminal() { view::HEADERS.len() - 1 } else { view::HEADERS.len() };
    let rows = progress.services().map(|service| service.row(now).into_iter().take(columns).collect());
    output.table(&view::HEADERS[..columns], rows.collect())?;
    if output.is_terminal() {
        output.line("")?;
        for service in progress.services() {
            output.spans(&service.words(progress.width()))?;
        }
    }
    Ok(())
}

/// Says which services are not as expected. That ends the demo where time is up or nobody wants to look on.
fn judge(settled: Settled, arguments: &Arguments, progress: &Progress<'_>, output: &Output) -> Result<(), Failure> {
    if settled == Settled::AsExpected {
        return Ok(());
    }
    let others: Vec<&View> = progress.services().filter(|service| !service.is_as_expected()).collect();
    for service in &others {
        output.problem(&service.difference());
    }
    let timeout = arguments.timeout;
    match settled {
        Settled::TimedOut => Err(Failure::failed(format!("{} not settled within {timeout}", counted(others.len())))),
        _ if arguments.once => {
            Err(Failure::failed(format!("{} not as its file's annotation expects", counted(others.len()))))
        }
        _ => Ok(()),
    }
}

fn counted(count: usize) -> String {
    if count == 1 { "1 service is".to_owned() } else { format!("{count} services are") }
}

fn suggest(kubeconfig: &str, output: &Output) -> Result<(), Failure> {
    output.line("Try it in another terminal:\n")?;
    let commands = [
        format!("export KUBECONFIG={kubeconfig}"),
        "kubectl get hsvc -o wide".to_owned(),
        "kubectl patch hsvc bob-creative --type merge -p '{\"spec\":{\"desiredStatus\":\"Active\"}}'".to_owned(),
        "kubectl describe hsvc hans-skyblock".to_owned(),
    ];
    for command in commands {
        output.spans(&[(Tone::Strong, format!("  {command}"))])?;
    }
    output.line("\nWhat happens next is shown here. Ctrl-C ends the demo; nothing of it is kept.\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_may_reach_the_demo() {
        assert_eq!(loopback("127.0.0.1:0"), Ok(([127, 0, 0, 1], 0).into()));
        assert!(loopback("[::1]:6443").is_ok());
        assert!(loopback("0.0.0.0:6443").unwrap_err().contains("loopback"));
        assert!(loopback("6443").unwrap_err().contains("127.0.0.1:0"));
    }
}
