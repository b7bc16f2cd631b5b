use hostwright_crds::{Carried, DesiredStatus, OperationOutcome, RemoteState, Verb};
use hostwright_plugin::{Class, Observation, RemoteState as Answer, State};

use super::super::fixture::{NOW, Scene, at, service, time};
use super::*;

fn folded(scene: &mut Scene, finding: &Finding) -> Option<Notice> {
    let mut status = scene.service.status.clone().unwrap_or_default();
    let notice = fold(&mut status, finding, &scene.ground());
    *scene.status() = status;
    notice
}

fn begun(scene: &Scene, verb: Verb) -> Operation {
    next_attempt(&scene.service.status.clone().unwrap_or_default(), verb, None, &scene.ground())
}

fn remote() -> Remote {
    Remote { id: "12".into(), ..Remote::default() }
}

#[test]
fn an_answered_create_binds_and_remembers_what_was_applied() {
    let mut scene = service().recorded();
    let operation = begun(&scene, Verb::Create);
    let answer = Ok(Outcome::Done(Answer::new(remote(), State::Active)));
    let notice = folded(&mut scene, &Finding::Answered(operation, answer)).unwrap();
    assert_eq!(notice.reason, reason::CREATED);
    let status = scene.status();
    let bound = status.remote.as_ref().unwrap();
    assert_eq!((bound.id.as_str(), bound.bound_at.clone(), bound.state), ("12", Some(time(NOW)), RemoteState::Active));
    assert_eq!((status.operation.clone(), status.epoch), (None, 1));
    assert_eq!(status.last_applied.as_ref().unwrap().package, "mc-4g");
}

#[test]
fn a_create_that_takes_time_stays_an_operation() {
    let mut scene = service().recorded();
    let operation = begun(&scene, Verb::Create);
    folded(&mut scene, &Finding::Answered(operation, Ok(Outcome::Done(Answer::new(remote(), State::Provisioning)))));
    let running = scene.status().operation.clone().unwrap();
    assert_eq!((running.outcome, scene.status().epoch), (OperationOutcome::Accepted, 0));
    assert!(scene.status().remote.as_ref().unwrap().bound_at.is_some(), "the create said so");
}

#[test]
fn a_suspension_of_ours_is_still_ours_on_another_cluster() {
    let carried = Carried {
        suspended_at: Some("1970-01-01T00:00:05Z".into()),
        remembered: Some(serde_json::json!({"installing": true})),
        ..Carried::default()
    };
    let attached = |scene: Scene, state| {
        let mut scene = scene.seeing(state);
        let present = scene.look.as_ref().and_then(Look::present).cloned().unwrap();
        folded(&mut scene, &Finding::Attached(Attachment::Found, Box::new(present)));
        (scene.status().suspended_at.clone(), scene.status().remembered.is_some())
    };
    assert_eq!(attached(service().carrying(carried.clone()), State::Suspended), (Some(time(5)), true));
    assert_eq!(attached(service().carrying(carried), State::Active), (None, false));
    assert_eq!(attached(service().restored(), State::Suspended), (None, false), "others may have suspended it");
}

#[test]
fn an_outcome_folds_onto_a_status_that_others_emptied() {
    let mut scene = service().recorded();
    let operation = begun(&scene, Verb::Create);
    *scene.status() = HostingServiceStatus::default();
    folded(&mut scene, &Finding::Answered(operation, Ok(Outcome::Done(Answer::new(remote(), State::Active)))));
    assert_eq!(scene.status().remote.as_ref().unwrap().id, "12");
}

#[test]
fn an_unanswered_attempt_stays_unknown_and_a_refused_one_does_not() {
    for (class, outcome) in [(Class::Unknown, OperationOutcome::Unknown), (Class::Capacity, OperationOutcome::Refused)]
    {
        let mut scene = service().recorded();
        let operation = begun(&scene, Verb::Create);
        let error = Error::new(class, "code", "words");
        folded(&mut scene, &Finding::Answered(operation, Err(error)));
        let failed = scene.status().operation.clone().unwrap();
        assert_eq!(failed.outcome, outcome);
        assert!(failed.next_attempt_at.unwrap().0 > at(NOW));
        assert_eq!(failed.unanswered_at.is_some(), class == Class::Unknown);
    }
}

#[test]
fn attempts_count_up_under_one_operation_id() {
    let mut scene = service().recorded();
    let first = begun(&scene, Verb::Create);
    folded(&mut scene, &Finding::Answered(first.clone(), Err(Error::new(Class::Unavailable, "c", "w"))));
    let second = begun(&scene, Verb::Create);
    assert_eq!((second.id == first.id, second.attempt, second.started_at == first.started_at), (true, 2, true));
}

