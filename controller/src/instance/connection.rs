//! The connection test: when it is due, what its answer means, and the re-check that services ask for.

use std::sync::Arc;
use std::time::Duration;

use hostwright_crds::{InstanceMode, ProviderInstance, annotation, reason};
use hostwright_plugin::{Class, Connection, Error as CallError, Plugin};
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;
use kube::runtime::reflector::ObjectRef;

use super::memory::{Facts, Remembered, Test};
use super::validate::Settings;
use super::{pace, publish};
use crate::context::Context;
use crate::providers::{CallKind, Held, Hold, Standing};

/// How long a failed test answers every doubt: when a panel is down, all its services doubt it.
const FAILURE_COUNTS: Duration = Duration::from_mins(1);

/// Why a test is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// It is due by time, or the settings changed.
    Schedule,
    /// A person asked for one.
    Requested,
    /// A service doubts the panel since then.
    Doubt(Timestamp),
}

/// Whether a test is to be made now.
fn is_due(why: Why, facts: &Facts, now: Timestamp) -> bool {
    let Some(test) = facts.current_test() else { return true };
    match why {
        Why::Requested => true,
        Why::Schedule => facts.test_due.is_none_or(|due| due <= now),
        // A test that passed before the doubt does not dispel it.
        Why::Doubt(since) if test.answer.is_ok() => test.at < since,
        Why::Doubt(_) => now.duration_since(test.at).unsigned_abs() >= FAILURE_COUNTS,
    }
}

/// Tests the connection where that is due. One test of an instance runs at a time, and those who waited share its answer.
pub(super) async fn keep_tested(
    instance: &ProviderInstance,
    ctx: &Context,
    remembered: &Remembered,
    plugin: &dyn Plugin,
    why: Why,
) {
    let _one_at_a_time = remembered.testing.lock().await;
    let settings = {
        let facts = remembered.facts();
        let Some(settings) = facts.usable().filter(|_| is_due(why, &facts, ctx.clock.now())) else {
            return;
        };
        settings.clone()
    };
    let gate = remembered.gate(ctx);
    let answer = match gate.admit(CallKind::Observation).await {
        Ok(permit) => Ok(gate.call(permit, "", plugin.test_connection(&settings.instance)).await),
        Err(held) => Err(held),
    };
    let now = ctx.clock.now();
    let mut facts = remembered.facts();
    match answer {
        Ok(answer) => note_answer(instance, &mut facts, &settings, answer, now),
        Err(held) => note_held(&mut facts, &settings, held, now),
    }
}

fn note_answer(
    instance: &ProviderInstance,
    facts: &mut Facts,
    settings: &Settings,
    answer: Result<Connection, CallError>,
    now: Timestamp,
) {
    let name = instance.name_any();
    if facts.current_test().is_none() {
        // Failures of other settings say nothing about these.
        facts.failures = 0;
    }
    match answer {
        Ok(connection) => {
            facts.failures = 0;
            facts.test_due = Some(pace::next_look(instance, now));
            facts.test = Some(Test { settings: settings.digest.clone(), at: now, answer: Ok(connection) });
        }
        Err(error) => {
            facts.failures += 1;
            facts.test_due = Some(pace::after_failure(&name, facts.failures, error.retry_after, now));
            // A throttled test says nothing about the panel that an earlier one did not.
            if error.class == Class::RateLimited && facts.current_test().is_some() {
                return;
            }
            let hold = refusal(&name, settings, &error);
            tracing::warn!(instance = name, reason = hold.reason, message = hold.message, "the connection test failed");
            facts.test = Some(Test { settings: settings.digest.clone(), at: now, answer: Err(hold) });
        }
    }
}

