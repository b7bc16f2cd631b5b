//! What making a service anew would mean for it. Pure.

use super::super::service::Service;

/// How a new remote is come by.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It has ended, which is final on this object: another object takes its place.
    Ended,
    /// Something else removed the remote: the controller is allowed to make a new one.
    Missing,
    /// It must not be; why, and what to do instead.
    Refused(String),
}

pub(super) fn of(service: &Service) -> Verdict {
    let refused = |why: String| Verdict::Refused(format!("{}: {why}. Nothing was changed", service.title()));
    if service.object.metadata.deletion_timestamp.is_some() {
        return refused(format!(
            "it is being deleted; see what holds it: {}. Once it is gone, apply its manifest again",
            service.command("status")
        ));
    }
    if service.ended().is_some() {
        return Verdict::Ended;
    }
    let reason = service.ready().and_then(|ready| ready["reason"].as_str()).unwrap_or_default();
    let state = service.text("/status/remote/state");
    if state == "Missing" || (reason == "RemoteMissing" && service.is_seen()) {
        if service.text("/spec/onRemoteMissing") == "Recreate" {
            let ready = service.ready().and_then(|ready| ready["message"].as_str()).unwrap_or_default();
            return refused(format!("a new server is asked for already (onRemoteMissing Recreate): {ready}"));
        }
        return Verdict::Missing;
    }
    if service.text("/status/target") == "Terminated" {
        return refused(format!("it is being ended; wait until that is done: {}", service.command("status")));
    }
    match service.text("/status/remote/id") {
        "" => refused(format!("it was never made; see why: {}", service.command("status"))),
        id => refused(format!(
            "server {id} is there ({state}), and is never thrown away by this command. To have a new, empty one all the same, \
             end it first: {} --reason … --requested-by …",
            service.command("cancel")
        )),
    }
}

#[cfg(test)]
mod tests {
    use hostwright_crds::{Identity, annotation};
    use serde_json::{Value, json};

    use super::super::super::service::fixture::{alice, cluster};
    use super::*;

    fn record(ended: Option<&str>, of: &str) -> String {
        let record = Identity {
            external_id: "prod.customers.alice".into(),
            for_object: of.into(),
            uid: "1".into(),
            instance: "panel-eu".into(),
            remote_identity: "x".into(),
            owner: "o".into(),
            ended: ended.map(str::to_owned),
            carried: None,
            package: None,
            paid_until: None,
            changed_to: None,
        };
        record.to_text()
    }

    async fn judged(change: impl FnOnce(&mut Value), status: Value) -> Verdict {
        of(&alice(&cluster().await, change, status).await)
    }

    fn missing() -> Value {
        json!({"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "False", "reason": "RemoteMissing",
            "message": "gone", "lastTransitionTime": "2026-01-01T00:00:00Z"}]})
    }

    fn is_refused(verdict: Verdict, with: &str) {
        let Verdict::Refused(why) = verdict else { panic!("{verdict:?}") };
        assert!(why.contains(with) && why.ends_with("Nothing was changed"), "{why}");
    }

    #[tokio::test]
    async fn only_what_certainly_ended_is_made_as_another_object() {
        let ended = |of: &'static str| {
            move |order: &mut Value| {
                order["metadata"]["annotations"] = json!({annotation::IDENTITY: record(Some("then"), of)});
            }
        };
        let active = json!({"remote": {"id": "12", "state": "Active"}});
        assert_eq!(judged(ended("customers/alice"), json!({"phase": "Terminated"})).await, Verdict::Ended);
        is_refused(judged(ended("customers/bob"), active.clone()).await, "server 12 is there (Active)");
        let unended = |order: &mut Value| {
            order["metadata"]["annotations"] = json!({annotation::IDENTITY: record(None, "customers/alice")});
        };
        is_refused(judged(unended, active).await, "hostwright cancel -n customers alice");
    }

    #[tokio::test]
    async fn a_remote_that_something_else_removed_is_made_anew_when_that_is_held() {
        assert_eq!(judged(|_| {}, missing()).await, Verdict::Missing, "restored from a backup, and gone");
        let gone = json!({"remote": {"id": "12", "state": "Missing"}});
        assert_eq!(judged(|_| {}, gone.clone()).await, Verdict::Missing);
        let asked = |order: &mut Value| order["spec"]["onRemoteMissing"] = json!("Recreate");
        is_refused(judged(asked, gone).await, "asked for already");
    }

    #[tokio::test]
    async fn what_has_not_ended_yet_or_was_never_made_is_left_alone() {
        let ending = json!({"target": "Terminated", "remote": {"id": "12", "state": "Active"}});
        is_refused(judged(|_| {}, ending).await, "wait until that is done");
        is_refused(judged(|_| {}, json!({"phase": "Pending"})).await, "never made");
        let mut edited = missing();
        edited["observedGeneration"] = json!(0);
        is_refused(judged(|_| {}, edited).await, "never made");
    }
}
