//! The mutations: the gate, the fenced write-ahead, the last check, the call, the outcome. In this order, and only here.

use hostwright_crds::{HostingService, InstanceMode, Operation, OperationOutcome, Verb};
use hostwright_plugin::{Call, Class, Error as CallError, Outcome, Plugin, State};

use super::changes;
use super::credentials;
use super::due::Calendar;
use super::execute::{self, Flow};
use super::fold::{self, Finding};
use super::pass::Pass;
use super::plan::{Step, Wait};
use super::{Error, aim, retry};
use crate::instance::{self, Braked};
use crate::kube::fenced;
use crate::providers::{CallKind, Runtime};
use crate::telemetry::audit::{self, AuditEntry};

/// Asks the provider for one verb. A pass asks for one at most.
pub(super) async fn mutate(pass: &mut Pass, verb: Verb, force: bool) -> Result<Flow, Error> {
    if pass.mutated {
        return Ok(Flow::Finish(pass.plan()));
    }
    let Some((runtime, plugin)) = execute::usable(pass) else {
        return Ok(Flow::Finish(execute::not_usable()));
    };
    // The gate comes first: with leave in hand, next to nothing lies between the write-ahead and the call.
    let kind = if verb == Verb::Create { CallKind::Create } else { CallKind::Mutation };
    let asked = pass.ctx.clock.now();
    let permit = match execute::admit(pass, &runtime, kind).await {
        Ok(permit) => permit,
        Err(wait) => return Ok(Flow::Finish(wait)),
    };
    // A record written a while ago says nothing of what was changed since.
    pass.just_recorded &= pass.ctx.clock.now().duration_since(asked).as_secs() <= 1;
    let let_through = |known: &Operation| known.verb == verb && known.attempted_at.is_some();
    if let Some(braked) = braked(pass, verb)
        && !pass.status.operation.as_ref().is_some_and(let_through)
        && let Err(hold) = instance::take(&pass.ctx, &runtime.name, braked).await
    {
        return Ok(Flow::Finish(Step::Wait(Wait { hold: Some(hold), stalled: false, until: None })));
    }
    let before = pass.status.operation.clone();
    let operation = write_ahead(pass, verb).await?;
    if let Some(changed) = no_longer_as_planned(pass, &runtime) {
        tracing::info!(service = pass.name(), ?verb, changed, "the call was not made");
        pass.found(Finding::NotCalled(before));
        return Ok(Flow::Finish(pass.plan()));
    }
    let Some(call) = execute_call(pass, &runtime, &operation, force) else {
        pass.found(Finding::NotCalled(before));
        return Ok(Flow::Finish(execute::not_usable()));
    };
    audit(pass, &operation, "Started", None, "");
    let answer = runtime.gate.call(permit, pass.uid(), verb_of(plugin.as_ref(), verb, &call)).await;
    let answer = answer.map_err(|error| execute::redacted(error, &call));
    answered(pass, &operation, answer).await
}

/// The brake in front of a verb.
fn braked(pass: &Pass, verb: Verb) -> Option<Braked> {
    match verb {
        Verb::Terminate => Some(Braked::Endings),
        Verb::Suspend if pass.aim.suspended_by_policy() => Some(Braked::PolicySuspensions),
        _ => None,
    }
}

/// Records what is about to be tried. For a create whose record was written in this very pass, that write is the record.
async fn write_ahead(pass: &mut Pass, verb: Verb) -> Result<Operation, Error> {
    let seen = pass.look.as_ref().and_then(super::situation::Look::present).cloned();
    let operation = pass.with_ground(|ground| fold::next_attempt(&pass.status, verb, seen.as_ref(), ground));
    let recorded_just_now = verb == Verb::Create && pass.just_recorded && pass.status.operation.is_none();
    pass.found(Finding::Began(operation.clone()));
    if recorded_just_now {
        return Ok(operation);
    }
    if !pass.ctx.leadership.holds() {
        return Err(Error::NotLeading);
    }
    let status = pass.status_for(&step_of(verb));
    let written = fenced::write_status(&pass.ctx.client, &pass.service, status).await?;
    pass.planned_against(written);
    Ok(operation)
}

