//! `hostwright release`: lets go of what only a controller lets go, before an uninstall, and lists the servers that stay.

mod finalizers;
mod presence;

use std::path::PathBuf;

use clap::Args;
use kube::Client;
use serde_json::{Value, json};

use super::failure::Failure;
use super::kinds::Kinds;
use super::output::{self, Output, Tone};
use super::remote::Remote;
use super::{Format, cluster};
use finalizers::Held;

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(super) struct Arguments {
    /// Services to release, by name; with none of these say --all, or -n NAMESPACE for all services of it
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Kubeconfig of the cluster; absent: KUBECONFIG, ~/.kube/config, /var/lib/hostwright/kubeconfig, or the Pod's
    /// service account
    #[arg(long, value_name = "FILE", env = "HOSTWRIGHT_KUBECONFIG")]
    kubeconfig: Option<PathBuf>,
    /// Namespace of the services; absent: that of the kubeconfig
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Everything that Hostwright holds: services, instances, Secrets, the installation's record, the lease
    #[arg(long, conflicts_with_all = ["names", "namespace"])]
    all: bool,
    /// Namespace of the controller; absent: found by the installation's record
    #[arg(long, value_name = "NAMESPACE", env = "HOSTWRIGHT_CREDENTIALS_NAMESPACE")]
    credentials_namespace: Option<String>,
    /// Although a controller runs, which takes hold of everything again
    #[arg(long)]
    while_running: bool,
    /// For programs
    #[arg(short, long, value_enum)]
    output: Option<Format>,
    /// Change nothing, and show what would be let go
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// Which objects are meant.
enum Scope {
    All,
    Namespace(String),
    Services(String, Vec<String>),
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    let client = cluster::connect_also_here(arguments.kubeconfig.as_deref()).await?;
    let scope = scope(&arguments, &client)?;
    let kinds = Kinds::of(&client).await?;
    let services = finalizers::services(&client, &kinds, &scope).await?;
    let held = finalizers::held(&client, &kinds, &scope, &services, arguments.credentials_namespace.as_deref()).await?;
    let remotes: Vec<Remote> = services.iter().filter_map(Remote::of).collect();
    if arguments.dry_run {
        return report(&held, &remotes, &arguments, output);
    }
    if !arguments.while_running {
        presence::refuse_while_running(&client, arguments.credentials_namespace.as_deref(), output).await?;
    }
    if held.is_empty() {
        return report(&held, &remotes, &arguments, output);
    }
    agree(&held, &remotes, &arguments, output).await?;
    for object in &held {
        object.release().await?;
    }
    if !arguments.while_running {
        presence::check_that_nobody_took_hold_again(&held).await?;
    }
    report(&held, &remotes, &arguments, output)
}

fn scope(arguments: &Arguments, client: &Client) -> Result<Scope, Failure> {
    let Arguments { names, namespace, all, .. } = arguments;
    match (namespace, names.is_empty()) {
        _ if *all => Ok(Scope::All),
        (Some(namespace), true) => Ok(Scope::Namespace(namespace.clone())),
        (namespace, false) => {
            let namespace = namespace.clone().unwrap_or_else(|| client.default_namespace().to_owned());
            Ok(Scope::Services(namespace, names.clone()))
        }
        (None, true) => {
            Err(Failure::usage("say what to release: --all, -n NAMESPACE for all services of it, or names of services"))
        }
    }
}

async fn agree(held: &[Held], remotes: &[Remote], arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    if arguments.yes {
        return Ok(());
    }
    if !output::can_ask() {
        return Err(Failure::usage(
            "this is no terminal to ask on; see what would be let go with --dry-run, then add --yes",
        ));
    }
    output.line(&format!(
        "{} objects are let go. Nothing is ended: {} of them have a server at a provider, which stays there; deleting \
         the object does not end it any more.",
        held.len(),
        remotes.len()
    ))?;
    let going = held.iter().filter(|object| object.is_deleted()).count();
    if going > 0 {
        output.line(&format!("{going} of them are being deleted already, and are gone the moment they are let go."))?;
    }
    let answer = output.ask("Type yes to go on: ").await?;
    if answer.eq_ignore_ascii_case("yes") { Ok(()) } else { Err(Failure::failed("nothing was let go")) }
}

fn report(held: &[Held], remotes: &[Remote], arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    if arguments.output.is_some() {
        let released: Vec<Value> = held.iter().map(Held::to_json).collect();
        let remotes: Vec<Value> = remotes.iter().map(Remote::to_json).collect();
        return output.json(&json!({"dryRun": arguments.dry_run, "released": released, "remotes": remotes}));
    }
    let would = if arguments.dry_run { "would be let go" } else { "let go" };
    held.iter().try_for_each(|object| output.line(&format!("{} {would}", object.name())))?;
    if held.is_empty() {
        output.line("Nothing is held by Hostwright.")?;
    }
    if remotes.is_empty() {
        return output.line("\nNo service has a server at a provider.");
    }
    output.line("\nServers that are still at a provider, and stay there:")?;
    let plain = |text: &str| (Tone::Plain, text.to_owned());
    let row = |remote: &Remote| remote.cells().iter().map(|cell| plain(cell)).collect();
    output.table(&Remote::HEADERS, remotes.iter().map(row).collect())
}
