use hostwright_crds::{DeletionPolicy, DesiredStatus, HostingService, OperationOutcome, RemoteState, Suspension, Verb};
use hostwright_plugin::State;

use super::super::fixture::{NOW, Scene, service};
use super::*;

fn rendered(scene: &Scene) -> HostingServiceStatus {
    scene.judge(|situation| render(situation, &super::super::plan::plan(situation)))
}

fn condition_of(status: &HostingServiceStatus, kind: &str) -> Option<(String, String)> {
    condition::find(&status.conditions, kind).map(|found| (found.status.clone(), found.reason.clone()))
}

fn ready(scene: &Scene) -> (String, String, String) {
    let status = rendered(scene);
    let found = condition::find(&status.conditions, condition::READY).unwrap().clone();
    (found.status, found.reason, found.message)
}

/// Every rendered status obeys these.
fn obeys_its_invariants(status: &HostingServiceStatus, service: &HostingService) {
    let is = |kind| condition::is_true(&status.conditions, kind);
    assert!(condition::find(&status.conditions, condition::READY).is_some());
    assert!(!(is(condition::READY) && is(condition::STALLED)), "ready and stalled");
    assert!(!(is(condition::RECONCILING) && is(condition::STALLED)), "reconciling and stalled");
    for rendered in &status.conditions {
        assert_eq!(rendered.observed_generation, service.metadata.generation);
        assert!(!rendered.reason.is_empty());
        if condition::ONLY_WHEN_TRUE.contains(&rendered.type_.as_str()) {
            assert_eq!(rendered.status, "True", "{}", rendered.type_);
        }
    }
    assert_eq!(status.observed_generation, service.metadata.generation);
}

fn scenes() -> Vec<Scene> {
    vec![
        service(),
        service().recorded_just_now(),
        service().broken_order(),
        service().copied(),
        service().ended().wanting(DesiredStatus::Terminated),
        service().has(RemoteState::Active),
        service().has(RemoteState::Active).paused(),
        service().paused(),
        service().has(RemoteState::Suspended),
        service().has(RemoteState::Failed),
        service().has(RemoteState::Missing),
        service().has(RemoteState::Active).wanting(DesiredStatus::Suspended),
        service().has(RemoteState::Active).deleted(DeletionPolicy::Terminate).protected(),
        service().has(RemoteState::Active).ordering_another_size(),
        service().has(RemoteState::Active).ordering_another_region(),
        service().recorded().operation(Verb::Create, OperationOutcome::Refused, NOW).failed(Class::Capacity, NOW + 60),
        service().recorded().operation(Verb::Create, OperationOutcome::Unknown, NOW).failed(Class::Unknown, NOW + 1),
        service().has(RemoteState::Provisioning).operation(Verb::Create, OperationOutcome::Accepted, NOW),
    ]
}

#[test]
fn every_status_obeys_the_invariants_of_its_conditions() {
    for scene in scenes() {
        obeys_its_invariants(&rendered(&scene), &scene.service);
    }
}

#[test]
fn rendering_twice_changes_nothing() {
    for mut scene in scenes() {
        let once = rendered(&scene);
        *scene.status() = once.clone();
        assert_eq!(rendered(&scene), once);
    }
}

#[test]
fn a_service_that_is_as_wanted_is_ready_and_says_where() {
    let (status, reason, message) = ready(&service().has(RemoteState::Active));
    assert_eq!((status.as_str(), reason.as_str(), message.as_str()), ("True", "UpToDate", "matches panel, server 12"));
}

#[test]
fn a_suspension_shows_its_holder() {
    let mut scene = service().has(RemoteState::Suspended).suspended_by_us();
    let held = Suspension { reason: "TermsOfService".into(), message: Some("mail flood".into()), since: None };
    scene.service.spec.suspensions.insert("abuse-desk".into(), held);
    let (status, reason, message) = ready(&scene);
    assert_eq!(
        (status.as_str(), reason.as_str(), message.as_str()),
        ("True", "TermsOfService", "held by abuse-desk: mail flood")
    );
    assert_eq!(condition_of(&rendered(&scene), condition::SUSPENDED), Some(("True".into(), "TermsOfService".into())));
}

#[test]
fn a_refused_create_says_that_nothing_was_created_and_when_it_is_tried_again() {
    let scene =
        service().recorded().operation(Verb::Create, OperationOutcome::Refused, NOW).failed(Class::Capacity, NOW + 60);
    let status = rendered(&scene);
    assert_eq!(status.phase, Some(Phase::Pending));
    assert_eq!(condition_of(&status, condition::ACCEPTED), Some(("False".into(), "NoCapacity".into())));
    let (_, reason, message) = ready(&scene);
    assert_eq!(reason, "NoCapacity");
    assert_eq!(message, "panel: words; nothing was created; attempt 1, next 1970-01-01T02:47:40Z");
}

#[test]
fn an_unanswered_create_leaves_open_whether_the_remote_exists() {
    let scene =
        service().recorded().operation(Verb::Create, OperationOutcome::Unknown, NOW).failed(Class::Unknown, NOW + 1);
    let found = condition_of(&rendered(&scene), condition::PROVISIONED);
    assert_eq!(found, Some(("Unknown".into(), "OutcomeUnknown".into())));
}

#[test]
fn a_suspension_from_outside_is_shown_and_needs_somebody() {
    let scene = service().has(RemoteState::Suspended).suspicious().seeing(State::Suspended);
    let status = rendered(&scene);
    assert_eq!(condition_of(&status, condition::SUSPENDED), Some(("True".into(), "External".into())));
    assert_eq!(condition_of(&status, condition::STALLED), Some(("True".into(), "External".into())));
}

#[test]
fn drift_is_named_field_by_field_while_it_is_corrected() {
    let scene = service().has(RemoteState::Active).suspicious().drifted().seeing(State::Active);
    let status = rendered(&scene);
    assert_eq!(status.phase, Some(Phase::Updating));
    let (_, reason, message) = ready(&scene);
    assert_eq!(reason, "Drifted");
    assert_eq!(message, "memory is 2048 on the panel, 4096 wanted; changed outside Hostwright; correcting");
}

#[test]
fn a_paused_service_that_is_as_wanted_stays_ready() {
    let status = rendered(&service().has(RemoteState::Active).paused());
    assert_eq!(condition_of(&status, condition::READY), Some(("True".into(), "UpToDate".into())));
    assert_eq!(condition_of(&status, condition::PAUSED), Some(("True".into(), "Paused".into())));
    let status = rendered(&service().paused());
    assert_eq!(condition_of(&status, condition::READY), Some(("False".into(), "Paused".into())));
    assert_eq!(condition_of(&status, condition::RECONCILING), None);
}
