//! Carries out one step. The effects on the cluster and on the provider are here and in `mutate`, nowhere else.

use std::sync::Arc;
use std::time::Duration;

use hostwright_crds::{Identity, Verb, annotation, reason};
use hostwright_plugin::{Class, Error as CallError, Observation, Plugin};
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;

use super::beforehand::{self, Question};
use super::credentials;
use super::fold::{Finding, Notice};
use super::mutate;
use super::pass::Pass;
use super::passwords;
use super::plan::{Attachment, Conclusion, ReleaseReason, Step, Wait};
use super::record::{self, Record};
use super::situation::Look;
use super::{Error, FORBIDDEN_CODE};
use crate::instance;
use crate::kube::{WriteError, fenced};
use crate::providers::{CallKind, Held, Hold, Permit, Runtime};

/// Where a pass goes after a step.
#[derive(Debug, Clone, PartialEq)]
pub enum Flow {
    /// Plan again.
    Again,
    /// Nothing more in this pass; report as if this step came next.
    Finish(Step),
    /// The object is gone.
    Gone,
}

/// Carries out a step.
///
/// # Errors
/// When a write to the cluster was refused or lost its race: the pass ends, and another one starts from the latest object.
pub async fn execute(pass: &mut Pass, step: Step) -> Result<Flow, Error> {
    match step {
        Step::Release(why) => release(pass, why).await,
        Step::Wait(_) => Ok(Flow::Finish(step)),
        Step::Settled => Ok(settled(pass)),
        Step::TakeFinalizer => take_finalizer(pass).await,
        // Nothing is recorded of what cannot be made yet.
        Step::Record if makes_one(pass) && passwords::are_missing(pass).await? => Ok(Flow::Again),
        Step::Record if makes_one(pass) => match credentials::unstorable(pass).await {
            Some(flow) => Ok(flow),
            None => record(pass).await,
        },
        Step::Record => record(pass).await,
        Step::Observe => observe(pass).await,
        Step::Verify => verify(pass).await,
        Step::Poll => mutate::poll(pass).await,
        Step::Attach(how) => attach(pass, how).await,
        Step::Conclude(conclusion) => {
            if conclusion == Conclusion::TookEffect && is_creating(pass) {
                credentials::recall(pass).await?;
            }
            pass.found(Finding::Concluded(conclusion));
            Ok(Flow::Again)
        }
        Step::ResolvedAsAbsent => resolved_as_absent(pass).await,
        Step::Forget => {
            pass.found(Finding::Forgot);
            Ok(Flow::Again)
        }
        Step::AssumeAttempt => {
            pass.found(Finding::AssumedAttempt);
            Ok(Flow::Again)
        }
        Step::ReportMissing => {
            pass.found(Finding::WentMissing);
            Ok(Flow::Again)
        }
        Step::End => end(pass).await,
        Step::Create if passwords::are_missing(pass).await? => Ok(Flow::Again),
        Step::Create | Step::Adopt | Step::Scale | Step::ChangePackage if takes_a_unit(pass).await? => Ok(Flow::Again),
        Step::ChangePackage => {
            pass.found(Finding::ChangedPackage);
            Ok(Flow::Again)
        }
        Step::NoteRenewal(until) => {
            pass.found(Finding::NotedRenewal(until));
            Ok(Flow::Again)
        }
        Step::ResolveRenewal(conclusion) => resolve_renewal(pass, conclusion).await,
        Step::RefuseRotation(token) => {
            pass.found(Finding::RotationRefused(token));
            Ok(Flow::Again)
        }
        Step::Create => create(pass).await,
        Step::Rotate => match credentials::unprepared(pass, Verb::Rotate).await? {
            Some(flow) => Ok(flow),
            None => mutate::mutate(pass, Verb::Rotate, false).await,
        },
        Step::Adopt => mutate::mutate(pass, Verb::Adopt, false).await,
        Step::Suspend => mutate::mutate(pass, Verb::Suspend, false).await,
        Step::Unsuspend => mutate::mutate(pass, Verb::Unsuspend, false).await,
        Step::Scale => match beforehand::refused(pass, Question::Change).await? {
            Some(flow) => Ok(flow),
            None => mutate::mutate(pass, Verb::Scale, false).await,
        },
        Step::Renew => mutate::mutate(pass, Verb::Renew, false).await,
        Step::Terminate { force } => mutate::mutate(pass, Verb::Terminate, force).await,
    }
}

