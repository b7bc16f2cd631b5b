//! The credentials of a remote: in a Secret that the service owns before anything else is written down of them. Their values
//! are here, in the call and in that Secret, and nowhere else.

mod keeping;

use std::time::Duration;

use hostwright_crds::{FIELD_MANAGER, Operation, OperationOutcome, Target, Verb, reason};
use hostwright_plugin::{Class, Error as CallError, Outcome, RemoteState};
use k8s_openapi::api::core::v1::Secret as KubeSecret;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt as _};

pub(super) use keeping::secret_name;

use super::Error;
use super::execute::Flow;
use super::fold::Finding;
use super::memory::Unstored;
use super::pass::Pass;
use super::plan::{Step, Wait};
use crate::kube::{WriteError, bounded};
use crate::providers::Hold;
use keeping::{Changes, Values};

/// How often a change is made again that somebody else was faster than.
const ATTEMPTS: usize = 5;
/// What cannot be written before a call is tried again after this long. Nothing watches the Secrets of customers.
const BEFORE: Duration = Duration::from_mins(1);
/// What a provider issued and is not stored yet is tried again after this long.
const AFTER: Duration = Duration::from_secs(5);

/// Tries whether there is, or may be made, a Secret for the credentials of what is about to be ordered. Nothing is recorded of
/// what cannot be made, and nothing is stored yet: what is found at the provider was not made with it.
pub(super) async fn unstorable(pass: &Pass) -> Option<Flow> {
    if pass.credential_names().is_empty() {
        return None;
    }
    let (namespace, name) = place(pass);
    let tried = match read(pass).await {
        Ok(Some(secret)) if !keeping::is_owned(&secret, &pass.service) => {
            return Some(wait(pass, keeping::taken(&namespace, &name), BEFORE));
        }
        Ok(Some(_)) => Ok(()),
        Ok(None) => make(pass, &Changes::new(), true).await,
        Err(error) => Err(error),
    };
    let error = tried.err()?;
    Some(wait(pass, keeping::unwritten(&namespace, &name, &error, &Changes::new()), BEFORE))
}

/// Stores what a create or a rotation is to take along, once a pass. None: nothing speaks against the call.
pub(super) async fn unprepared(pass: &mut Pass, verb: Verb) -> Result<Option<Flow>, Error> {
    let names = pass.credential_names();
    if names.is_empty() || pass.credentials.is_some() {
        return Ok(None);
    }
    if !pass.ctx.leadership.holds() {
        return Err(Error::NotLeading);
    }
    let completes = pass.status.remote.is_some();
    let wanted = |kept: &Values| match verb {
        Verb::Rotate => keeping::for_a_rotation(kept, &names),
        _ => keeping::for_a_create(kept, &names, completes),
    };
    match change(pass, wanted).await {
        Ok(kept) => {
            let chosen = if verb == Verb::Rotate { keeping::chosen_next } else { keeping::chosen };
            pass.credentials = Some(chosen(&kept, &names));
            stand(pass, &kept);
            Ok(None)
        }
        Err(hold) => Ok(Some(wait(pass, hold, BEFORE))),
    }
}

/// Stores what an answer tells, before it is folded in.
///
/// # Errors
/// What to do meanwhile: the answer is kept until it could be stored.
pub(super) async fn stored(
    pass: &mut Pass,
    operation: &Operation,
    answer: Result<Outcome, CallError>,
) -> Result<Result<Outcome, CallError>, Flow> {
    let state = match answer {
        Ok(Outcome::Done(state)) => state,
        other => return Ok(other),
    };
    match store(pass, operation, &state).await {
        Ok(()) => Ok(Ok(Outcome::Done(state))),
        Err(_) if is_urgent(pass) => Ok(given_up(operation, state)),
        Err(hold) => {
            let kept = Unstored { operation: operation.clone(), answer: state };
            pass.ctx.memory.update(pass.uid(), |remembered| remembered.unstored = Some(kept));
            Err(wait(pass, hold, AFTER))
        }
    }
}

/// Takes an answer up again whose credentials could not be stored. Nothing else is done before.
pub(super) async fn finish(pass: &mut Pass) -> Option<Flow> {
    let Unstored { operation, answer } = pass.remembered().unstored?;
    let is_open = pass.status.operation.as_ref().is_some_and(|known| is_same_attempt(known, &operation));
    if !is_open {
        pass.ctx.memory.update(pass.uid(), |remembered| remembered.unstored = None);
        return None;
    }
    let answer = match store(pass, &operation, &answer).await {
        Ok(()) => Ok(Outcome::Done(answer)),
        Err(_) if is_urgent(pass) => given_up(&operation, answer),
        Err(hold) => return Some(wait(pass, hold, AFTER)),
    };
    pass.ctx.memory.update(pass.uid(), |remembered| remembered.unstored = None);
    pass.found(Finding::Answered(operation, answer));
    Some(Flow::Finish(pass.plan()))
}

/// What is folded in where nothing waits for the Secret: a create shows by itself what is missing, and a rotation was in vain.
fn given_up(operation: &Operation, answer: RemoteState) -> Result<Outcome, CallError> {
    if operation.verb == Verb::Rotate {
        return Err(CallError::new(Class::Unknown, "CredentialsNotStored", "the new credentials could not be stored"));
    }
    Ok(Outcome::Done(answer))
}

