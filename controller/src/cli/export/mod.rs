//! `hostwright export`: everything as manifests, to apply to another cluster, where services find their remotes again.

mod carry;
mod collect;
mod destination;
mod hand_over;
mod manifest;

use std::path::PathBuf;

use clap::Args;
use kube::Client;

use super::cluster;
use super::failure::Failure;
use super::installed::Installed;
use super::output::{self, Output};
use super::program;
use collect::{Collected, LeftOut};
use destination::Destination;

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(super) struct Arguments {
    /// Kubeconfig of the cluster; absent: KUBECONFIG, ~/.kube/config, /var/lib/hostwright/kubeconfig, or the Pod's
    /// service account
    #[arg(long, value_name = "FILE", env = "HOSTWRIGHT_KUBECONFIG")]
    kubeconfig: Option<PathBuf>,
    /// A new file, or with a / at its end a new or empty folder; only the owner may read it. Absent: standard output
    #[arg(long, value_name = "FILE|DIR/")]
    out: Option<PathBuf>,
    /// Leave out the Secrets with the credentials of panels
    #[arg(long)]
    without_secrets: bool,
    /// With the CustomResourceDefinitions, in a file or folder that is applied first
    #[arg(long)]
    crds: bool,
    /// Namespace of the controller; absent: found by the installation's record
    #[arg(long, value_name = "NAMESPACE", env = "HOSTWRIGHT_CREDENTIALS_NAMESPACE")]
    credentials_namespace: Option<String>,
    /// Give the installation to another cluster: from now on the controller of this one does nothing
    #[arg(long)]
    hand_over: bool,
    /// Take back an installation that was handed over and that no other cluster took; exports nothing
    #[arg(long, conflicts_with_all = ["hand_over", "out", "crds", "without_secrets"])]
    take_back: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    let client = cluster::connect_also_here(arguments.kubeconfig.as_deref()).await?;
    let installed = Installed::find(&client, arguments.credentials_namespace.as_deref()).await?;
    if arguments.take_back {
        return take_back(&client, &installed, arguments.yes, output).await;
    }
    if arguments.out.is_none() && !arguments.without_secrets {
        return Err(Failure::usage(
            "Secrets do not go to standard output, where they end in files that anybody may read; add --out FILE, or \
             --without-secrets",
        ));
    }
    if arguments.out.is_none() && arguments.crds {
        return Err(Failure::usage("--crds needs --out, since definitions are applied before everything else"));
    }
    // Before anything is handed over: a file that cannot be written is found out now.
    let destination = Destination::open(arguments.out.as_deref())?;
    if arguments.hand_over {
        let collected = collect::collect(&client, &installed, arguments.without_secrets).await?;
        hand_over::check(&collected)?;
        agree(&installed, arguments.yes, output).await?;
        hand_over::hand_over(&client, &installed).await?;
    }
    let collected = collect::collect(&client, &installed, arguments.without_secrets).await?;
    destination.write(&collected, arguments.crds, output)?;
    say(&collected, &installed, &arguments, output);
    Ok(())
}

async fn agree(installed: &Installed, yes: bool, output: &Output) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !output::can_ask() {
        return Err(Failure::usage(
            "--hand-over stops the controller of this cluster, and this is no terminal to ask on; add --yes",
        ));
    }
    let id = installed.id().unwrap_or_default();
    output.line(&format!(
        "From now on the controller of this cluster does nothing: the installation {id} is for the cluster that these \
         manifests are applied to."
    ))?;
    let answer = output.ask("Type yes to go on: ").await?;
    if answer.eq_ignore_ascii_case("yes") {
        Ok(())
    } else {
        Err(Failure::failed("nothing was handed over or exported"))
    }
}

async fn take_back(client: &Client, installed: &Installed, yes: bool, output: &Output) -> Result<(), Failure> {
    let Some(since) = installed.handed_over() else {
        return output.line("This installation was not handed over.");
    };
    if !yes {
        if !output::can_ask() {
            return Err(Failure::usage(
                "this is no terminal to ask on; make sure that no other cluster acts, then add --yes",
            ));
        }
        output.line(&format!(
            "This installation was handed over at {since}. If the controller of another cluster acts on its servers now, \
             both do, and work against each other. Stop the other one first."
        ))?;
        if !output.ask("Type yes to take it back: ").await?.eq_ignore_ascii_case("yes") {
            return Err(Failure::failed("nothing was taken back"));
        }
    }
    hand_over::take_back(client, installed).await?;
    output.line("Taken back: the controller of this cluster goes on.")
}

/// What was exported, what was not, and what comes next.
fn say(collected: &Collected, installed: &Installed, arguments: &Arguments, output: &Output) {
    output.remark(&format!("Exported {}.", collected.summary()));
    for LeftOut { object, why, .. } in &collected.left_out {
        output.remark(&format!("Left out: {object}: {why}"));
    }
    let id = installed.id().unwrap_or("the same");
    output.remark("");
    if arguments.hand_over {
        output.remark("This installation is handed over: the controller of this cluster does nothing any more.");
        output.remark(&format!("Undo that, if no other cluster took it: {} export --take-back", program::name()));
    } else {
        output.remark(
            "This is a copy. Two controllers with one installation id work against each other on the panels: before another \
             one starts on it, stop that of this cluster for good, or export with --hand-over, which does that.",
        );
    }
    output.remark("");
    output.remark("On the other cluster:");
    let mut steps = arguments.out.as_deref().map(|out| destination::steps(out, arguments.crds)).unwrap_or_default();
    let namespace = installed.namespace();
    steps.push(format!("start its controller with --installation-id {id} --credentials-namespace {namespace}"));
    let confirm = "say that the servers there are that cluster's now; nothing is ended before";
    steps.extend(
        collected.instances.iter().map(|instance| format!("{} confirm {instance}: {confirm}", program::name())),
    );
    for (number, step) in (1..).zip(&steps) {
        output.remark(&format!("  {number}. {step}"));
    }
}
