//! Folding in what became of the credentials of a remote. Only their names are known here.

use hostwright_crds::{CredentialsStatus, HostingServiceStatus, Operation, OperationOutcome, Verb, reason};
use hostwright_plugin::{Class, Error, RemoteState};

use super::{Ground, Notice, handled};

/// These stand in the Secret.
pub(super) fn kept(status: &mut HostingServiceStatus, keys: &[String], ground: &Ground) {
    let credentials = of(status, ground);
    credentials.keys = keys.iter().take(CredentialsStatus::KEYS).cloned().collect();
}

/// Somebody who was asked to has put the lost ones into the Secret.
pub(super) fn put_back(status: &mut HostingServiceStatus, keys: &[String], ground: &Ground) {
    kept(status, keys, ground);
    of(status, ground).lost = is_incomplete(status, ground);
}

/// The remote was made, and what it was asked for is handled: nothing is newer than its first credentials.
pub(super) fn made(status: &mut HostingServiceStatus, ground: &Ground) {
    if !ground.credentials.is_empty() {
        of(status, ground).lost = is_incomplete(status, ground);
    }
    taken_over(status, ground);
}

/// A request that came with the object was not made of this remote.
pub(super) fn taken_over(status: &mut HostingServiceStatus, ground: &Ground) {
    if let Some(token) = ground.rotation_requested {
        status.last_handled_rotate_at = Some(handled(token));
    }
}

/// Nobody knows whether those in the Secret are still accepted.
pub(super) fn in_doubt(status: &mut HostingServiceStatus, ground: &Ground) {
    of(status, ground).lost = true;
}

/// Another operation takes the place of a rotation that may have been carried out.
pub(super) fn displaced(status: &mut HostingServiceStatus, earlier: &Operation, ground: &Ground) {
    if earlier.verb == Verb::Rotate && earlier.outcome != OperationOutcome::Refused {
        in_doubt(status, ground);
    }
}

/// What is missing of an answer to a rotation, which is a mistake of the plugin, or was told to a process that ended.
pub(super) fn untold(answer: &RemoteState, ground: &Ground) -> Option<Error> {
    let missing = ground.credentials.minted.iter().filter(|name| !answer.credentials.contains_key(*name));
    let missing: Vec<&str> = missing.map(String::as_str).collect();
    let text = format!("new credentials were issued and not told: {}", missing.join(", "));
    (!missing.is_empty()).then(|| Error::new(Class::Internal, "CredentialsUntold", text))
}

/// New ones are in the Secret.
pub(super) fn rotated(
    status: &mut HostingServiceStatus,
    operation: &Operation,
    ground: &Ground,
) -> (&'static str, String) {
    of(status, ground).lost = false;
    if operation.inputs == ground.inputs(Verb::Rotate) {
        taken_over(status, ground);
    }
    let keys = of(status, ground).keys.join(", ");
    let id = status.remote.as_ref().map(|remote| remote.id.as_str()).unwrap_or_default();
    let told = if keys.is_empty() { String::new() } else { format!(": {keys} in Secret {}", ground.secret_name) };
    (reason::ROTATED, format!("issued new credentials of remote {id} on {}{told}", ground.instance))
}

/// The plugin cannot issue any, and whoever asked is told once.
pub(super) fn refused(status: &mut HostingServiceStatus, token: &str, ground: &Ground) -> Notice {
    status.last_handled_rotate_at = Some(handled(token));
    let message = format!("new credentials were asked for, and the plugin of {} cannot issue any", ground.instance);
    Notice { reason: reason::UNSUPPORTED, message, warning: true }
}

fn is_incomplete(status: &HostingServiceStatus, ground: &Ground) -> bool {
    let kept = status.credentials.as_ref().map(|credentials| credentials.keys.as_slice()).unwrap_or_default();
    ground.credentials.all().any(|name| !kept.contains(name))
}

fn of<'a>(status: &'a mut HostingServiceStatus, ground: &Ground) -> &'a mut CredentialsStatus {
    let secret_name = || CredentialsStatus { secret_name: ground.secret_name.clone(), ..CredentialsStatus::default() };
    status.credentials.get_or_insert_with(secret_name)
}