async fn create(pass: &mut Pass) -> Result<Flow, Error> {
    if let Some(flow) = beforehand::refused(pass, Question::Order).await? {
        return Ok(flow);
    }
    let asked = pass.ctx.clock.now();
    let unprepared = credentials::unprepared(pass, Verb::Create).await?;
    // A record written a while ago says nothing of what was changed since.
    pass.just_recorded &= pass.ctx.clock.now().duration_since(asked).as_secs() <= 1;
    match unprepared {
        Some(flow) => Ok(flow),
        None => mutate::mutate(pass, Verb::Create, false).await,
    }
}

fn is_creating(pass: &Pass) -> bool {
    pass.status.operation.as_ref().is_some_and(|operation| operation.verb == Verb::Create)
}

async fn release(pass: &mut Pass, why: ReleaseReason) -> Result<Flow, Error> {
    if !pass.service.finalizers().iter().any(|known| known == hostwright_crds::FINALIZER) {
        return Ok(Flow::Gone);
    }
    if !pass.ctx.leadership.holds() {
        return Err(Error::NotLeading);
    }
    // Fenced by the version that was planned on, so this is the live re-read too.
    fenced::release_finalizer(&pass.ctx.client, &pass.service, None).await?;
    let remote = pass.status.remote.as_ref().map(|remote| remote.id.clone());
    let notice = match (why, remote) {
        (ReleaseReason::Retained, Some(id)) => {
            Some((reason::RELEASED, format!("released; remote {id} stays at the provider, by deletionPolicy Retain")))
        }
        (ReleaseReason::Ended, Some(id)) => Some((reason::TERMINATED, format!("remote {id} was ended"))),
        _ => None,
    };
    if let Some((reason, message)) = notice {
        pass.notices.push(Notice { reason, message, warning: false });
    }
    Ok(Flow::Gone)
}

/// What is not needed any more is not kept.
fn settled(pass: &mut Pass) -> Flow {
    let (uid, doubt) = (pass.uid().to_owned(), pass.doubt.take());
    pass.ctx.memory.update(&uid, |remembered| {
        remembered.unsettled = false;
        if let Some(doubt) = doubt {
            remembered.explained = Some(doubt);
        }
    });
    if pass.status.operation.is_some() && !pass.mutated {
        pass.found(Finding::Dropped);
    }
    Flow::Finish(Step::Settled)
}

/// Whether nothing was ever recorded of this object.
fn is_fresh(pass: &Pass) -> bool {
    pass.record == Record::None && pass.status.external_id.is_none()
}

/// Whether the first record is that of a remote which is to be made.
fn makes_one(pass: &Pass) -> bool {
    is_fresh(pass) && record::adopts(&pass.service, Some(&pass.status)).is_none()
}

/// Writes the identity record. A conflict proves that the cached object was stale, and ends the pass.
async fn record(pass: &mut Pass) -> Result<Flow, Error> {
    let identity = record::up_to_date(identity(pass), &pass.service, &pass.status);
    let fresh = is_fresh(pass);
    let leave = if fresh { instance::may_record(&pass.ctx, &identity.instance).await } else { None };
    if fresh && leave.is_none() {
        // It was deleted since this was planned, and may be gone the next moment.
        return Err(Error::Write(WriteError::Conflict));
    }
    if fresh && let Some(package) = &identity.package {
        // The record holds the unit from here on.
        if let Err(hold) = instance::reserve(&pass.ctx, &identity.instance, &pass.service, package).await {
            pass.order = Err(hold);
            return Ok(Flow::Again);
        }
    }
    write_identity(pass, &identity, true).await?;
    pass.just_recorded = fresh;
    Ok(Flow::Again)
}

/// Another package than the one it has a unit of: the record holds both until the outcome is definite. True when there is
/// to be planned again.
async fn takes_a_unit(pass: &mut Pass) -> Result<bool, Error> {
    let (Ok(order), Record::Ours(identity)) = (&pass.order, &pass.record) else { return Ok(false) };
    let package = order.package.clone();
    if !record::changes_package(identity, &pass.status, &package) {
        return Ok(false);
    }
    match instance::reserve(&pass.ctx, &identity.instance, &pass.service, &package).await {
        Err(hold) => {
            pass.order = Err(hold);
            Ok(true)
        }
        Ok(false) => Ok(false),
        Ok(true) => {
            let both = Identity { changed_to: Some(package), ..identity.clone() };
            write_identity(pass, &both, false).await?;
            Ok(true)
        }
    }
}

async fn take_finalizer(pass: &mut Pass) -> Result<Flow, Error> {
    if !pass.ctx.leadership.holds() {
        return Err(Error::NotLeading);
    }
    let written = fenced::add_finalizer(&pass.ctx.client, &pass.service).await?;
    pass.wrote(written);
    Ok(Flow::Again)
}

async fn resolved_as_absent(pass: &mut Pass) -> Result<Flow, Error> {
    take_word(pass, annotation::RESOLVE_CREATE).await?;
    pass.found(Finding::Concluded(Conclusion::HadNoEffect));
    Ok(Flow::Again)
}

