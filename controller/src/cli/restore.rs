//! `hostwright restore`: a data folder for `hostwright standalone` out of a backup.

use std::path::PathBuf;

use clap::Args;

use super::failure::Failure;
use super::output::Output;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Backup, made by `hostwright backup`
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Folder to make; one that exists has to be empty
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let Arguments { from, data_dir } = arguments;
    hostwright_apiserver::restore(from, data_dir)
        .map_err(|error| Failure::failed(format!("nothing is restored: {error}")))?;
    let data_dir = data_dir.display();
    output.line(&format!(
        "{data_dir} holds what the backup held. Never run it beside the original: both would act on the same servers.\n\
         Start it: hostwright standalone --data-dir {data_dir}"
    ))
}
