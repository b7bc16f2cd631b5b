use hostwright_crds::{OperationOutcome, RemoteState, Renewal};
use hostwright_plugin::{Class, Error, Outcome, Remote, RemoteState as Answered, State};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::super::super::fixture::{NOW, OWNER, Scene, at, service};
use super::super::{Finding, fold, next_attempt};
use super::*;

const FIRST: i64 = NOW + 86_400;
const SECOND: i64 = NOW + 172_800;

fn paying(mut scene: Scene, until: i64) -> Scene {
    scene.service.spec.renewal = Some(Renewal { paid_until: Time(at(until)), corrects: None });
    scene
}

fn found(scene: &mut Scene, finding: &Finding) {
    let mut status = scene.status().clone();
    fold(&mut status, finding, &scene.ground());
    *scene.status() = status;
}

/// An attempt of this verb is made, and this is the answer.
fn tried(scene: &mut Scene, verb: Verb, answer: Result<Outcome, Error>) -> Option<i64> {
    let attempt = next_attempt(&scene.status().clone(), verb, None, &scene.ground());
    found(scene, &Finding::Began(attempt.clone()));
    found(scene, &Finding::Answered(attempt.clone(), answer));
    attempt.paid_until.map(|until| until.0.as_second())
}

fn renewed_until(scene: &mut Scene) -> Option<i64> {
    scene.status().renewed_until.as_ref().map(|until| until.0.as_second())
}

fn in_doubt(scene: &mut Scene) -> Option<i64> {
    scene.status().renewal_in_doubt.as_ref().map(|until| until.0.as_second())
}

fn error(class: Class) -> Result<Outcome, Error> {
    Err(Error::new(class, "code", "words"))
}

fn present() -> Present {
    Present::new(Remote { id: "12".into(), ..Remote::default() }, State::Active, Some(OWNER.into()))
}

fn done() -> Outcome {
    Outcome::Done(Answered::new(present().remote, State::Active))
}

#[test]
fn a_renewal_that_may_have_arrived_is_finished_first_and_a_refused_one_is_not() {
    for (class, next) in [(Class::Unknown, FIRST), (Class::Invalid, SECOND), (Class::Unavailable, SECOND)] {
        let mut scene = paying(service().has(RemoteState::Active), FIRST);
        assert_eq!(tried(&mut scene, Verb::Renew, error(class)), Some(FIRST));
        let mut scene = paying(scene, SECOND);
        assert_eq!(tried(&mut scene, Verb::Renew, Ok(done())), Some(next), "{class:?}");
        assert_eq!(renewed_until(&mut scene), Some(next));
    }
}

#[test]
fn a_create_that_may_land_twice_buys_the_same_period_each_time() {
    let mut scene = paying(service().recorded(), FIRST);
    assert_eq!(tried(&mut scene, Verb::Create, error(Class::Invalid)), Some(FIRST));
    let mut scene = paying(scene, SECOND);
    assert_eq!(tried(&mut scene, Verb::Create, error(Class::Unknown)), Some(SECOND));
    let mut scene = paying(scene, SECOND + 1);
    assert_eq!(tried(&mut scene, Verb::Create, Ok(done())), Some(SECOND));
    assert_eq!(renewed_until(&mut scene), Some(SECOND));
}

#[test]
fn one_renewal_has_one_operation_id_whatever_happens_in_between() {
    let id = |scene: &mut Scene| scene.ground().operation_id(Verb::Renew, &scene.service.status.clone().unwrap());
    let mut scene = paying(service().has(RemoteState::Active), FIRST);
    let first = id(&mut scene);
    scene.status().epoch += 1;
    scene.order.as_mut().unwrap().digest = "another".into();
    assert_eq!(id(&mut scene), first);
    assert_ne!(id(&mut paying(scene, SECOND)), first);
}

/// What the remote was bought with is not known for certain, and a later date is paid.
#[test]
fn what_may_have_been_bought_already_is_in_doubt_only_where_it_must_not_be_repeated() {
    use RenewSupport::{Idempotent, None as Neither, Observable};
    for how in [Attachment::Found, Attachment::OwnAttempt] {
        for (renew, doubt) in [(Neither, Some(SECOND)), (Idempotent, None), (Observable, None)] {
            let mut scene = service().recorded().instance(|facts| facts.capabilities.renew = renew);
            scene.recorded_until = Some(at(FIRST));
            let mut scene = paying(scene, SECOND);
            if how == Attachment::OwnAttempt {
                found(&mut scene, &Finding::AssumedAttempt);
            }
            found(&mut scene, &Finding::Attached(how, Box::new(present())));
            assert_eq!((renewed_until(&mut scene), in_doubt(&mut scene)), (Some(FIRST), doubt), "{how:?} {renew:?}");
        }
    }
}

#[test]
fn what_the_provider_shows_and_what_moved_along_is_believed() {
    let mut scene = paying(service().recorded(), SECOND);
    let seen = Present { paid_until: Some(at(FIRST)), ..present() };
    found(&mut scene, &Finding::Attached(Attachment::Found, Box::new(seen)));
    assert_eq!(renewed_until(&mut scene), Some(FIRST));

    let carried = hostwright_crds::Carried {
        renewed_until: Some(at(FIRST).to_string()),
        renewal_in_doubt: Some(at(SECOND).to_string()),
        ..hostwright_crds::Carried::default()
    };
    let mut scene = paying(service().still_carrying(carried), SECOND);
    found(&mut scene, &Finding::Attached(Attachment::Found, Box::new(present())));
    assert_eq!((renewed_until(&mut scene), in_doubt(&mut scene)), (Some(FIRST), Some(SECOND)));
}

#[test]
fn the_word_of_a_person_settles_the_doubt_and_nothing_else() {
    for (word, renewed) in [(Conclusion::TookEffect, Some(FIRST)), (Conclusion::HadNoEffect, None)] {
        let mut scene = paying(service().has(RemoteState::Active), FIRST);
        let operation = next_attempt(&scene.status().clone(), Verb::Renew, None, &scene.ground());
        found(&mut scene, &Finding::Began(operation));
        found(&mut scene, &Finding::Concluded(Conclusion::Unknowable));
        assert_eq!((in_doubt(&mut scene), scene.status().operation.take()), (Some(FIRST), None));
        found(&mut scene, &Finding::ResolvedRenewal(word));
        assert_eq!((renewed_until(&mut scene), in_doubt(&mut scene)), (renewed, None));
        // Nothing is in doubt any more.
        found(&mut scene, &Finding::ResolvedRenewal(Conclusion::TookEffect));
        assert_eq!(renewed_until(&mut scene), renewed);
    }
}

#[test]
fn a_renewal_that_the_provider_works_on_is_bought_once_it_says_so() {
    let mut scene = paying(service().has(RemoteState::Active), FIRST);
    let accepted = Ok(Outcome::Accepted { token: "t".into(), poll_after: std::time::Duration::ZERO, remote: None });
    tried(&mut scene, Verb::Renew, accepted);
    assert_eq!(renewed_until(&mut scene), None);
    let running = scene.status().operation.clone().unwrap();
    assert_eq!(running.outcome, OperationOutcome::Accepted);
    found(&mut scene, &Finding::Answered(running, Ok(done())));
    assert_eq!(renewed_until(&mut scene), Some(FIRST));
}
