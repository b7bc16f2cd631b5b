use hostwright_crds::{Cancellation, DesiredStatus, OperationOutcome, RemoteState, Renewal, Verb, annotation, reason};
use hostwright_plugin::{Observation, RenewSupport, State};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::super::super::fixture::{NOW, Scene, at, service};
use super::super::super::situation::Look;
use super::super::{Conclusion, Step};
use RenewSupport::{Idempotent, None as Neither, Observable, Unneeded};

const PAID: i64 = NOW + 86_400;

fn time(second: i64) -> Time {
    Time(at(second))
}

/// A service that is there, paid until a date that the provider was not renewed to.
fn paid(renew: RenewSupport) -> Scene {
    let mut scene = service().has(RemoteState::Active).instance(|facts| facts.capabilities.renew = renew);
    scene.service.spec.renewal = Some(Renewal { paid_until: time(PAID), corrects: None });
    scene
}

fn changed(mut scene: Scene, change: impl FnOnce(&mut Scene)) -> Scene {
    change(&mut scene);
    scene
}

fn renewed_until(scene: Scene, second: i64) -> Scene {
    changed(scene, |scene| scene.status().renewed_until = Some(time(second)))
}

fn in_doubt(scene: Scene) -> Scene {
    changed(scene, |scene| scene.status().renewal_in_doubt = Some(time(PAID)))
}

/// A renewal to the date was tried at this second, and no answer is known.
fn unanswered(renew: RenewSupport, attempted: i64) -> Scene {
    let scene = paid(renew).operation(Verb::Renew, OperationOutcome::Unknown, attempted);
    changed(scene, |scene| {
        let operation = scene.status().operation.as_mut().unwrap();
        (operation.paid_until, operation.unanswered_at) = (Some(time(PAID)), Some(time(attempted)));
    })
}

fn seeing_paid_until(scene: Scene, second: i64) -> Scene {
    changed(scene.seeing(State::Active), |scene| {
        let Some(Look { seen: Observation::Present(present), .. }) = &mut scene.look else { panic!("nothing is seen") };
        present.paid_until = Some(at(second));
    })
}

#[track_caller]
fn all(rows: Vec<(&str, Scene, Step)>) {
    for (situation, scene, step) in rows {
        assert_eq!(scene.plan(), step, "{situation}");
    }
}

#[test]
fn a_later_date_is_renewed_once_before_anything_is_scaled_and_after_what_is_more_urgent() {
    let cancelled = changed(paid(Idempotent).seeing(State::Active), |scene| {
        scene.service.spec.cancellation = Some(Cancellation { at: Some(time(PAID)), ..Cancellation::default() });
    });
    let suspended = || changed(paid(Idempotent).has(RemoteState::Suspended), |_| {});
    all(vec![
        ("not looked at", paid(Idempotent), Step::Observe),
        ("looked at", paid(Idempotent).seeing(State::Active), Step::Renew),
        ("ordering another size", paid(Neither).ordering_another_size().seeing(State::Active), Step::Renew),
        ("with a broken order", paid(Neither).broken_order().seeing(State::Active), Step::Renew),
        ("renewed", renewed_until(paid(Idempotent), PAID), Step::Settled),
        ("renewed further", renewed_until(paid(Idempotent), PAID + 1), Step::Settled),
        ("cancelled", cancelled, Step::Settled),
        ("to be suspended", paid(Idempotent).wanting(DesiredStatus::Suspended).seeing(State::Active), Step::Suspend),
        ("to be unsuspended", suspended().suspended_by_us().seeing(State::Suspended), Step::Unsuspend),
        ("suspended", suspended().wanting(DesiredStatus::Suspended).seeing(State::Suspended), Step::Renew),
        ("to be ended", paid(Idempotent).wanting(DesiredStatus::Terminated).seeing(State::Active), {
            Step::Terminate { force: false }
        }),
    ]);
}

#[test]
fn what_needs_no_call_is_written_down() {
    all(vec![
        ("nothing to renew there", paid(Unneeded), Step::NoteRenewal(at(PAID))),
        ("renewed by hand", seeing_paid_until(paid(Observable), PAID), Step::NoteRenewal(at(PAID))),
        ("renewed by hand, and not far enough", seeing_paid_until(paid(Observable), PAID - 1), Step::Renew),
    ]);
}

#[test]
fn a_lost_answer_is_settled_as_the_provider_allows() {
    use Conclusion::{HadNoEffect, TookEffect, Unknowable};
    let long_ago = NOW - 600;
    all(vec![
        ("repeatable", unanswered(Idempotent, long_ago).seeing(State::Active), Step::Conclude(HadNoEffect)),
        ("it shows", seeing_paid_until(unanswered(Observable, NOW), PAID), Step::Conclude(TookEffect)),
        ("it does not", seeing_paid_until(unanswered(Observable, long_ago), PAID - 1), Step::Conclude(HadNoEffect)),
        ("nobody can tell", unanswered(Neither, long_ago).seeing(State::Active), Step::Conclude(Unknowable)),
    ]);
    let may_show = seeing_paid_until(unanswered(Observable, NOW), PAID - 1).plan();
    assert!(
        matches!(&may_show, Step::Wait(wait) if wait.hold.as_ref().is_some_and(|hold| hold.reason == reason::OUTCOME_UNKNOWN)),
        "{may_show:?}"
    );
}

#[test]
fn in_doubt_only_a_word_of_a_person_counts_and_only_for_that_doubt() {
    use Conclusion::{HadNoEffect, TookEffect};
    let said = |scene: Scene, word: &str| scene.annotated(annotation::RESOLVE_RENEW, word);
    all(vec![
        ("in doubt", in_doubt(paid(Neither)), Step::Settled),
        (
            "and to be suspended",
            in_doubt(paid(Neither)).wanting(DesiredStatus::Suspended).seeing(State::Active),
            Step::Suspend,
        ),
        ("renewed", said(in_doubt(paid(Neither)), "renewed"), Step::ResolveRenewal(TookEffect)),
        ("not renewed", said(in_doubt(paid(Neither)), "repeat"), Step::ResolveRenewal(HadNoEffect)),
        ("another word", said(in_doubt(paid(Neither)), "perhaps"), Step::Settled),
        // It goes, or it would answer for a date that is in doubt one day.
        ("nothing is in doubt", said(renewed_until(paid(Neither), PAID), "renewed"), Step::ResolveRenewal(TookEffect)),
    ]);
}
