//! `hostwright rotate`: asks for new credentials. The old ones stop working.

use clap::Args;
use hostwright_crds::annotation;
use k8s_openapi::jiff::Timestamp;
use serde_json::json;

use super::failure::Failure;
use super::output::Output;
use super::patch::Change;
use super::service::{Named, Service};

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
    if let Some(ended) = service.ended() {
        let title = service.title();
        return Err(Failure::failed(format!(
            "{title} ended at {ended}, and nobody logs in any more; nothing was changed"
        )));
    }
    let token = Timestamp::now().to_string();
    let patch = json!({"metadata": {"annotations": {annotation::ROTATE_REQUESTED_AT: token}}});
    let change = Change::of(&service, "hostwright-rotate", patch);
    change.carry_out(arguments.dry_run, "is given new credentials", output).await?;
    if !arguments.dry_run {
        output.remark(&where_they_are(&service));
    }
    if service.is_paused() {
        output.remark(
            "It is paused: nothing is called until that is over (spec.paused, annotation hostwright.dev/paused).",
        );
    }
    Ok(())
}

fn where_they_are(service: &Service) -> String {
    let secret = service.text("/status/credentials/secretName");
    let look = service.command("history");
    if secret.is_empty() {
        return format!("So far it has none, and its plugin may issue none. What came of it: {look}");
    }
    format!("Once they are issued they are in Secret {}/{secret}. What came of it: {look}", service.namespace())
}

#[cfg(test)]
mod tests {
    use super::super::service::fixture::{alice, cluster};
    use super::*;

    #[tokio::test]
    async fn it_says_where_new_credentials_will_be() {
        let client = cluster().await;
        let status = json!({"credentials": {"secretName": "alice-credentials", "keys": ["password"]}});
        let service = alice(&client, |_| {}, status).await;
        assert!(
            where_they_are(&service).contains("Secret customers/alice-credentials"),
            "{}",
            where_they_are(&service)
        );
    }
}
