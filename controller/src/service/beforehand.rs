//! What the provider itself is asked before anything is made or changed: what no schema can know.

use hostwright_crds::{Operation, Verb};
use hostwright_plugin::{Call, Capabilities, Class, Error as CallError, PlannedChange, Plugin};

use super::execute::{self, Flow};
use super::fold::{self, Finding};
use super::pass::Pass;
use super::{Error, call};
use crate::providers::CallKind;

/// The code of a change that was not made because it loses data.
pub(super) const DESTRUCTIVE_CODE: &str = "Destructive";

/// What a plugin may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// Before a create: is there anything against this order?
    Order,
    /// Before a scale: what would be lost?
    Change,
}

impl Question {
    /// The verb that it stands before.
    fn verb(self) -> Verb {
        match self {
            Self::Order => Verb::Create,
            Self::Change => Verb::Scale,
        }
    }

    fn is_answered_by(self, capabilities: &Capabilities) -> bool {
        match self {
            Self::Order => capabilities.validate,
            Self::Change => capabilities.plan,
        }
    }

    async fn ask(self, plugin: &dyn Plugin, call: &Call) -> Result<(), CallError> {
        match self {
            Self::Order => plugin.validate(call).await,
            Self::Change => spares_data(&plugin.plan(call).await?),
        }
    }
}

/// Whether an attempt was not made because it loses data.
pub(super) fn would_destroy(operation: &Operation) -> bool {
    operation.last_error.as_ref().is_some_and(|error| error.code == DESTRUCTIVE_CODE)
}

/// Asks a plugin that can tell. None: nothing speaks against it.
pub(super) async fn refused(pass: &mut Pass, question: Question) -> Result<Option<Flow>, Error> {
    let Some((runtime, plugin)) = execute::usable(pass) else {
        return Ok(Some(Flow::Finish(execute::not_usable())));
    };
    if pass.mutated || !question.is_answered_by(plugin.capabilities()) || is_answered(pass, question) {
        return Ok(None);
    }
    let Some(call) = call::call(pass, &runtime, false) else {
        return Ok(Some(Flow::Finish(execute::not_usable())));
    };
    let asked = pass.ctx.clock.now();
    let permit = match execute::admit(pass, &runtime, CallKind::Observation).await {
        Ok(permit) => permit,
        Err(wait) => return Ok(Some(Flow::Finish(wait))),
    };
    let answer = runtime.gate.call(permit, pass.uid(), question.ask(plugin.as_ref(), &call)).await;
    // A record written a while ago says nothing of what was changed since.
    pass.just_recorded &= pass.ctx.clock.now().duration_since(asked).as_secs() <= 1;
    match answer.map_err(|error| execute::redacted(error, &call)) {
        Ok(()) => passed(pass, question),
        Err(error) if error.class == Class::Unsupported => passed(pass, question),
        Err(error) => {
            let error = unapplied(execute::judged(pass, error).await);
            // It counts as the attempt that it stands in for, so that its pause is the same.
            let attempt = pass.with_ground(|ground| fold::next_attempt(&pass.status, question.verb(), None, ground));
            pass.found(Finding::Answered(attempt, Err(error)));
            return Ok(Some(Flow::Finish(pass.plan())));
        }
    }
    Ok(None)
}

/// An order is checked once. What a change would do depends on the remote as it is, so that is asked before each attempt,
/// unless any answer would do.
fn is_answered(pass: &Pass, question: Question) -> bool {
    match question {
        Question::Order => pass.remembered().passed == digest(pass),
        Question::Change => pass.service.spec.allow_destructive,
    }
}

fn passed(pass: &Pass, question: Question) {
    if question == Question::Order {
        pass.ctx.memory.update(pass.uid(), |remembered| remembered.passed = digest(pass));
    }
}

fn digest(pass: &Pass) -> Option<String> {
    pass.order.as_ref().map(|order| order.digest.clone()).ok()
}

/// Whether a change loses nothing.
fn spares_data(changes: &[PlannedChange]) -> Result<(), CallError> {
    let lost: Vec<&str> =
        changes.iter().filter(|change| change.destructive).map(|change| change.what.as_str()).collect();
    if lost.is_empty() {
        return Ok(());
    }
    let message = format!(
        "{}: data would be lost, so nothing was called. Set it back, or set spec.allowDestructive true",
        lost.join("; ")
    );
    Err(CallError::new(Class::Invalid, DESTRUCTIVE_CODE, message))
}

/// A question changes nothing, so nothing of it can be left open.
fn unapplied(error: CallError) -> CallError {
    if error.class.may_have_been_applied() { CallError { class: Class::Unavailable, ..error } } else { error }
}