#[test]
fn the_same_failure_again_is_no_news() {
    let mut scene = service().recorded();
    let error = || Err(Error::new(Class::Unavailable, "connect", "refused"));
    let first = begun(&scene, Verb::Create);
    assert!(folded(&mut scene, &Finding::Answered(first, error())).is_some());
    let second = begun(&scene, Verb::Create);
    assert!(folded(&mut scene, &Finding::Answered(second, error())).is_none());
    assert_eq!(scene.status().history.len(), 1);
}

#[test]
fn a_recovered_remote_is_bound_only_after_the_settling_time() {
    let mut scene = service().recorded().operation(Verb::Create, OperationOutcome::Unknown, NOW).seeing(State::Active);
    let present = scene.look.as_ref().unwrap().present().unwrap().clone();
    folded(&mut scene, &Finding::Attached(Attachment::OwnAttempt, Box::new(present.clone())));
    assert!(scene.status().remote.as_ref().unwrap().bound_at.is_none());
    let look = |second| Finding::Looked(Look { seen: Observation::Present(Box::new(present.clone())), at: at(second) });
    folded(&mut scene, &look(NOW + 29));
    assert!(scene.status().remote.as_ref().unwrap().bound_at.is_none());
    folded(&mut scene, &look(NOW + 30));
    assert_eq!(scene.status().remote.as_ref().unwrap().bound_at, Some(time(NOW + 30)));
}

#[test]
fn a_found_remote_that_differs_is_not_brought_to_the_order_by_itself() {
    let mut scene = service().recorded().seeing(State::Active);
    let mut present = scene.look.as_ref().unwrap().present().unwrap().clone();
    folded(&mut scene, &Finding::Attached(Attachment::Found, Box::new(present.clone())));
    assert_eq!(scene.status().attached_differences, None);

    present.applied.insert("memory".into(), 512.into());
    folded(&mut scene, &Finding::Attached(Attachment::Found, Box::new(present)));
    assert!(scene.status().attached_differences.is_some());
    assert_eq!(scene.status().last_applied.as_ref().unwrap().config["memory"], 512);
}

#[test]
fn what_was_remembered_before_a_suspension_is_kept_until_it_is_lifted() {
    let mut scene = service().has(RemoteState::Active).wanting(DesiredStatus::Suspended).seeing(State::Active);
    let mut present = scene.look.as_ref().unwrap().present().unwrap().clone();
    present.remember = Some("install_failed".into());
    let status = scene.service.status.clone().unwrap();
    let suspend = next_attempt(&status, Verb::Suspend, Some(&present), &scene.ground());
    folded(&mut scene, &Finding::Answered(suspend, Ok(Outcome::Done(Answer::new(remote(), State::Suspended)))));
    assert_eq!(scene.status().suspended_at, Some(time(NOW)));
    let unsuspend = begun(&scene, Verb::Unsuspend);
    assert_eq!(unsuspend.before, Some("install_failed".into()));
    folded(&mut scene, &Finding::Answered(unsuspend, Ok(Outcome::Done(Answer::new(remote(), State::Active)))));
    assert_eq!((scene.status().suspended_at.clone(), scene.status().remembered.clone()), (None, None));
}

#[test]
fn a_remote_that_stands_in_the_place_of_ours_is_not_taken_for_it() {
    let mut scene = service().has(RemoteState::Active).seeing(State::Suspended);
    let mut present = scene.look.as_ref().unwrap().present().unwrap().clone();
    present.remote.id = "13".into();
    let look = Look { seen: Observation::Present(Box::new(present)), at: at(NOW) };
    folded(&mut scene, &Finding::Looked(look));
    let known = scene.status().remote.clone().unwrap();
    assert_eq!((known.id.as_str(), known.state), ("12", RemoteState::Active));
}

#[test]
fn an_interrupted_create_is_in_the_audit_trail() {
    let mut scene = service().has(RemoteState::Provisioning).operation(Verb::Create, OperationOutcome::Accepted, NOW);
    let suspend = begun(&scene, Verb::Suspend);
    folded(&mut scene, &Finding::Began(suspend));
    assert_eq!(scene.status().history[0].what, "Created");
}

#[test]
fn an_edit_gets_one_early_look_and_not_one_after_another() {
    let mut scene =
        service().recorded().operation(Verb::Create, OperationOutcome::Refused, 0).failed(Class::Invalid, NOW + 9_000);
    if let Ok(order) = scene.order.as_mut() {
        order.digest = "edited".into();
    }
    assert!(scene.judge(|situation| situation.impatience().inputs_changed));
    folded(&mut scene, &Finding::LookFailed(Verb::Create, Error::new(Class::Invalid, "Forbidden", "not permitted")));
    assert!(!scene.judge(|situation| situation.impatience().inputs_changed));
}

#[test]
fn the_audit_trail_is_bounded() {
    let mut scene = service().has(RemoteState::Active);
    for _ in 0..30 {
        folded(&mut scene, &Finding::WentMissing);
    }
    assert_eq!(scene.status().history.len(), HostingServiceStatus::HISTORY_ENTRIES);
}
