//! `hostwright unsuspend`: lifts what one holder suspended, and nothing of others.

use clap::Args;
use serde_json::{Value, json};

use super::failure::Failure;
use super::holder;
use super::output::Output;
use super::patch::Change;
use super::service::{Named, Service};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    service: Named,
    /// Whose suspension is lifted, such as billing or abuse-desk
    #[arg(long, value_name = "HOLDER")]
    holder: Option<String>,
    /// Change nothing, and print the kubectl command that would
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    let Arguments { service, holder, dry_run } = arguments;
    let holder = holder::parse(holder.as_deref())?;
    let service = service.read().await?;
    if service.at("/spec/suspensions")[holder].is_null() {
        return Err(Failure::failed(not_held(&service, holder)));
    }
    let change = Change::of(&service, "hostwright-unsuspend", json!({"spec": {"suspensions": {holder: Value::Null}}}));
    change.carry_out(dry_run, &format!("no longer suspended by {holder}"), output).await?;
    let others: Vec<&str> = holder::in_force(&service).into_iter().filter(|other| *other != holder).collect();
    if !others.is_empty() {
        output.remark(&format!("Still suspended by: {}", holder::told(&service, &others)));
    }
    Ok(())
}

fn not_held(service: &Service, holder: &str) -> String {
    let title = service.title();
    let holders = holder::in_force(service);
    if !holders.is_empty() {
        return format!(
            "{title}: {holder} does not suspend it, and nothing was changed. It is suspended by: {}",
            holder::told(service, &holders)
        );
    }
    let elsewhere = if service.ready().is_some_and(|ready| ready["reason"] == "External") {
        "; it was suspended on the panel, where it has to be lifted too"
    } else {
        ", nor does anybody else"
    };
    format!("{title}: {holder} does not suspend it{elsewhere}. Nothing was changed")
}

#[cfg(test)]
mod tests {
    use super::super::service::fixture::{alice, cluster};
    use super::*;

    #[tokio::test]
    async fn a_holder_that_does_not_hold_is_answered_with_those_that_do() {
        let client = cluster().await;
        let suspensions = json!({"abuse-desk": {"reason": "TermsOfService"}});
        let told = json!({"suspendedBy": ["abuse-desk"]});
        let service = alice(&client, |order| order["spec"]["suspensions"] = suspensions, told).await;
        let said = not_held(&service, "abuse");
        assert!(said.contains("suspended by: abuse-desk (TermsOfService), lifted by --holder abuse-desk"), "{said}");
    }

    #[tokio::test]
    async fn what_was_suspended_on_the_panel_is_lifted_there() {
        let client = cluster().await;
        let ready = json!({"type": "Ready", "status": "False", "reason": "External", "message": "suspended on the panel",
            "lastTransitionTime": "2026-01-01T00:00:00Z"});
        let service = alice(&client, |_| {}, json!({"conditions": [ready]})).await;
        assert!(not_held(&service, "billing").contains("on the panel"), "{}", not_held(&service, "billing"));
    }
}
