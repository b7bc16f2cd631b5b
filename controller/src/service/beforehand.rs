//! What the provider itself says of an order before anything is made: what no schema can know.

use hostwright_crds::Verb;
use hostwright_plugin::{Class, Error as CallError};

use super::execute::{self, Flow};
use super::fold::{self, Finding};
use super::pass::Pass;
use super::{Error, call};
use crate::providers::CallKind;

/// Asks a plugin that can tell, once for these inputs. None: nothing speaks against the create.
pub(super) async fn refused(pass: &mut Pass) -> Result<Option<Flow>, Error> {
    let Some((runtime, plugin)) = execute::usable(pass) else {
        return Ok(Some(Flow::Finish(execute::not_usable())));
    };
    let digest = pass.order.as_ref().map(|order| order.digest.clone()).ok();
    if pass.mutated || !plugin.capabilities().validate || pass.remembered().passed == digest {
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
    let answer = runtime.gate.call(permit, pass.uid(), plugin.validate(&call)).await;
    // A record written a while ago says nothing of what was changed since.
    pass.just_recorded &= pass.ctx.clock.now().duration_since(asked).as_secs() <= 1;
    match answer.map_err(|error| execute::redacted(error, &call)) {
        Ok(()) => passed(pass, digest),
        Err(error) if error.class == Class::Unsupported => passed(pass, digest),
        Err(error) => {
            let error = unapplied(execute::judged(pass, error).await);
            // It counts as the attempt that it stands in for, so that its pause is the same.
            let attempt = pass.with_ground(|ground| fold::next_attempt(&pass.status, Verb::Create, None, ground));
            pass.found(Finding::Answered(attempt, Err(error)));
            return Ok(Some(Flow::Finish(pass.plan())));
        }
    }
    Ok(None)
}

fn passed(pass: &Pass, digest: Option<String>) {
    pass.ctx.memory.update(pass.uid(), |remembered| remembered.passed = digest);
}

/// A question changes nothing, so nothing of it can be left open.
fn unapplied(error: CallError) -> CallError {
    if error.class.may_have_been_applied() { CallError { class: Class::Unavailable, ..error } } else { error }
}