/// Nobody has settled it in the meantime, such as another leader.
fn is_same_attempt(known: &Operation, answered: &Operation) -> bool {
    (&known.id, known.attempt, &known.token) == (&answered.id, answered.attempt, &answered.token)
        && known.outcome != OperationOutcome::Refused
}

/// No credential delays an ending or a suspension.
fn is_urgent(pass: &Pass) -> bool {
    pass.aim.target != Target::Active || !pass.ctx.leadership.holds()
}

async fn store(pass: &mut Pass, operation: &Operation, answer: &RemoteState) -> Result<(), Hold> {
    let names = pass.credential_names();
    let (created, rotated) = (operation.verb == Verb::Create, operation.verb == Verb::Rotate);
    // A create that tells nothing may have told it to a process that ended after it was stored.
    let concerned = (rotated && !names.is_empty()) || (created && !names.minted.is_empty());
    if answer.credentials.is_empty() && !concerned {
        return Ok(());
    }
    if !pass.ctx.leadership.holds() {
        return Err(Hold::new(reason::CREDENTIALS_NOT_STORED, "another replica leads"));
    }
    let kept = change(pass, |kept| keeping::issued(kept, &answer.credentials, rotated)).await?;
    stand(pass, &kept);
    Ok(())
}

/// Reads what stands in the Secret, for a remote that was recovered or found. Where there is one, a create was about to be asked
/// for or was.
pub(super) async fn recall(pass: &mut Pass) -> Result<(), Error> {
    if pass.credential_names().is_empty() {
        return Ok(());
    }
    match read(pass).await {
        Ok(Some(secret)) if keeping::is_owned(&secret, &pass.service) => stand(pass, &keeping::values(&secret)),
        // What may not be read was not written either.
        Ok(_) | Err(WriteError::Refused(_)) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Reads it again where only a person can have put it right.
pub(super) async fn look_again(pass: &mut Pass) {
    if let Ok(Some(secret)) = read(pass).await
        && keeping::is_owned(&secret, &pass.service)
    {
        pass.found(Finding::CredentialsPutBack(keeping::keys(&keeping::values(&secret))));
    }
}

fn stand(pass: &mut Pass, kept: &Values) {
    let keys = keeping::keys(kept);
    if pass.status.credentials.as_ref().is_none_or(|known| known.keys != keys) {
        pass.found(Finding::CredentialsKept(keys));
    }
}

fn wait(pass: &Pass, hold: Hold, pause: Duration) -> Flow {
    let until = pass.ctx.clock.now().saturating_add(pause).ok();
    Flow::Finish(Step::Wait(Wait { hold: Some(hold), stalled: false, until }))
}

/// Brings the Secret to what is wanted of what stands in it. What stands in it afterwards.
async fn change(pass: &Pass, wanted: impl Fn(&Values) -> Changes) -> Result<Values, Hold> {
    let (namespace, name) = place(pass);
    let mut changes = Changes::new();
    for _ in 0..ATTEMPTS {
        let written = match read(pass).await {
            Ok(Some(secret)) if !keeping::is_owned(&secret, &pass.service) => {
                return Err(keeping::taken(&namespace, &name));
            }
            Ok(secret) => {
                let kept = secret.as_ref().map(keeping::values).unwrap_or_default();
                changes = wanted(&kept);
                write(pass, secret, &changes).await.map(|()| keeping::after(kept, std::mem::take(&mut changes)))
            }
            Err(error) => Err(error),
        };
        match written {
            Ok(kept) => return Ok(kept),
            Err(WriteError::Conflict | WriteError::Gone) => {}
            Err(error) => return Err(keeping::unwritten(&namespace, &name, &error, &changes)),
        }
    }
    Err(keeping::unwritten(&namespace, &name, &WriteError::Conflict, &changes))
}

async fn read(pass: &Pass) -> Result<Option<KubeSecret>, WriteError> {
    bounded(api(pass).get_opt(&place(pass).1)).await
}

async fn write(pass: &Pass, secret: Option<KubeSecret>, changes: &Changes) -> Result<(), WriteError> {
    match secret {
        Some(_) if changes.is_empty() => Ok(()),
        Some(secret) => {
            let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
            let patch = Patch::Merge(keeping::patch(&secret, changes));
            bounded(api(pass).patch(&place(pass).1, &params, &patch)).await.map(drop)
        }
        None => make(pass, changes, false).await,
    }
}

async fn make(pass: &Pass, values: &Changes, dry_run: bool) -> Result<(), WriteError> {
    let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), dry_run };
    let secret = keeping::owned(&pass.service, &place(pass).1, values);
    bounded(api(pass).create(&params, &secret)).await.map(drop)
}

fn api(pass: &Pass) -> Api<KubeSecret> {
    Api::namespaced(pass.ctx.client.clone(), &place(pass).0)
}

fn place(pass: &Pass) -> (String, String) {
    (pass.service.namespace().unwrap_or_default(), secret_name(&pass.service.name_any()))
}