fn step_of(verb: Verb) -> Step {
    match verb {
        Verb::Create => Step::Create,
        Verb::Adopt => Step::Adopt,
        Verb::Suspend => Step::Suspend,
        Verb::Unsuspend => Step::Unsuspend,
        Verb::Scale => Step::Scale,
        Verb::Renew => Step::Renew,
        Verb::Rotate => Step::Rotate,
        Verb::Terminate => Step::Terminate { force: false },
    }
}

/// The last look at the cluster before the call: the object as the write-ahead returned it, the instance, leadership.
fn no_longer_as_planned(pass: &Pass, planned: &Runtime) -> Option<&'static str> {
    if !pass.ctx.leadership.holds() {
        return Some("another replica leads");
    }
    if pass.changed_since_planned {
        return Some("the object was changed");
    }
    if !pass.aim_holds() {
        return Some("the clocks say otherwise");
    }
    let now = pass.ctx.providers.runtime(&planned.name);
    let same = now.as_ref().is_some_and(|now| {
        now.spec.mode == InstanceMode::Active
            && now.identity == planned.identity
            && now.standing == planned.standing
            && now.settings.is_some()
    });
    (!same).then_some("the instance was changed")
}

fn execute_call(pass: &Pass, runtime: &Runtime, operation: &Operation, force: bool) -> Option<Call> {
    let call = super::call::call(pass, runtime, force)?;
    let paid_until = operation.paid_until.as_ref().map(|until| until.0);
    // Exactly what was looked at is taken over.
    let seen = pass.look.as_ref().and_then(super::situation::Look::present).filter(|_| operation.verb == Verb::Adopt);
    let call = Call { remote: seen.map(|present| present.remote.clone()).or(call.remote), ..call };
    Some(Call { operation_id: operation.id.clone(), before: operation.before.clone(), paid_until, ..call })
}

async fn verb_of(plugin: &dyn Plugin, verb: Verb, call: &Call) -> Result<Outcome, CallError> {
    match verb {
        Verb::Renew => match call.paid_until {
            Some(until) => plugin.renew(call, until).await,
            None => Err(CallError::new(Class::Internal, "undated", "a renewal without a date")),
        },
        Verb::Create => plugin.create(call).await,
        Verb::Adopt => plugin.adopt(call).await,
        Verb::Rotate => plugin.rotate_credentials(call).await,
        Verb::Suspend => plugin.suspend(call).await,
        Verb::Unsuspend => plugin.unsuspend(call).await,
        Verb::Scale => plugin.scale(call).await,
        Verb::Terminate => plugin.terminate(call).await,
    }
}

/// Folds the answer in, and confirms by a look what a provider only claims: that it is gone, taken over, changed.
async fn answered(pass: &mut Pass, operation: &Operation, answer: Result<Outcome, CallError>) -> Result<Flow, Error> {
    let uid = pass.uid().to_owned();
    let answered = pass.ctx.providers.sequence.next();
    pass.ctx.memory.update(&uid, |remembered| {
        remembered.last_mutation = answered;
        remembered.explained = None;
        remembered.unsettled = false;
    });
    pass.mutated = true;
    pass.look = None;
    pass.suspicion = None;
    let answer = match answer {
        Err(error) => Err(execute::judged(pass, error).await),
        answer => answer,
    };
    audit_answer(pass, operation, &answer);
    let answer = match credentials::stored(pass, operation, answer).await {
        Ok(answer) => answer,
        Err(wait) => return Ok(wait),
    };
    let finished = matches!(&answer, Ok(Outcome::Done(_)));
    let gone = matches!(&answer, Ok(Outcome::Gone));
    pass.found(Finding::Answered(operation.clone(), answer));
    if finished && operation.verb == Verb::Scale && pass.status.operation.is_none() {
        confirm_scale(pass).await;
    }
    let claimed = (gone && operation.verb == Verb::Terminate) || (finished && operation.verb == Verb::Adopt);
    if claimed {
        return Ok(Flow::Again);
    }
    Ok(Flow::Finish(pass.plan()))
}