async fn resolve_renewal(pass: &mut Pass, conclusion: Conclusion) -> Result<Flow, Error> {
    take_word(pass, annotation::RESOLVE_RENEW).await?;
    pass.found(Finding::ResolvedRenewal(conclusion));
    Ok(Flow::Again)
}

/// A person's word counts for one attempt: the annotation goes before it is acted on.
async fn take_word(pass: &mut Pass, key: &str) -> Result<(), Error> {
    if !pass.ctx.leadership.holds() {
        return Err(Error::NotLeading);
    }
    let written = fenced::remove_annotation(&pass.ctx.client, &pass.service, key).await?;
    pass.wrote(written);
    Ok(())
}

/// The record of this object: an earlier one wins over what status remembers, and that over what would be derived now.
fn identity(pass: &Pass) -> Identity {
    if let Some(known) = pass.record.believed() {
        return Identity { uid: pass.uid().to_owned(), ..known.clone() };
    }
    let (status, package) = (&pass.status, pass.resolved.package.as_ref());
    let installation = &pass.ctx.settings.installation;
    let derived = record::derived(&pass.service, installation, package, pass.runtime().map(AsRef::as_ref));
    Identity {
        external_id: status.external_id.clone().unwrap_or(derived.external_id),
        instance: status.provider_instance.clone().unwrap_or(derived.instance),
        ..derived
    }
}

async fn write_identity(pass: &mut Pass, identity: &Identity, finalizer: bool) -> Result<(), Error> {
    if !pass.ctx.leadership.holds() {
        return Err(Error::NotLeading);
    }
    let written = fenced::write_identity(&pass.ctx.client, &pass.service, identity, finalizer).await?;
    pass.wrote(written);
    Ok(())
}

/// A restored object attaches under its new UID first. What it carries stays in the record until status has it.
async fn attach(pass: &mut Pass, how: Attachment) -> Result<Flow, Error> {
    let Some(present) = pass.look.as_ref().and_then(Look::present).cloned() else {
        return Ok(Flow::Again);
    };
    if matches!(pass.record, Record::Restored(_)) {
        let ours = identity(pass);
        write_identity(pass, &ours, true).await?;
    }
    if how == Attachment::Found
        && let Some(runtime) = pass.runtime()
    {
        instance::note_found(&pass.ctx, &runtime.name);
    }
    credentials::recall(pass).await?;
    pass.found(Finding::Attached(how, Box::new(present)));
    Ok(Flow::Again)
}

/// Ending is final: the record says so before status does.
async fn end(pass: &mut Pass) -> Result<Flow, Error> {
    let keeps_finalizer = pass.record.believed().is_some();
    let ended = Some(pass.ctx.clock.now().to_string());
    let ended = Identity { ended, carried: None, ..identity(pass) };
    write_identity(pass, &ended, keeps_finalizer).await?;
    pass.found(Finding::Ended);
    Ok(Flow::Again)
}

/// Looks at the remote.
async fn observe(pass: &mut Pass) -> Result<Flow, Error> {
    let at = pass.ctx.clock.now();
    let (started, answer) = match look(pass).await {
        Ok(answer) => answer,
        Err(wait) => return Ok(Flow::Finish(wait)),
    };
    let uid = pass.uid().to_owned();
    pass.doubt = pass.suspicion.take();
    let doubted = pass.doubt.is_some();
    pass.ctx.memory.update(&uid, |remembered| {
        remembered.last_look = started;
        // Until this pass settles it.
        remembered.unsettled |= doubted;
    });
    if pass.request().is_some() && pass.credentials_need_somebody() {
        credentials::look_again(pass).await;
    }
    honour_request(pass);
    match answer {
        Ok(seen) => {
            seen_by(pass, Look { seen, at });
            Ok(Flow::Again)
        }
        Err(error) => look_failed(pass, error).await,
    }
}

fn seen_by(pass: &mut Pass, look: Look) {
    pass.look = Some(look.clone());
    pass.found(Finding::Looked(look));
    if pass.agrees() {
        pass.found(Finding::Agrees);
    }
}

/// One attempt was asked for, and this is it, whatever comes of it.
pub(super) fn honour_request(pass: &mut Pass) {
    if let Some(token) = pass.request() {
        pass.found(Finding::Handled(token));
    }
}

type Answer = (u64, Result<Observation, CallError>);

