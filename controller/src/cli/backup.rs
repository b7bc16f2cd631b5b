//! `hostwright backup`: a copy of everything that `hostwright standalone` keeps, while it runs.

use std::path::PathBuf;

use clap::Args;

use super::failure::Failure;
use super::output::Output;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Data folder of `hostwright standalone`, which may be running
    #[arg(long, value_name = "DIR", env = "HOSTWRIGHT_DATA_DIR")]
    data_dir: PathBuf,
    /// File to make; one that exists is not replaced
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let Arguments { data_dir, to } = arguments;
    hostwright_apiserver::backup(data_dir, to).map_err(|error| Failure::failed(format!("no backup: {error}")))?;
    let (to, data_dir) = (to.display(), data_dir.display());
    output.line(&format!("{to} holds everything of {data_dir}, passwords too, and was read back without a fault."))
}
