//! `hostwright recreate`: a new, empty server for a service that has ended, or whose server something else removed.

mod keeping;
mod order;
mod replace;
mod verdict;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use k8s_openapi::jiff::Timestamp;
use serde_json::json;

use super::failure::Failure;
use super::output::Output;
use super::patch::Change;
use super::service::{Named, Service};
use super::{agreement, cancel, delete, patch};
use keeping::Keeping;
use verdict::Verdict;

/// The name under which people write with this command.
const MANAGER: &str = "hostwright-recreate";

const EXPLAINED: &str = "\
Ending is final on an object. A service that has ended is deleted, and the same order is made again as another object, without \
what would end the new one; until that is there, a file keeps the order.

Where something else removed the server, and nothing is called because of that (RemoteMissing), the object stays, and \
spec.onRemoteMissing becomes Recreate.

A server that is still there is never touched.";

#[derive(Debug, Args)]
#[command(after_help = EXPLAINED)]
pub(super) struct Arguments {
    #[command(flatten)]
    service: Named,
    /// Until when the new one is paid; needed where that of the old one is past
    #[arg(long, value_name = "TIME", value_parser = cancel::time)]
    paid_until: Option<Timestamp>,
    /// Keep the order in this new file, for good; absent: in recreate-NAME.yaml until the new object is there
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The longest that is waited until the old object is gone, such as 90s or 10m
    #[arg(long, default_value = "1m", value_parser = delete::duration, value_name = "TIME")]
    timeout: Duration,
    /// Change nothing, and print what kubectl would have to be told
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    let name = arguments.service.name.clone();
    let service = arguments.service.read().await.map_err(|failure| keeping::after_an_attempt(&name, failure))?;
    match verdict::of(&service) {
        Verdict::Refused(why) => Err(Failure::failed(why)),
        Verdict::Missing => allow(&service, &arguments, output).await,
        Verdict::Ended => anew(&service, &arguments, output).await,
    }
}

/// The controller makes a new remote itself once it may.
async fn allow(service: &Service, arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    if arguments.out.is_some() || arguments.paid_until.is_some() {
        return Err(Failure::usage(format!(
            "{}: its server is missing, and its object stays, so --out and --paid-until are of no use; leave them out",
            service.title()
        )));
    }
    let change = Change::of(service, MANAGER, json!({"spec": {"onRemoteMissing": "Recreate"}}));
    if !arguments.dry_run {
        let warning = format!(
            "{} gets a new, empty server: what was on the old one is gone, unless the panel has a backup of it. \
             onRemoteMissing stays Recreate, also for the next time.",
            service.title()
        );
        agreement::ask(&warning, arguments.yes, output).await?;
    }
    change.carry_out(arguments.dry_run, "gets a new server", output).await
}

/// Another object takes its place.
async fn anew(service: &Service, arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let order = order::of(service, arguments.paid_until, Timestamp::now())?;
    let text = keeping::text(service, &order.manifest)?;
    order.left_out.iter().for_each(|left| output.remark(&format!("Left out: {left}")));
    replace::check(service, &order.manifest).await?;
    if arguments.dry_run {
        let (namespace, name) = (service.namespace(), arguments.service.name.as_str());
        return output.text(&format!(
            "# kubectl -n {namespace} delete hsvc {name}\n# kubectl create -f FILE, with this text in it:\n{text}"
        ));
    }
    let keeping = Keeping::at(&arguments.service.name, arguments.out.as_deref())?;
    let warning = format!("{} is deleted and made anew, for a new, empty server.", service.title());
    agreement::ask(&warning, arguments.yes, output).await?;
    keeping.write(&text)?;
    if let Err(refusal) = replace::delete(service).await {
        let failure = Failure::failed(patch::explained(service, &refusal));
        return Err(if refusal.is_definite() { keeping.forget(failure) } else { keeping.hint(&failure) });
    }
    let made = replace::make_again(service, &order.manifest, arguments.timeout, output).await;
    made.map_err(|failure| keeping.hint(&failure))?;
    keeping.let_go();
    output.line(&format!("{} recreated; see how it is: {}", service.title(), service.command("status")))
}
