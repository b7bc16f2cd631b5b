use hostwright_crds::{
    Carried, DeletionPolicy, DesiredStatus, InstanceMode, OperationOutcome, RemoteState, Verb, annotation, reason,
};
use hostwright_plugin::{Class, CreateUniqueness, State};

use super::super::fixture::{NOW, Scene, at, service};
use super::super::situation::Provider;
use super::*;
use DeletionPolicy::{Retain, Terminate};
use DesiredStatus::{Active, Suspended, Terminated};
use OperationOutcome::{Accepted, Refused, Unknown};
use Step::{
    AssumeAttempt, Attach, Conclude, Create, End, Forget, Observe, Poll, Record as WriteRecord, Release, ReportMissing,
    Scale, Settled, Suspend, TakeFinalizer, Terminate as Ending, Unsuspend, Verify,
};

/// A wait, by its reason; `quietly` where it says nothing.
fn waits(step: &Step) -> Option<(&'static str, bool)> {
    match step {
        Step::Wait(wait) => Some((wait.hold.as_ref().map_or("quietly", |hold| hold.reason), wait.stalled)),
        _ => None,
    }
}

#[track_caller]
fn all(rows: Vec<(&str, Scene, Step)>) {
    for (situation, scene, step) in rows {
        assert_eq!(scene.plan(), step, "{situation}");
    }
}