fn note_held(facts: &mut Facts, settings: &Settings, held: Held, now: Timestamp) {
    let name = &settings.instance.name;
    let (until, why_not) = match held {
        Held::RateLimited { until } => {
            facts.test_due = Some(until);
            if facts.current_test().is_some() {
                return;
            }
            (
                until,
                Hold::new(reason::RATE_LIMITED, format!("{name}: the provider throttles and asked to be left alone")),
            )
        }
        Held::CircuitOpen { until } => {
            let text =
                format!("{name}: calls failed at the provider as a whole; one is tried now and then until it answers");
            (until, Hold::new(reason::CIRCUIT_OPEN, text))
        }
    };
    facts.test_due = Some(until);
    facts.test = Some(Test { settings: settings.digest.clone(), at: now, answer: Err(why_not) });
}

/// What a failed test means, in words that say who has to do what.
fn refusal(name: &str, settings: &Settings, error: &CallError) -> Hold {
    let told = settings.redactor.redact(&error.message);
    // Plugins begin with the name of the instance; others get it here.
    let told = if told.starts_with(name) { told } else { format!("{name}: {told}") };
    match error.class {
        Class::Unauthorized => {
            let blamed = error.field.as_deref().and_then(|field| field.strip_prefix("instance."));
            Hold::new(reason::PROVIDER_UNAUTHORIZED, format!("{told}; fix {}", settings.credentials(blamed)))
        }
        Class::RateLimited => Hold::new(reason::RATE_LIMITED, told),
        Class::Invalid => Hold::new(reason::INVALID_CONFIGURATION, told),
        Class::Unsupported => Hold::new(reason::UNSUPPORTED, told),
        Class::Internal => Hold::new(reason::PLUGIN_ERROR, told),
        Class::Unavailable | Class::Unknown | Class::NotFound | Class::Conflict | Class::Capacity => {
            Hold::new(reason::PROVIDER_UNAVAILABLE, format!("{told}; tried again with pauses of 5 s up to 5 min"))
        }
    }
}

/// The value of the reconcile-requested annotation, where it was not acted on yet.
pub(super) fn request<'a>(instance: &'a ProviderInstance, facts: &Facts) -> Option<&'a String> {
    let token = instance.annotations().get(annotation::RECONCILE_REQUESTED_AT)?;
    let status = instance.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_ref());
    (status != Some(token) && facts.requested.as_ref() != Some(token)).then_some(token)
}

/// Tests an instance again because a service has reason to doubt it: its remote turned absent, or its credentials were
/// refused. Those who ask at the same time share one test, and a failed one answers everybody for a minute. The published
/// runtime is brought up to date before this returns. Answers when the test passed.
///
/// # Errors
/// Why the instance cannot be used: a panel that cannot be asked, or is another one than before, included.
pub async fn verify(ctx: &Context, instance: &str) -> Result<Timestamp, Hold> {
    let unknown = || Hold::new(reason::INSTANCE_NOT_READY, format!("{instance}: not connected yet"));
    let key = ObjectRef::new(instance);
    let cached = ctx.caches.instances.get(&key).ok_or_else(unknown)?;
    let object = cached.0.as_ref().map_err(|_| unknown())?;
    let runtime = ctx.providers.runtime(instance).ok_or_else(unknown)?;
    let remembered: Arc<Remembered> = ctx.providers.memory.get(instance).ok_or_else(unknown)?;
    let Some(plugin) = runtime.plugin.clone().filter(|_| object.spec.mode != InstanceMode::Disabled) else {
        return Err(not_ready(&runtime.standing).unwrap_or_else(unknown));
    };

    let since = ctx.clock.now();
    keep_tested(object, ctx, &remembered, plugin.as_ref(), Why::Doubt(since)).await;
    let published = publish::publish(object, ctx, &remembered);
    if published.changed {
        // Its own pass writes down what was found. Fails only while the process ends.
        let _ = ctx.wakers.instances.send(key);
    }
    if let Some(hold) = not_ready(&published.conclusion.standing) {
        return Err(hold);
    }
    let tested = published.conclusion.verified_at.filter(|at| *at >= since);
    tested.ok_or_else(|| {
        Hold::new(reason::RATE_LIMITED, format!("{instance}: the provider throttles, so it cannot be tested right now"))
    })
}

