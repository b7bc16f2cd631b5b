//! `hostwright reconcile`: asks for one attempt now, whatever pause an earlier failure asked for.

use clap::Args;
use hostwright_crds::annotation;
use k8s_openapi::jiff::Timestamp;
use serde_json::json;

use super::failure::Failure;
use super::output::Output;
use super::patch::Change;
use super::service::Named;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    service: Named,
    /// Change nothing, and print the kubectl command that would
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    let service = arguments.service.read().await?;
    let token = Timestamp::now().to_string();
    let patch = json!({"metadata": {"annotations": {annotation::RECONCILE_REQUESTED_AT: token}}});
    let change = Change::of(&service, "hostwright-reconcile", patch);
    change.carry_out(arguments.dry_run, "is looked at now", output).await?;
    if service.is_paused() {
        output.remark(
            "It is paused: nothing is called until that is over (spec.paused, annotation hostwright.dev/paused).",
        );
    }
    Ok(())
}
