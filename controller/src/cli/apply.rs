//! `hostwright apply`: makes the cluster as the files say, by server-side apply.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::cluster::Target;
use super::failure::Failure;
use super::manifests::{self, Applying};
use super::output::Output;

/// The name under which people write with this command.
pub(super) const MANAGER: &str = "hostwright-apply";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A file of manifests, a folder of such files, or - for standard input; may be given several times
    #[arg(short, long = "filename", value_name = "FILE|DIR|-", required = true)]
    filenames: Vec<PathBuf>,
    #[command(flatten)]
    target: Target,
    /// Ask the server what it would do, and change nothing
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "server", value_name = "server")]
    dry_run: Option<DryRun>,
    /// Take over the fields that other writers have set differently
    #[arg(long)]
    force_conflicts: bool,
}

/// How kubectl calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DryRun {
    Server,
}

impl DryRun {
    /// What is said behind every outcome.
    pub(super) fn mark(dry_run: Option<Self>) -> &'static str {
        match dry_run {
            Some(Self::Server) => " (server dry run)",
            None => "",
        }
    }
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    let Arguments { filenames, target, dry_run, force_conflicts } = arguments;
    let mut manifests = manifests::read_all(&filenames)?;
    manifests::order(&mut manifests);
    if manifests.is_empty() {
        return Err(Failure::usage("the files hold no objects"));
    }
    let (client, namespace) = target.connect().await?;
    let mut applying = Applying::new(&client, &namespace, MANAGER)
        .await?
        .only_here(target.namespace().is_some())
        .forced(force_conflicts)
        .dry_run(dry_run.is_some());
    let mut failed = 0_usize;
    for manifest in &manifests {
        match applying.apply(manifest).await {
            Ok(applied) => output.line(&format!("{} {}{}", applied.object, applied.outcome, DryRun::mark(dry_run)))?,
            Err(problems) => {
                failed += 1;
                problems.lines().for_each(|problem| output.problem(problem));
            }
        }
    }
    if failed > 0 { Err(Failure::said()) } else { Ok(()) }
}