fn not_ready(standing: &Standing) -> Option<Hold> {
    match standing {
        Standing::Ready => None,
        Standing::NotReady(hold) => Some(hold.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::validate::fixtures::settings;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn connection() -> Connection {
        Connection { identity: "one".into(), version: None, permissions: vec![], note: None }
    }

    fn instance() -> ProviderInstance {
        let mut instance = ProviderInstance::default();
        instance.metadata.name = Some("panel-eu".into());
        instance
    }

    fn tested(answer: Result<Connection, CallError>) -> Facts {
        let settings = Arc::new(settings());
        let mut facts = Facts { settings: Some(Ok(settings.clone())), ..Facts::default() };
        note_answer(&instance(), &mut facts, &settings, answer, at(1_000));
        facts
    }

    fn error(class: Class, message: &str) -> CallError {
        CallError::new(class, "code", message)
    }

    #[test]
    fn a_test_is_due_on_start_on_new_settings_by_time_and_on_request() {
        let facts = tested(Ok(connection()));
        let failed = tested(Err(error(Class::Unauthorized, "no")));
        let mut other = tested(Ok(connection()));
        let mut changed = settings();
        changed.digest = "other".into();
        other.settings = Some(Ok(Arc::new(changed)));
        let rows = [
            (Why::Schedule, &Facts { settings: facts.settings.clone(), ..Facts::default() }, 1_001, true),
            (Why::Schedule, &other, 1_001, true),
            (Why::Schedule, &facts, 1_500, false),
            (Why::Schedule, &facts, 1_700, true),
            (Why::Requested, &facts, 1_001, true),
            (Why::Doubt(at(1_000)), &facts, 1_005, false),
            (Why::Doubt(at(1_001)), &facts, 1_005, true),
            (Why::Doubt(at(1_050)), &failed, 1_059, false),
            (Why::Doubt(at(1_050)), &failed, 1_060, true),
        ];
        for (why, facts, now, due) in rows {
            assert_eq!(is_due(why, facts, at(now)), due, "{why:?} at {now}");
        }
    }

    #[test]
    fn the_message_says_who_has_to_do_what_and_holds_no_secret() {
        let rows = [
            (
                Class::Unauthorized,
                reason::PROVIDER_UNAUTHORIZED,
                "fix key api_key in Secret hostwright-system/panel-eu-api",
            ),
            (Class::Unavailable, reason::PROVIDER_UNAVAILABLE, "panel-eu: refused [redacted]; tried again"),
            (Class::Unknown, reason::PROVIDER_UNAVAILABLE, "tried again"),
            (Class::Invalid, reason::INVALID_CONFIGURATION, "panel-eu: refused"),
            (Class::Internal, reason::PLUGIN_ERROR, "panel-eu: refused"),
        ];
        for (class, reason, part) in rows {
            let hold = refusal("panel-eu", &settings(), &error(class, "refused hunter2-secret"));
            assert_eq!(hold.reason, reason, "{class:?}");
            assert!(hold.message.contains(part) && !hold.message.contains("hunter2"), "{}", hold.message);
        }
    }

    #[test]
    fn a_throttled_test_does_not_shake_an_earlier_one() {
        let mut facts = tested(Ok(connection()));
        let settings = facts.usable().unwrap().clone();
        let throttled = error(Class::RateLimited, "slow down").retry_after(Duration::from_mins(2));
        note_answer(&instance(), &mut facts, &settings, Err(throttled), at(2_000));
        assert!(facts.current_test().unwrap().answer.is_ok());
        assert_eq!(facts.test_due, Some(at(2_120)));
        note_held(&mut facts, &settings, Held::RateLimited { until: at(3_000) }, at(2_120));
        assert!(facts.current_test().unwrap().answer.is_ok());
        note_held(&mut facts, &settings, Held::CircuitOpen { until: at(4_000) }, at(3_000));
        assert_eq!(facts.current_test().unwrap().answer.as_ref().unwrap_err().reason, reason::CIRCUIT_OPEN);
        assert_eq!(facts.test_due, Some(at(4_000)));
    }
}