#[track_caller]
fn all_wait(rows: Vec<(&str, Scene, &'static str, bool)>) {
    for (situation, scene, reason, stalled) in rows {
        let step = scene.plan();
        assert_eq!(waits(&step), Some((reason, stalled)), "{situation}: {step:?}");
    }
}

#[test]
fn a_create_is_recorded_then_observed_then_made() {
    all(vec![
        ("applied", service(), WriteRecord),
        ("recorded", service().recorded_just_now(), Observe),
        ("nothing there", service().recorded_just_now().seeing_nothing(), Create),
        ("created", service().has(RemoteState::Active), Settled),
    ]);
}

#[test]
fn retain_releases_whatever_else_is_wrong() {
    let gone = || Provider::Missing(Hold::new(reason::INSTANCE_NOT_FOUND, ""));
    let released = || Release(ReleaseReason::Retained);
    all(vec![
        ("settled", service().has(RemoteState::Active).deleted(Retain), released()),
        ("paused", service().has(RemoteState::Active).paused().deleted(Retain), released()),
        ("no instance", service().has(RemoteState::Active).provider(gone()).deleted(Retain), released()),
        ("create unanswered", service().recorded().operation(Verb::Create, Unknown, NOW).deleted(Retain), released()),
        ("protected", service().has(RemoteState::Active).protected().deleted(Retain), released()),
    ]);
}

#[test]
fn a_record_of_another_object_is_not_believed() {
    all_wait(vec![("copied", service().copied(), reason::IDENTITY_COPIED, true)]);
    all(vec![("copied and deleted", service().copied().deleted(Terminate), Release(ReleaseReason::NothingThere))]);
    let unreadable = service().annotated(annotation::IDENTITY, "{");
    all_wait(vec![("unreadable", unreadable, reason::IDENTITY_INVALID, true)]);
}

#[test]
fn ending_is_final() {
    all(vec![
        ("ended", service().ended().wanting(Terminated), Settled),
        ("ended and deleted", service().ended().deleted(Terminate), Release(ReleaseReason::Ended)),
        ("never existed, wanted gone", service().wanting(Terminated), End),
        ("never existed, deleted", service().deleted(Terminate), Release(ReleaseReason::NothingThere)),
    ]);
    all_wait(vec![("wanted back", service().ended().wanting(Active), reason::ALREADY_TERMINATED, true)]);
}

#[test]
fn what_needs_no_look_is_settled_even_while_the_provider_is_away() {
    let away = || {
        Provider::Known(Box::new({
            let mut scene = service();
            scene.facts().standing = Standing::NotReady(Hold::new(reason::PROVIDER_UNAVAILABLE, ""));
            scene.facts().clone()
        }))
    };
    all(vec![
        ("active", service().has(RemoteState::Active).provider(away()), Settled),
        ("process starting", service().has(RemoteState::Active).provider(Provider::Starting), Settled),
        (
            "suspended by us",
            service().has(RemoteState::Suspended).suspended_by_us().wanting(Suspended).provider(away()),
            Settled,
        ),
        ("broken package", service().has(RemoteState::Active).broken_order(), Settled),
        ("suspended outside", service().has(RemoteState::Suspended), Settled),
        ("missing and held", service().has(RemoteState::Missing), Settled),
    ]);
    all_wait(vec![
        (
            "something to do",
            service().has(RemoteState::Active).wanting(Suspended).provider(away()),
            reason::PROVIDER_UNAVAILABLE,
            false,
        ),
        (
            "deleted",
            service().has(RemoteState::Active).deleted(Terminate).provider(away()),
            reason::PROVIDER_UNAVAILABLE,
            false,
        ),
        ("process starting, something to do", service().provider(Provider::Starting), "quietly", false),
    ]);
}

#[test]
fn pause_and_instance_modes_hold_everything_that_would_be_called() {
    let disabled = |scene: Scene| scene.instance(|facts| facts.mode = InstanceMode::Disabled);
    let observing = |scene: Scene| scene.instance(|facts| facts.mode = InstanceMode::ObserveOnly);
    all_wait(vec![
        ("paused", service().paused(), reason::PAUSED, false),
        ("paused and deleted", service().has(RemoteState::Active).paused().deleted(Terminate), reason::PAUSED, false),
        ("disabled", disabled(service()), reason::INSTANCE_DISABLED, false),
        ("observe only", observing(service()), reason::INSTANCE_OBSERVE_ONLY, false),
        (
            "observe only, wanted suspended",
            observing(service().has(RemoteState::Active).wanting(Suspended).seeing(State::Active)),
            reason::INSTANCE_OBSERVE_ONLY,
            false,
        ),
    ]);
    let looks = observing(service().has(RemoteState::Active).wanting(Suspended));
    all(vec![("observe only looks", looks, Observe)]);
}

#[test]
fn an_instance_that_is_being_deleted_takes_nothing_new_and_serves_what_it_has() {
    let going = |scene: Scene| scene.instance(|facts| facts.deleting = true);
    all_wait(vec![("new", going(service()), reason::INSTANCE_NOT_READY, false)]);
    let ending = going(service().has(RemoteState::Active).deleted(Terminate)).seeing(State::Active);
    all(vec![("ending", ending, Ending { force: false })]);
}

#[test]
fn another_panel_is_not_touched() {
    let elsewhere = |scene: Scene| scene.instance(|facts| facts.same_panel = false);
    all_wait(vec![
        ("deleted", elsewhere(service().has(RemoteState::Active).deleted(Terminate)), reason::REMOTE_CHANGED, false),
        ("suspend", elsewhere(service().has(RemoteState::Active).wanting(Suspended)), reason::REMOTE_CHANGED, false),
    ]);
}

#[test]
fn a_create_needs_a_valid_order_and_nothing_else_does() {
    all_wait(vec![
        ("create", service().broken_order(), reason::PACKAGE_NOT_FOUND, false),
        (
            "create after a record",
            service().recorded_just_now().broken_order().seeing_nothing(),
            reason::PACKAGE_NOT_FOUND,
            false,
        ),
    ]);
    let active = || service().has(RemoteState::Active).broken_order().seeing(State::Active);
    all(vec![
        ("suspend", active().wanting(Suspended), Suspend),
        ("terminate", active().deleted(Terminate), Ending { force: false }),
        (
            "unsuspend",
            service().has(RemoteState::Suspended).suspended_by_us().broken_order().seeing(State::Suspended),
            Unsuspend,
        ),
    ]);
}

#[test]
fn the_persisted_next_attempt_binds_the_same_verb_only() {
    let refused =
        |verb| service().has(RemoteState::Active).operation(verb, Refused, NOW).failed(Class::Unavailable, NOW + 60);
    all_wait(vec![
        ("suspend again", refused(Verb::Suspend).wanting(Suspended), "quietly", false),
        ("terminate again", refused(Verb::Terminate).deleted(Terminate), "quietly", false),
        (
            "unanswered, whatever is wanted",
            service()
                .has(RemoteState::Active)
                .operation(Verb::Suspend, Unknown, NOW)
                .failed(Class::Unknown, NOW + 60)
                .deleted(Terminate),
            "quietly",
            false,
        ),
    ]);
    all(vec![
        ("end while a scale waits", refused(Verb::Scale).deleted(Terminate), Observe),
        ("suspend while a scale waits", refused(Verb::Scale).wanting(Suspended), Observe),
        (
            "due",
            service()
                .has(RemoteState::Active)
                .operation(Verb::Suspend, Refused, 0)
                .failed(Class::Unavailable, NOW)
                .wanting(Suspended),
            Observe,
        ),
    ]);
}

#[test]
fn an_unanswered_create_is_settled_by_looking() {
    let unanswered = |attempted| service().recorded().operation(Verb::Create, Unknown, attempted);
    let only_looks_up =
        |scene: Scene| scene.instance(|facts| facts.capabilities.create_uniqueness = CreateUniqueness::LookupOnly);
    let blind = |scene: Scene| scene.instance(|facts| facts.capabilities.create_uniqueness = CreateUniqueness::None);
    all(vec![
        ("look first", unanswered(NOW), Observe),
        ("there", unanswered(NOW).seeing(State::Provisioning), Attach(Attachment::OwnAttempt)),
        (
            "absent where the provider refuses a second",
            unanswered(NOW).seeing_nothing(),
            Conclude(Conclusion::HadNoEffect),
        ),
        (
            "absent after settling",
            only_looks_up(unanswered(NOW - 40).unanswered_at(NOW - 30)).seeing_nothing(),
            Conclude(Conclusion::HadNoEffect),
        ),
        (
            "resolved by a person",
            blind(unanswered(0)).seeing_nothing().annotated(annotation::RESOLVE_CREATE, "absent"),
            Step::ResolvedAsAbsent,
        ),
    ]);
    all_wait(vec![
        (
            "absent before settling",
            only_looks_up(unanswered(NOW - 89)).seeing_nothing(),
            reason::OUTCOME_UNKNOWN,
            false,
        ),
        ("nobody can tell", blind(unanswered(0)).seeing_nothing(), reason::CREATE_OUTCOME_UNKNOWN, true),
        (
            "deleted while it may still land",
            unanswered(NOW - 89).deleted(Terminate).seeing_nothing(),
            reason::OUTCOME_UNKNOWN,
            false,
        ),
    ]);
}

#[test]
fn nothing_is_released_while_an_earlier_create_may_still_land() {
    let refused_later = |unanswered| {
        service()
            .recorded()
            .operation(Verb::Create, Refused, NOW)
            .unanswered_at(unanswered)
            .deleted(Terminate)
            .seeing_nothing()
    };
    all_wait(vec![("one was not answered", refused_later(NOW - 29), reason::OUTCOME_UNKNOWN, false)]);
    all(vec![
        ("long ago", refused_later(NOW - 30), Release(ReleaseReason::Ended)),
        ("recorded, then cut off", service().recorded().deleted(Terminate).seeing_nothing(), AssumeAttempt),
        (
            "recorded in this pass",
            service().recorded_just_now().deleted(Terminate).seeing_nothing(),
            Release(ReleaseReason::Ended),
        ),
    ]);
}

#[test]
fn a_lost_status_attaches_and_never_creates_blindly() {
    let only_looks_up =
        |scene: Scene| scene.instance(|facts| facts.capabilities.create_uniqueness = CreateUniqueness::LookupOnly);
    all(vec![
        ("there", service().recorded().seeing(State::Active), Attach(Attachment::Found)),
        ("restored and there", service().restored().seeing(State::Active), Attach(Attachment::Found)),
        ("absent, a create may be under way there", service().recorded().seeing_nothing(), AssumeAttempt),
        ("absent, a create may be under way", only_looks_up(service().recorded()).seeing_nothing(), AssumeAttempt),
        ("absent, recorded in this pass", only_looks_up(service().recorded_just_now()).seeing_nothing(), Create),
    ]);
    all_wait(vec![("restored and absent", service().restored().seeing_nothing(), reason::REMOTE_MISSING, true)]);
}

#[test]
fn an_object_with_a_record_takes_the_finalizer_first_whatever_else_is_wrong() {
    let away = || Provider::Missing(Hold::new(reason::INSTANCE_NOT_FOUND, ""));
    all(vec![
        ("restored", service().restored().without_finalizer(), TakeFinalizer),
        ("restored, no instance", service().restored().without_finalizer().provider(away()), TakeFinalizer),
        ("restored, paused", service().restored().without_finalizer().paused(), TakeFinalizer),
        ("taken away", service().has(RemoteState::Active).without_finalizer(), TakeFinalizer),
        ("ended", service().ended().without_finalizer().wanting(Terminated), Settled),
    ]);
}

#[test]
fn what_was_never_made_on_another_cluster_is_made_once_nothing_can_appear_any_more() {
    let never_made = || service().carrying(Carried { never_made: true, ..Carried::default() });
    all(vec![
        ("there after all", never_made().seeing(State::Active), Attach(Attachment::Found)),
        ("absent", never_made().seeing_nothing(), AssumeAttempt),
        ("absent for certain", never_made().operation(Verb::Create, Refused, NOW).seeing_nothing(), WriteRecord),
    ]);
}

#[test]
fn what_was_carried_here_goes_once_status_has_it() {
    let carried = || Carried { suspended_at: Some("2026-01-01T00:00:00Z".into()), ..Carried::default() };
    let settled = |scene: Scene| scene.has(RemoteState::Active);
    all(vec![
        ("landed", settled(service()).still_carrying(carried()), WriteRecord),
        ("not landed", service().still_carrying(carried()), Observe),
    ]);
}

#[test]
fn what_belongs_to_others_is_never_touched() {
    let found = |owner| service().recorded_just_now().seeing_owned_by(State::Active, owner);
    let bound = || service().has(RemoteState::Active);
    all_wait(vec![
        ("another owner", found(Some("prod.customers.eve")), reason::REMOTE_EXISTS, true),
        ("no owner", found(None), reason::REMOTE_EXISTS, true),
        (
            "given to another owner",
            bound().suspicious().seeing_owned_by(State::Active, Some("eve")),
            reason::REMOTE_EXISTS,
            true,
        ),
        (
            "given to another owner, deleted",
            bound().deleted(Terminate).seeing_owned_by(State::Active, Some("eve")),
            reason::REMOTE_EXISTS,
            true,
        ),
        ("claimed by two", bound().claimed().wanting(Suspended), reason::REMOTE_CLAIMED_TWICE, true),
    ]);
    all(vec![
        ("found, deleted", found(Some("eve")).deleted(Terminate), Release(ReleaseReason::NothingThere)),
        ("ours without an owner key", bound().wanting(Suspended).seeing_owned_by(State::Active, None), Suspend),
    ]);
}

#[test]
fn ending_waits_for_protection_and_holds_and_believes_only_a_look() {
    let bound = || service().has(RemoteState::Active).deleted(Terminate);
    all(vec![
        ("look first", bound(), Observe),
        ("there", bound().seeing(State::Active), Ending { force: false }),
        ("suspended", bound().seeing(State::Suspended), Ending { force: false }),
        ("failed", bound().seeing(State::Failed), Ending { force: false }),
        ("installing, interruptible", bound().seeing(State::Provisioning), Ending { force: false }),
        ("gone", bound().seeing_nothing(), Release(ReleaseReason::Ended)),
        ("gone, spec", service().has(RemoteState::Active).wanting(Terminated).seeing_nothing(), End),
        (
            "gone, the panel not asked lately",
            bound().instance(|facts| facts.verified_at = Some(at(NOW - 61))).seeing_nothing(),
            Verify,
        ),
    ]);
    let hold = |reason| Some(Hold::new(reason, ""));
    all_wait(vec![
        ("protected", bound().protected(), reason::TERMINATION_PROTECTED, true),
        (
            "not confirmed",
            bound().instance(|facts| facts.endings = hold(reason::REMOTES_ALREADY_THERE)).seeing(State::Active),
            reason::REMOTES_ALREADY_THERE,
            false,
        ),
        (
            "gone with many",
            bound().instance(|facts| facts.absence = hold(reason::MASS_ABSENCE)).seeing_nothing(),
            reason::MASS_ABSENCE,
            false,
        ),
        ("going", bound().seeing(State::Deleting), reason::TERMINATING, false),
    ]);
}

#[test]
fn an_ending_is_forced_only_by_policy_and_only_after_ordinary_ones_failed() {
    let mut scene = service().has(RemoteState::Active).deleted(Terminate).seeing(State::Active);
    scene.force_after = Some(std::time::Duration::from_secs(100));
    assert_eq!(scene.plan(), Ending { force: false });
    let failing = |since| {
        let mut scene = service().has(RemoteState::Active).deleted(Terminate).seeing(State::Active).operation(
            Verb::Terminate,
            Refused,
            since,
        );
        scene.force_after = Some(std::time::Duration::from_secs(100));
        scene.plan()
    };
    assert_eq!((failing(NOW - 99), failing(NOW - 100)), (Ending { force: false }, Ending { force: true }));
}

#[test]
fn a_remote_that_others_removed_is_held_or_made_again() {
    let bound = || service().has(RemoteState::Active).suspicious().seeing_nothing();
    all(vec![
        ("hold", bound(), ReportMissing),
        ("recreate", bound().recreating(), Forget),
        ("not bound yet", service().has(RemoteState::Active).unbound().seeing_nothing(), Forget),
        ("recreate what was reported", service().has(RemoteState::Missing).recreating().seeing_nothing(), Forget),
        ("the panel not asked lately", bound().instance(|facts| facts.verified_at = None), Verify),
    ]);
    let hold = Some(Hold::new(reason::MASS_ABSENCE, ""));
    all_wait(vec![
        (
            "with many",
            bound().recreating().instance(|facts| facts.absence.clone_from(&hold)),
            reason::MASS_ABSENCE,
            false,
        ),
        ("reported", service().has(RemoteState::Missing).suspicious().seeing_nothing(), reason::REMOTE_MISSING, true),
    ]);
}

#[test]
fn suspension_has_the_right_of_way_and_only_our_own_is_lifted() {
    all(vec![
        ("suspend", service().has(RemoteState::Active).wanting(Suspended).seeing(State::Active), Suspend),
        (
            "suspend while installing",
            service()
                .has(RemoteState::Provisioning)
                .operation(Verb::Create, Accepted, NOW)
                .wanting(Suspended)
                .seeing(State::Provisioning),
            Suspend,
        ),
        ("unsuspend ours", service().has(RemoteState::Suspended).suspended_by_us().seeing(State::Suspended), Unsuspend),
        ("leave theirs", service().has(RemoteState::Suspended).suspicious().seeing(State::Suspended), Settled),
        (
            "suspend before scaling",
            service().has(RemoteState::Active).wanting(Suspended).ordering_another_size().seeing(State::Active),
            Suspend,
        ),
    ]);
    let slow = service()
        .has(RemoteState::Provisioning)
        .wanting(Suspended)
        .instance(|facts| facts.capabilities.interruptible = false)
        .seeing(State::Provisioning);
    all_wait(vec![("not interruptible", slow, "quietly", false)]);
}

#[test]
fn an_unsuspension_that_has_something_to_put_back_is_repeated_until_it_is_answered() {
    let mut scene =
        service().has(RemoteState::Suspended).operation(Verb::Unsuspend, Unknown, NOW).seeing(State::Active);
    if let Some(operation) = scene.status().operation.as_mut() {
        operation.before = Some("installing".into());
    }
    assert_eq!(scene.plan(), Conclude(Conclusion::HadNoEffect));
    if let Some(operation) = scene.status().operation.as_mut() {
        operation.outcome = Refused;
    }
    assert_eq!(scene.plan(), Unsuspend);
}

#[test]
fn a_running_operation_is_polled_and_concluded() {
    let creating = || service().has(RemoteState::Provisioning).operation(Verb::Create, Accepted, NOW);
    all(vec![
        ("poll by token", creating().with_token(), Poll),
        ("look without one", creating(), Observe),
        ("done", creating().seeing(State::Active), Conclude(Conclusion::TookEffect)),
        ("failed", creating().seeing(State::Failed), Conclude(Conclusion::TookEffect)),
        ("incomplete", service().has(RemoteState::Incomplete).seeing(State::Incomplete), Create),
        (
            "suspend took effect",
            service()
                .has(RemoteState::Active)
                .wanting(Suspended)
                .operation(Verb::Suspend, Unknown, NOW)
                .seeing(State::Suspended),
            Conclude(Conclusion::TookEffect),
        ),
        (
            "suspend had none",
            service()
                .has(RemoteState::Active)
                .wanting(Suspended)
                .operation(Verb::Suspend, Unknown, NOW)
                .seeing(State::Active),
            Conclude(Conclusion::HadNoEffect),
        ),
        (
            "scale took effect",
            service().has(RemoteState::Active).operation(Verb::Scale, Unknown, NOW).seeing(State::Active),
            Conclude(Conclusion::TookEffect),
        ),
    ]);
    all_wait(
        vec![
            ("still installing", creating().seeing(State::Provisioning), "quietly", false),
            ("being removed", service().recorded_just_now().seeing(State::Deleting), "quietly", false),
        ]
        .into_iter()
        .take(1)
        .collect(),
    );
}

#[test]
fn differences_are_scaled_when_they_can_and_may_be() {
    let active = || service().has(RemoteState::Active);
    all(vec![
        ("ordered", active().ordering_another_size().seeing(State::Active), Scale),
        ("drifted", active().suspicious().drifted().seeing(State::Active), Scale),
        ("look first", active().ordering_another_size(), Observe),
        ("counts only at creation", active().ordering_another_region().seeing(State::Active), Settled),
        (
            "while suspended",
            service()
                .has(RemoteState::Suspended)
                .suspended_by_us()
                .wanting(Suspended)
                .ordering_another_size()
                .seeing(State::Suspended),
            Scale,
        ),
    ]);
    let mut attached = active().ordering_another_size();
    attached.status().attached_differences = Some("hash".into());
    assert_eq!(attached.plan(), Settled, "attached with differences");
    assert_eq!(attached.annotated(annotation::ACCEPT_DIFFERENCES, "hash").plan(), Observe, "accepted");
    let mut stubborn = active().suspicious().drifted().seeing(State::Active);
    stubborn.status().not_converging = Some(super::super::changes::digest_of(&[super::super::fixture::difference()]));
    assert_eq!(stubborn.plan(), Settled, "a scale that changed nothing is not repeated");
}

#[test]
fn a_request_for_an_attempt_looks_once() {
    let asked = || service().has(RemoteState::Active).annotated(annotation::RECONCILE_REQUESTED_AT, "now");
    assert_eq!(asked().plan(), Observe);
    let mut handled = asked();
    handled.status().last_handled_reconcile_at = Some("now".into());
    assert_eq!(handled.plan(), Settled);
}
