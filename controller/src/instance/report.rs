//! Conditions, and the one write that brings them into status. The conditions are pure and hold nothing that moves from
//! pass to pass.

use hostwright_crds::{InstanceMode, ProviderInstance, ProviderInstanceStatus, annotation, condition, reason};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use k8s_openapi::jiff::Timestamp;
use kube::runtime::events::EventType;
use kube::{Resource as _, ResourceExt as _};

use super::Error;
use super::references::Uses;
use super::standing::Conclusion;
use crate::context::Context;
use crate::kube::fenced::write_status_of;
use crate::providers::Standing;

/// Holds on endings that a person has to lift; others pass by themselves and are no condition.
const LIFTED_BY_PEOPLE: [&str; 3] = [reason::REMOTE_CHANGED, reason::MASS_ABSENCE, reason::REMOTES_ALREADY_THERE];
/// Reasons for which nothing happens until somebody edits or confirms something. A Secret that is missing may be about to be
/// applied, and is none of them.
const STALLED: [&str; 8] = [
    reason::INLINE_SECRET,
    reason::INVALID_CONFIGURATION,
    reason::MASS_ABSENCE,
    reason::PERMISSION_MISSING,
    reason::PLUGIN_NOT_FOUND,
    reason::PROVIDER_UNAUTHORIZED,
    reason::REMOTE_CHANGED,
    reason::UNSUPPORTED,
];

/// Writes status where it differs from what is there, and an event when readiness changed.
pub(super) async fn publish(
    instance: &ProviderInstance,
    ctx: &Context,
    conclusion: &Conclusion,
    uses: Option<Uses>,
) -> Result<(), Error> {
    let before = instance.status.clone().unwrap_or_default();
    let status = fold(instance, conclusion, uses, ctx.clock.now());
    if status == before || !ctx.leadership.holds() {
        return Ok(());
    }
    let (old, new) = (ready(&before), ready(&status));
    let transition = new.filter(|new| old.is_none_or(|old| (&old.status, &old.reason) != (&new.status, &new.reason)));
    let transition = transition.cloned();
    write_status_of(&ctx.client, instance, status).await?;
    if let Some(ready) = transition {
        let kind = if ready.status == "True" { EventType::Normal } else { EventType::Warning };
        ctx.events.publish(instance.object_ref(&()), kind, &ready.reason, "Connect", &ready.message).await;
    }
    Ok(())
}

fn ready(status: &ProviderInstanceStatus) -> Option<&Condition> {
    condition::find(&status.conditions, condition::READY)
}

/// The status that says all this.
fn fold(
    instance: &ProviderInstance,
    conclusion: &Conclusion,
    uses: Option<Uses>,
    now: Timestamp,
) -> ProviderInstanceStatus {
    let mut status = instance.status.clone().unwrap_or_default();
    let generation = instance.metadata.generation.unwrap_or_default();
    let (ready, reason, message) = readiness(instance, conclusion, uses);
    let told = |kind: &str, value: &str, reason: &str, message: &str| {
        condition::new(kind, value, reason, message, generation, now)
    };

    condition::set(
        &mut status.conditions,
        told(condition::READY, if ready { "True" } else { "False" }, reason, &message),
    );
    let stalled = told(condition::STALLED, "True", reason, &message);
    condition::set_while(STALLED.contains(&reason), &mut status.conditions, stalled);
    match conclusion.endings.as_ref().filter(|hold| LIFTED_BY_PEOPLE.contains(&hold.reason)) {
        Some(hold) => {
            condition::set(&mut status.conditions, told(condition::ENDINGS_HELD, "True", hold.reason, &hold.message));
        }
        None => condition::remove(&mut status.conditions, condition::ENDINGS_HELD),
    }

    status.observed_generation = Some(generation);
    status.remote_identity = Some(conclusion.panel.identity.clone()).filter(|identity| !identity.is_empty());
    status.former_identities.clone_from(&conclusion.panel.former);
    status.version.clone_from(&conclusion.version);
    status.missing_together = conclusion.missing_together.map(|count| i32::try_from(count).unwrap_or(i32::MAX));
    if conclusion.confirmed {
        status.last_confirmed = instance.annotations().get(annotation::CONFIRM).cloned();
    }
    if let Some(requested) = instance.annotations().get(annotation::RECONCILE_REQUESTED_AT) {
        status.last_handled_reconcile_at = Some(requested.clone());
    }
    let brakes =
        [(&mut status.brake, annotation::RELEASE_ENDINGS), (&mut status.policy_brake, annotation::RELEASE_SUSPENSIONS)];
    for (brake, release) in brakes {
        if let Some(brake) = brake.as_mut().filter(|_| !instance.annotations().contains_key(release)) {
            // Taken away, the same number may be released again.
            brake.released_by = None;
        }
    }
    status
}

