//! What somebody asks the controller for by an annotation: each new value counts once.

use clap::Args;
use k8s_openapi::jiff::Timestamp;
use serde_json::json;

use super::failure::Failure;
use super::output::Output;
use super::patch::Change;
use super::service::{Named, Service};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) service: Named,
    /// Change nothing, and print the kubectl command that would
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// What is asked for.
pub(super) struct Request {
    pub(super) annotation: &'static str,
    pub(super) manager: &'static str,
    /// What happens to the service, as words that can stand after its name.
    pub(super) done: &'static str,
}

impl Request {
    /// Asks for it, or prints how kubectl would.
    pub(super) async fn make(&self, service: &Service, dry_run: bool, output: &Output) -> Result<(), Failure> {
        let token = Timestamp::now().to_string();
        let patch = json!({"metadata": {"annotations": {self.annotation: token}}});
        Change::of(service, self.manager, patch).carry_out(dry_run, self.done, output).await?;
        if service.is_paused() {
            output.remark(
                "It is paused: nothing is called until that is over (spec.paused, annotation hostwright.dev/paused).",
            );
        }
        Ok(())
    }
}