/// A scale that succeeded and changed nothing is not repeated.
async fn confirm_scale(pass: &mut Pass) {
    let Ok((started, Ok(seen))) = execute::look(pass).await else {
        return;
    };
    let uid = pass.uid().to_owned();
    pass.ctx.memory.update(&uid, |remembered| remembered.last_look = started);
    let (Some((_, plugin)), hostwright_plugin::Observation::Present(present)) = (execute::usable(pass), seen) else {
        return;
    };
    let Some(last) = &pass.status.last_applied else { return };
    let left = changes::drifted(plugin.package_schema(), &last.config, &present).enforced;
    if !left.is_empty() {
        pass.found(Finding::StillDiffers(changes::digest_of(&left)));
    }
}

/// Asks how an accepted operation is doing.
pub(super) async fn poll(pass: &mut Pass) -> Result<Flow, Error> {
    let Some((runtime, plugin)) = execute::usable(pass) else {
        return Ok(Flow::Finish(execute::not_usable()));
    };
    let Some(operation) = pass.status.operation.clone() else {
        return Ok(Flow::Again);
    };
    let Some(token) = operation.token.clone() else {
        return Ok(Flow::Again);
    };
    let Some(call) = execute_call(pass, &runtime, &operation, false) else {
        return Ok(Flow::Finish(execute::not_usable()));
    };
    let permit = match execute::admit(pass, &runtime, CallKind::Observation).await {
        Ok(permit) => permit,
        Err(wait) => return Ok(Flow::Finish(wait)),
    };
    let answer = runtime.gate.call(permit, pass.uid(), plugin.poll(&call, &token)).await;
    execute::honour_request(pass);
    match answer.map_err(|error| execute::redacted(error, &call)) {
        Ok(outcome) => {
            audit_answer(pass, &operation, &Ok(outcome.clone()));
            let scaled = operation.verb == Verb::Scale;
            let answer = match credentials::stored(pass, &operation, Ok(outcome)).await {
                Ok(answer) => answer,
                Err(wait) => return Ok(wait),
            };
            pass.found(Finding::Answered(operation, answer));
            if scaled && pass.status.operation.is_none() {
                confirm_scale(pass).await;
            }
        }
        // The provider forgot the operation: what became of it shows in the remote.
        Err(error) if matches!(error.class, Class::NotFound | Class::Unsupported) => {
            let forgotten = Operation { token: None, outcome: OperationOutcome::Unknown, ..operation };
            pass.found(Finding::Began(forgotten));
        }
        // It failed for good: nothing runs any more, and the remote is looked at before the next attempt.
        Err(error) if matches!(error.class, Class::Invalid | Class::Capacity) => {
            pass.found(Finding::Answered(Operation { token: None, ..operation }, Err(error)));
        }
        Err(error) => pass.found(Finding::LookFailed(operation.verb, error)),
    }
    Ok(Flow::Finish(pass.plan()))
}

fn audit_answer(pass: &Pass, operation: &Operation, answer: &Result<Outcome, CallError>) {
    match answer {
        Ok(Outcome::Done(state)) if state.state == State::Provisioning => audit(pass, operation, "Accepted", None, ""),
        Ok(Outcome::Done(_)) => audit(pass, operation, "Done", None, ""),
        Ok(Outcome::Gone) => audit(pass, operation, "Gone", None, ""),
        Ok(Outcome::Accepted { .. }) => audit(pass, operation, "Accepted", None, ""),
        Err(error) if error.class.may_have_been_applied() => {
            audit(pass, operation, "Unknown", Some(error.class), &error.message);
        }
        Err(error) => audit(pass, operation, "Refused", Some(error.class), &error.message),
    }
}

fn audit(pass: &Pass, operation: &Operation, outcome: &str, class: Option<Class>, message: &str) {
    audit::record(&AuditEntry {
        service: &pass.name(),
        uid: pass.uid(),
        verb: &format!("{:?}", operation.verb),
        operation: &operation.id,
        attempt: operation.attempt,
        outcome,
        class: class.map(retry::class_name).as_deref(),
        message,
        remote: pass.status.remote.as_ref().map(|remote| remote.id.as_str()),
    });
}

/// Whether a newer version of the object differs from the one a plan was made on, in anything a mutation depends on.
pub(super) fn differs(planned: &HostingService, written: &HostingService, calendar: &Calendar) -> bool {
    let (before, after) = (aim::of(planned, calendar), aim::of(written, calendar));
    planned.metadata.uid != written.metadata.uid
        || planned.metadata.generation != written.metadata.generation
        || before != after
        || written.spec.termination_protection != planned.spec.termination_protection
}