/// One look through the gate, and the sequence number at which it started; or what to wait for.
pub(super) async fn look(pass: &Pass) -> Result<Answer, Step> {
    let Some((runtime, plugin)) = usable(pass) else {
        return Err(not_usable());
    };
    let Some(call) = super::call::call(pass, &runtime, false) else {
        return Err(not_usable());
    };
    let permit = admit(pass, &runtime, CallKind::Observation).await?;
    let started = pass.ctx.providers.sequence.next();
    let answer = runtime.gate.call(permit, pass.uid(), plugin.observe(&call)).await;
    let answer = match answer {
        Err(error) if error.class == Class::NotFound => Ok(Observation::Absent),
        other => other.map_err(|error| redacted(error, &call)),
    };
    Ok((started, answer))
}

/// How long a pass waits at the gate before it makes room for services of other instances.
const ADMITTED_WITHIN: Duration = Duration::from_secs(5);

/// Leave to make a call; or what to wait for.
pub(super) async fn admit(pass: &Pass, runtime: &Runtime, kind: CallKind) -> Result<Permit, Step> {
    match tokio::time::timeout(ADMITTED_WITHIN, runtime.gate.admit(kind)).await {
        Ok(Ok(permit)) => Ok(permit),
        Ok(Err(held)) => Err(wait_for(&runtime.name, &held)),
        Err(_elapsed) => {
            let until = pass.ctx.clock.now().saturating_add(Duration::from_secs(1)).ok();
            Err(Step::Wait(Wait { hold: None, stalled: false, until }))
        }
    }
}

/// Runtime and plugin of the pass.
pub(super) fn usable(pass: &Pass) -> Option<(Arc<Runtime>, Arc<dyn Plugin>)> {
    let runtime = pass.runtime()?.clone();
    let plugin = runtime.plugin.clone()?;
    Some((runtime, plugin))
}

pub(super) fn not_usable() -> Step {
    let hold = Hold::new(reason::INSTANCE_NOT_READY, "the ProviderInstance has no valid settings yet");
    Step::Wait(Wait { hold: Some(hold), stalled: false, until: None })
}

/// Errors from outside, without any secret of the call.
pub(super) fn redacted(error: CallError, call: &hostwright_plugin::Call) -> CallError {
    instance::redacted(error, &call.redactor())
}

/// What to wait for when the gate lets nothing through.
pub(super) fn wait_for(instance: &str, held: &Held) -> Step {
    // The time is no part of the text: it moves, and every service that waits would write it again.
    let (reason, until, message) = match held {
        Held::RateLimited { until } => (
            reason::RATE_LIMITED,
            *until,
            format!("{instance}: throttled; the whole instance waits as long as it asked for"),
        ),
        Held::CircuitOpen { until } => (
            reason::CIRCUIT_OPEN,
            *until,
            format!("{instance}: calls for several services failed; one is tried now and then"),
        ),
    };
    Step::Wait(Wait { hold: Some(Hold::new(reason, message)), stalled: false, until: Some(until) })
}

async fn look_failed(pass: &mut Pass, error: CallError) -> Result<Flow, Error> {
    let error = judged(pass, error).await;
    // A settled service whose suspicious look failed is still settled: only the list has doubts.
    let undisturbed = pass.status.operation.is_none()
        && pass.status.remote.as_ref().is_some_and(|remote| remote.bound_at.is_some())
        && pass.plan() == Step::Settled;
    if undisturbed {
        return Ok(Flow::Finish(Step::Settled));
    }
    let verb = pass.expected_verb();
    pass.found(Finding::LookFailed(verb, error));
    Ok(Flow::Finish(pass.plan()))
}

/// Refused credentials are judged by a connection test: it fails, then the instance waits; it passes, then this request
/// lacks a permission.
pub(super) async fn judged(pass: &mut Pass, error: CallError) -> CallError {
    if error.class != Class::Unauthorized {
        return error;
    }
    let Some(name) = pass.runtime().map(|runtime| runtime.name.clone()) else {
        return error;
    };
    match instance::verify(&pass.ctx, &name).await {
        Ok(_) => CallError { class: Class::Invalid, code: FORBIDDEN_CODE.to_owned(), ..error },
        Err(_) => error,
    }
}

/// Asks the instance which panel it is.
async fn verify(pass: &mut Pass) -> Result<Flow, Error> {
    let Some(name) = pass.runtime().map(|runtime| runtime.name.clone()) else {
        return Ok(Flow::Finish(not_usable()));
    };
    match instance::verify(&pass.ctx, &name).await {
        Ok(_) => {
            pass.refresh_runtime();
            Ok(Flow::Again)
        }
        Err(hold) => Ok(Flow::Finish(Step::Wait(Wait { hold: Some(hold), stalled: false, until: soon(pass) }))),
    }
}

fn soon(pass: &Pass) -> Option<Timestamp> {
    pass.ctx.clock.now().saturating_add(Duration::from_secs(30)).ok()
}
