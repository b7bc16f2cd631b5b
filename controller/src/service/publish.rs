//! Writes down what a pass found: one status write if anything changed, and events for what is news.

use std::time::Duration;

use hostwright_crds::{HostingService, HostingServiceStatus, condition, reason};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use k8s_openapi::jiff::Timestamp;
use kube::runtime::controller::Action;
use kube::{Resource as _, ResourceExt as _};

use super::Error;
use super::execute::Flow;
use super::fold::{Finding, Notice};
use super::pass::Pass;
use super::plan::Step;
use super::situation::Provider;
use crate::context::{Context, Guarded};
use crate::kube::{EventType, fenced};

/// A service that nothing will wake is looked at this often. No call is made for a settled one.
const IDLE: Duration = Duration::from_hours(1);
/// A service that waits for something nobody announces is looked at this often.
const WAITING: Duration = Duration::from_mins(1);

/// What is due and cannot be done yet is looked at this often.
const DUE: Duration = Duration::from_secs(10);

/// Writes it down, and says when to come back.
///
/// # Errors
/// When the status could not be written.
pub async fn publish(pass: &mut Pass, end: &Flow) -> Result<Action, Error> {
    let step = match end {
        Flow::Gone => {
            announce(pass, None, false).await;
            return Ok(Action::await_change());
        }
        Flow::Finish(step) => step.clone(),
        Flow::Again => Step::Settled,
    };
    if matches!(pass.resolved.provider, Provider::Starting) && pass.findings.is_empty() {
        // The process is still getting to know the instance, which is nothing to report.
        return Ok(Action::requeue(WAITING));
    }
    let before = ready(pass.service.status.as_ref()).cloned();
    let changed = Box::pin(write(pass, &step)).await?;
    announce(pass, before.as_ref(), changed).await;
    Ok(Action::requeue(next_visit(pass, &step)))
}

/// True when something was written.
async fn write(pass: &mut Pass, step: &Step) -> Result<bool, Error> {
    let status = pass.status_for(step);
    if pass.service.status.as_ref() == Some(&status) {
        return Ok(false);
    }
    if !must_land(pass) {
        if !pass.ctx.leadership.holds() {
            return Err(Error::NotLeading);
        }
        let written = fenced::write_status(&pass.ctx.client, &pass.service, status).await?;
        pass.wrote(written);
        return Ok(true);
    }
    // What happened at a provider stays true, whoever leads and whoever wrote meanwhile.
    let planned_on = pass.service.metadata.resource_version.clone();
    let landed = Box::pin(fenced::fold_status(&pass.ctx.client, &pass.service, |latest| {
        if latest.metadata.resource_version == planned_on { status.clone() } else { pass.status_on(latest) }
    }));
    if let Some(written) = landed.await? {
        pass.wrote(written);
    }
    Ok(true)
}

fn must_land(pass: &Pass) -> bool {
    // What is known of the attempt whose answer is kept stands nowhere else.
    pass.remembered().unstored.is_some()
        || pass.findings.iter().any(|finding| {
            matches!(finding, Finding::Answered(..) | Finding::NotCalled(_) | Finding::Ended | Finding::Attached(..))
        })
}

fn ready(status: Option<&HostingServiceStatus>) -> Option<&Condition> {
    condition::find(&status?.conditions, condition::READY)
}

/// Events for what happened, and for a service that turned from well to ill.
async fn announce(pass: &mut Pass, before: Option<&Condition>, changed: bool) {
    let mut notices = std::mem::take(&mut pass.notices);
    let told = notices.iter().any(|notice| notice.warning);
    if let Some(trouble) = new_trouble(pass, before).filter(|_| changed && !told) {
        notices.push(trouble);
    }
    let reference = pass.service.object_ref(&());
    for Notice { reason, message, warning } in notices {
        let kind = if warning { EventType::Warning } else { EventType::Normal };
        pass.ctx.events.publish(reference.clone(), kind, reason, reason, &message).await;
    }
}

/// Trouble that a status write has just brought up.
fn new_trouble(pass: &Pass, before: Option<&Condition>) -> Option<Notice> {
    let now = ready(pass.service.status.as_ref()).filter(|now| now.status == "False")?;
    let known = before.is_some_and(|before| before.status == now.status && before.reason == now.reason);
    let trouble = reason::find(&now.reason).filter(|reason| !is_progress(reason.name))?;
    (!known).then(|| Notice { reason: trouble.name, message: now.message.clone(), warning: true })
}

/// An object that does not match its schema is left alone, and says so where people look.
pub async fn unreadable(object: &Guarded<HostingService>, error: &str, ctx: &Context) {
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    tracing::warn!(namespace, name, error, "a HostingService does not match its schema; it is left as it is");
    if ctx.leadership.holds() {
        let message = format!("the stored object does not match the schema, so nothing is called: {error}");
        let reference = object.object_ref(&());
        ctx.events
            .publish(reference, EventType::Warning, reason::INVALID_OBJECT, reason::INVALID_OBJECT, &message)
            .await;
    }
}

/// Reasons of a service that is on its way.
fn is_progress(name: &str) -> bool {
    [
        reason::PENDING,
        reason::PROVISIONING,
        reason::CREATING,
        reason::UPDATING,
        reason::ROTATING,
        reason::SUSPENDING,
        reason::UNSUSPENDING,
        reason::TERMINATING,
        reason::OUTCOME_UNKNOWN,
        reason::INSTANCE_NOT_READY,
        reason::PAUSED,
        reason::PROVIDER_BUSY,
    ]
    .contains(&name)
}

/// What is due by date wakes the service, whatever else it waits for.
fn next_visit(pass: &Pass, step: &Step) -> Duration {
    let status = pass.service.status.as_ref();
    let next = status.and_then(|status| status.next_transition.as_ref()?.at.as_ref());
    // One that is past waits for a clock, or for the brake.
    let due_in = next.map(|at| Duration::try_from(pass.ctx.clock.now().duration_until(at.0)).unwrap_or_default());
    let due_in = due_in.map(|wait| if wait.is_zero() { DUE } else { wait });
    let idle = visit(pass, step);
    let looked_for = pass.passwords_due.map(|due| until(pass, due));
    [due_in, looked_for].into_iter().flatten().fold(idle, Duration::min)
}

fn until(pass: &Pass, at: Timestamp) -> Duration {
    let wait = pass.ctx.clock.now().duration_until(at);
    Duration::try_from(wait).unwrap_or_default().max(Duration::from_secs(1))
}

fn visit(pass: &Pass, step: &Step) -> Duration {
    match step {
        Step::Settled => match pass.binds_at() {
            Some(at) => until(pass, at),
            None => pass.turns_stale_in().unwrap_or(IDLE),
        },
        Step::Wait(wait) => {
            let otherwise = if wait.stalled { IDLE } else { WAITING };
            wait.until.map_or(otherwise, |at| until(pass, at))
        }
        // There is more to do, and this pass has done its share.
        _ => Duration::ZERO,
    }
}
