use hostwright_crds::{CredentialsStatus, DesiredStatus, Operation, OperationOutcome, RemoteState, Verb, annotation};
use hostwright_plugin::State;

use super::super::super::fixture::{NOW, Scene, at, service, time};
use super::super::super::fold::rotation_inputs;
use super::super::{Conclusion, Step, Wait};

/// A plugin that can, or cannot, issue new credentials.
fn has(state: RemoteState, can: bool) -> Scene {
    service().has(state).instance(|facts| facts.capabilities.rotate_credentials = can)
}

fn asked(scene: Scene) -> Scene {
    scene.annotated(annotation::ROTATE_REQUESTED_AT, "now")
}

fn losing(mut scene: Scene) -> Scene {
    scene.status().credentials = Some(CredentialsStatus { lost: true, ..CredentialsStatus::default() });
    scene
}

fn tried(mut scene: Scene, outcome: OperationOutcome, attempted: i64, unanswered: Option<i64>) -> Scene {
    scene.status().operation = Some(Operation {
        verb: Verb::Rotate,
        outcome,
        attempt: 1,
        inputs: rotation_inputs(Some("now")),
        attempted_at: Some(time(attempted)),
        unanswered_at: unanswered.map(time),
        ..Operation::default()
    });
    scene
}

#[test]
fn new_credentials_are_issued_when_somebody_asks_or_the_old_ones_were_lost() {
    use OperationOutcome::{Refused, Unknown};
    let active = || has(RemoteState::Active, true);
    let long_ago = NOW - 1_000;
    let mut handled = asked(active());
    handled.status().last_handled_rotate_at = Some("now".into());
    let rows = vec![
        ("as it is", active(), Step::Settled),
        ("asked for", asked(active()), Step::Observe),
        ("asked for and seen", asked(active()).seeing(State::Active), Step::Rotate),
        ("handled", handled, Step::Settled),
        ("lost", losing(active()).seeing(State::Active), Step::Rotate),
        (
            "suspended",
            asked(has(RemoteState::Suspended, true))
                .suspended_by_us()
                .wanting(DesiredStatus::Suspended)
                .seeing(State::Suspended),
            Step::Rotate,
        ),
        ("failed", asked(has(RemoteState::Failed, true)).seeing(State::Failed), Step::Settled),
        (
            "being ended",
            asked(active()).wanting(DesiredStatus::Terminated).seeing(State::Active),
            Step::Terminate { force: false },
        ),
        ("by a plugin that cannot", asked(has(RemoteState::Active, false)), Step::RefuseRotation("now".into())),
        ("lost for good", losing(has(RemoteState::Active, false)), Step::Settled),
        (
            "unanswered",
            tried(asked(active()), Unknown, long_ago, None).seeing(State::Active),
            Step::Conclude(Conclusion::HadNoEffect),
        ),
        (
            "withdrawn after an attempt without an answer",
            tried(active(), Refused, long_ago, Some(long_ago)).seeing(State::Active),
            Step::Rotate,
        ),
        ("withdrawn after a refusal", tried(active(), Refused, long_ago, None).seeing(State::Active), Step::Settled),
    ];
    for (name, scene, step) in rows {
        assert_eq!(scene.plan(), step, "{name}");
    }
}

#[test]
fn an_attempt_that_may_still_arrive_is_not_overtaken_by_the_next() {
    let scene = asked(has(RemoteState::Active, true));
    let scene = tried(scene, OperationOutcome::Unknown, NOW, Some(NOW)).seeing(State::Active);
    let Step::Wait(Wait { until: Some(until), .. }) = scene.plan() else { panic!("{:?}", scene.plan()) };
    assert_eq!(until, at(NOW + 30), "the settling time of the provider");
}