/// The Ready condition: whether, why, and in words.
fn readiness(instance: &ProviderInstance, conclusion: &Conclusion, uses: Option<Uses>) -> (bool, &'static str, String) {
    if let Some(uses) = uses {
        let name = instance.name_any();
        let text =
            format!("{name}: deleted, and still used by {uses}; it takes no new service and goes when they are gone");
        return (false, reason::IN_USE, text);
    }
    match (&conclusion.standing, &conclusion.absence) {
        (Standing::NotReady(hold), _) | (Standing::Ready, Some(hold)) => (false, hold.reason, hold.message.clone()),
        (Standing::Ready, None) if instance.spec.mode == InstanceMode::ObserveOnly => {
            (true, reason::CONNECTED, format!("{}; mode is ObserveOnly, nothing is changed", conclusion.connected))
        }
        (Standing::Ready, None) => (true, reason::CONNECTED, conclusion.connected.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::identity::Panel;
    use crate::providers::Hold;

    fn connected() -> Conclusion {
        Conclusion {
            standing: Standing::Ready,
            panel: Panel { identity: "one".into(), former: vec![] },
            version: Some("1.11".into()),
            absence: None,
            endings: None,
            missing_together: None,
            verified_at: Some(Timestamp::UNIX_EPOCH),
            connected: "panel-eu: Demo at https://panel.example.com".into(),
            confirmed: false,
        }
    }

    fn instance() -> ProviderInstance {
        let mut instance = ProviderInstance::default();
        instance.metadata.name = Some("panel-eu".into());
        instance.metadata.generation = Some(3);
        instance
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn reasons(status: &ProviderInstanceStatus) -> Vec<String> {
        let told = |condition: &Condition| format!("{}={}/{}", condition.type_, condition.status, condition.reason);
        status.conditions.iter().map(told).collect()
    }

    #[test]
    fn a_later_pass_that_found_the_same_writes_nothing() {
        let mut seen = instance();
        let conclusion = connected();
        let first = fold(&seen, &conclusion, None, at(1));
        seen.status = Some(first.clone());
        let later = Conclusion { verified_at: Some(at(600)), ..conclusion };
        assert_eq!(fold(&seen, &later, None, at(600)), first);
        assert_eq!(reasons(&first), ["Ready=True/Connected"]);
        assert_eq!((first.observed_generation, first.remote_identity.as_deref()), (Some(3), Some("one")));
    }

    #[test]
    fn conditions_say_what_holds_and_who_must_act() {
        let hold = |reason| Some(Hold::new(reason, "why"));
        let not_ready = |reason| Conclusion { standing: Standing::NotReady(Hold::new(reason, "why")), ..connected() };
        let used = Some(Uses { services: 2, packages: 0 });
        let absent =
            || Conclusion { absence: hold(reason::MASS_ABSENCE), endings: hold(reason::MASS_ABSENCE), ..connected() };
        let rows: [(Conclusion, Option<Uses>, &[&str]); 6] = [
            (not_ready(reason::PROVIDER_UNAVAILABLE), None, &["Ready=False/ProviderUnavailable"]),
            (not_ready(reason::INLINE_SECRET), None, &["Ready=False/InlineSecret", "Stalled=True/InlineSecret"]),
            (absent(), None, &["Ready=False/MassAbsence", "Stalled=True/MassAbsence", "EndingsHeld=True/MassAbsence"]),
            (
                Conclusion { endings: hold(reason::REMOTES_ALREADY_THERE), ..connected() },
                None,
                &["Ready=True/Connected", "EndingsHeld=True/RemotesAlreadyThere"],
            ),
            (Conclusion { endings: hold(reason::INSTANCE_NOT_READY), ..connected() }, None, &["Ready=True/Connected"]),
            (connected(), used, &["Ready=False/InUse"]),
        ];
        for (conclusion, uses, expected) in rows {
            assert_eq!(reasons(&fold(&instance(), &conclusion, uses, at(1))), expected);
        }
    }

    #[test]
    fn what_is_mended_leaves_no_condition_behind() {
        let mut seen = instance();
        let hold = Hold::new(reason::INLINE_SECRET, "why");
        let broken = Conclusion { standing: Standing::NotReady(hold), ..connected() };
        seen.status = Some(fold(&seen, &broken, None, at(1)));
        assert_eq!(reasons(&fold(&seen, &connected(), None, at(2))), ["Ready=True/Connected"]);
    }
}
