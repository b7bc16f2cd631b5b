//! The command line: one file a subcommand.

mod agreement;
mod apply;
mod backup;
mod builtins;
mod cancel;
mod cluster;
mod confirm;
mod crds;
mod delete;
mod demo;
mod describe;
mod effective;
mod export;
mod failure;
mod get;
mod history;
mod holder;
mod import;
mod installed;
mod kinds;
mod kubeconfig;
mod manifests;
mod orphans;
mod output;
mod panel;
mod patch;
mod plan;
mod plugins;
mod program;
mod progress;
mod reconcile;
mod recreate;
mod release;
mod remote;
mod request;
mod restore;
mod rotate;
mod run;
mod selection;
mod service;
mod signal;
mod standalone;
mod status;
mod suspend;
mod unsuspend;
mod validate;
mod view;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};

use output::Output;

/// Drives hosting services at their providers from Kubernetes objects.
#[derive(Debug, Parser)]
#[command(name = "hostwright", version, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Try it: an embedded Kubernetes API, a demo game panel and the controller, in this process
    Demo(demo::Arguments),
    /// Run the controller against a Kubernetes cluster
    Run(run::Arguments),
    /// Run on one machine without a cluster: a durable Kubernetes API and the controller, in this process
    Standalone(standalone::Arguments),
    /// Copy everything that standalone keeps into one file, while it runs
    Backup(backup::Arguments),
    /// Make a data folder for standalone out of a backup
    Restore(restore::Arguments),
    /// Show objects: services where no type is named
    Get(get::Arguments),
    /// Explain objects: what they are, what is wrong, what to do, what happened
    Describe(describe::Arguments),
    /// Say in short how a service is and what to do; the exit code is 0 where it is ready
    Status(status::Arguments),
    /// Show what was done about a service, newest first
    History(history::Arguments),
    /// Suspend a service, for one holder: the customer keeps everything and cannot use it
    Suspend(suspend::Arguments),
    /// Lift what one holder suspended
    Unsuspend(unsuspend::Arguments),
    /// End a service, now or on a date, or take that back
    Cancel(cancel::Arguments),
    /// Ask for one attempt now, whatever pause an earlier failure asked for
    Reconcile(reconcile::Arguments),
    /// Ask for new credentials of a service; the old ones stop working
    Rotate(rotate::Arguments),
    /// Make a service anew that has ended, or whose server something else removed: new, and empty
    Recreate(recreate::Arguments),
    /// Apply manifests to a cluster, as `kubectl apply --server-side` does
    Apply(apply::Arguments),
    /// Delete objects, and wait until they are gone
    Delete(delete::Arguments),
    /// Write everything as manifests for another cluster, where services find their servers again
    Export(export::Arguments),
    /// Before an uninstall: let go of what only a controller lets go, and list the servers that stay
    Release(release::Arguments),
    /// Print the CustomResourceDefinitions: hostwright crds | kubectl apply -f -
    Crds(crds::Arguments),
    /// Check manifests without a cluster: schema, rules, the plugin's fields, and what they refer to
    Validate(validate::Arguments),
    /// Ask the provider, and print what applying manifests would create, change, disturb or destroy
    Plan(plan::Arguments),
    /// List what a provider has and whose it is, and write manifests that take over what nobody knows
    Import(import::Arguments),
    /// List what carries our mark at a provider and no object knows, and remove one of it
    Orphans(orphans::Arguments),
    /// Show what a provider would get for a service, and where each value is from
    Effective(effective::Arguments),
    /// Show the plugins that are built in, what they can do and which settings they take
    Plugins(plugins::Arguments),
    /// Confirm what a ProviderInstance waits for: another panel, many missing remotes, remotes already there
    Confirm(confirm::Arguments),
}

/// Reads the command line. What it says about itself is under the name by which it was called.
pub fn arguments() -> Arguments {
    let matches = Arguments::command().bin_name(program::name()).get_matches();
    Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// For programs instead of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Json,
}

/// Carries out a subcommand. The exit code is 0 where it succeeded, 1 where it did not, 2 where it was asked wrongly.
pub async fn run(arguments: Arguments) -> ExitCode {
    let output = Output::detect();
    let done = match arguments.command {
        Command::Demo(arguments) => demo::run(arguments, &output).await,
        Command::Run(arguments) => run::run(arguments).await,
        Command::Standalone(arguments) => standalone::run(arguments, &output).await,
        Command::Backup(arguments) => backup::run(&arguments, &output),
        Command::Restore(arguments) => restore::run(&arguments, &output),
        Command::Get(arguments) => get::run(arguments, &output).await,
        Command::Describe(arguments) => describe::run(arguments, &output).await,
        Command::Status(arguments) => status::run(arguments, &output).await,
        Command::History(arguments) => history::run(arguments, &output).await,
        Command::Suspend(arguments) => suspend::run(arguments, &output).await,
        Command::Unsuspend(arguments) => unsuspend::run(arguments, &output).await,
        Command::Cancel(arguments) => cancel::run(arguments, &output).await,
        Command::Reconcile(arguments) => reconcile::run(arguments, &output).await,
        Command::Rotate(arguments) => rotate::run(arguments, &output).await,
        Command::Recreate(arguments) => recreate::run(arguments, &output).await,
        Command::Apply(arguments) => apply::run(arguments, &output).await,
        Command::Delete(arguments) => delete::run(arguments, &output).await,
        Command::Export(arguments) => export::run(arguments, &output).await,
        Command::Release(arguments) => release::run(arguments, &output).await,
        Command::Crds(arguments) => crds::run(&arguments, &output),
        Command::Validate(arguments) => validate::run(arguments, &output).await,
        Command::Plan(arguments) => plan::run(arguments, &output).await,
        Command::Import(arguments) => import::run(arguments, &output).await,
        Command::Orphans(arguments) => orphans::run(arguments, &output).await,
        Command::Effective(arguments) => effective::run(arguments, &output).await,
        Command::Plugins(arguments) => plugins::run(&arguments, &output),
        Command::Confirm(arguments) => confirm::run(arguments, &output).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message() {
                output.problem(message);
            }
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Says that there is no runtime to run in.
pub fn cannot_start(error: &std::io::Error) -> ExitCode {
    Output::detect().problem(&format!("cannot start threads: {error}"));
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
