//! When a failed attempt is made again. Pure: the jitter follows from the operation, so a restart changes nothing.

use std::time::Duration;

use hostwright_crds::{Operation, OperationOutcome, Verb};
use hostwright_plugin::Class;
use k8s_openapi::jiff::Timestamp;

use super::digest;
use crate::providers::CALL_TIMEOUT;

/// The first pause and the longest, by class of error.
struct Pauses {
    first: u64,
    longest: u64,
}

/// An Invalid or Capacity failure whose inputs changed is tried again early, but not sooner than this.
pub const EARLY_ATTEMPT: Duration = Duration::from_secs(10);
/// How often a running operation is looked at.
pub const POLL: Duration = Duration::from_secs(5);
/// When a provider should have finished what it accepted.
pub const OPERATION_DEADLINE: Duration = Duration::from_hours(1);
/// The longest wait that a provider's throttling may impose.
pub const LONGEST_THROTTLE: Duration = Duration::from_hours(1);

const HOUR: u64 = 3_600;

fn pauses(class: Class) -> Pauses {
    let (first, longest) = match class {
        Class::Invalid | Class::Unsupported => (6 * HOUR, 6 * HOUR),
        // The standing of the instance holds everything back while its credentials are refused.
        Class::Unauthorized => (5, 60),
        Class::NotFound | Class::Conflict => (2, 60),
        Class::Capacity => (60, HOUR / 2),
        Class::RateLimited => (5, HOUR),
        Class::Unavailable => (2, 300),
        Class::Unknown => (1, 300),
        Class::Internal => (5, 600),
    };
    Pauses { first, longest }
}

/// The pause after this attempt (from 1), doubling, up to a fifth longer or shorter so that many do not come at once.
pub fn pause(class: Class, attempt: i32, retry_after: Option<Duration>, operation: &str) -> Duration {
    if let (Class::RateLimited, Some(after)) = (class, retry_after) {
        return after.min(LONGEST_THROTTLE);
    }
    let Pauses { first, longest } = pauses(class);
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(0).min(16);
    let seconds = first.saturating_mul(1 << doublings).min(longest);
    Duration::from_secs((seconds + jitter(seconds, attempt, operation)).max(1))
}

/// Between nothing and a fifth of the pause.
fn jitter(seconds: u64, attempt: i32, operation: &str) -> u64 {
    let hash = digest::of(&[operation, &attempt.to_string()]);
    let share = u64::from_str_radix(&hash[..4], 16).unwrap_or(0);
    seconds / 5 * share / u64::from(u16::MAX)
}

/// The class that an operation failed with last.
pub fn failed_with(operation: &Operation) -> Option<Class> {
    let name = &operation.last_error.as_ref()?.class;
    serde_json::from_value(serde_json::Value::from(name.as_str())).ok()
}

/// The name of a class, as status carries it.
pub fn class_name(class: Class) -> String {
    format!("{class:?}")
}

/// What may shorten a pause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Impatience {
    /// The inputs differ from those that failed.
    pub inputs_changed: bool,
    /// Somebody asked for an attempt, by a token not handled yet.
    pub requested: bool,
}

/// When the operation is due, or None when it is due now.
pub fn due_at(operation: &Operation, now: Timestamp, impatience: Impatience) -> Option<Timestamp> {
    let due = operation.next_attempt_at.as_ref()?.0;
    if due <= now {
        return None;
    }
    let class = failed_with(operation);
    let longest = class.map_or(LONGEST_THROTTLE, |class| Duration::from_secs(pauses(class).longest * 6 / 5 + 1));
    if now.saturating_add(longest).is_ok_and(|latest| due > latest) {
        // The clock was set back: nothing may wait longer than its class allows.
        return None;
    }
    let resettable = |classes: &[Class]| class.is_some_and(|class| classes.contains(&class));
    let refused = operation.outcome == OperationOutcome::Refused;
    if impatience.requested && class != Some(Class::RateLimited) {
        return None;
    }
    if refused && impatience.inputs_changed && resettable(&[Class::Invalid, Class::Capacity, Class::Unsupported]) {
        let early = operation.attempted_at.as_ref().and_then(|at| at.0.saturating_add(EARLY_ATTEMPT).ok());
        return early.filter(|early| *early > now).map(|early| early.min(due));
    }
    Some(due)
}

/// Until when the last attempt may have been on its way: it was given up then, or the process that made it ended.
pub fn sent_until(operation: &Operation) -> Option<Timestamp> {
    let given_up = operation.unanswered_at.as_ref().map(|at| at.0);
    let attempted = operation.attempted_at.as_ref().map(|at| at.0);
    given_up.max(attempted.and_then(|at| match given_up {
        Some(given_up) if given_up >= at => None,
        _ => at.saturating_add(CALL_TIMEOUT).ok(),
    }))
}

/// The id of an operation: the same over retries and restarts, another one after each definite outcome.
pub fn operation_id(external_id: &str, uid: &str, verb: Verb, inputs: &str, epoch: i64) -> String {
    digest::of(&[external_id, uid, &format!("{verb:?}"), inputs, &epoch.to_string()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use hostwright_crds::LastError;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn refused(class: Class, attempted: i64, due: i64) -> Operation {
        Operation {
            outcome: OperationOutcome::Refused,
            attempted_at: Some(Time(at(attempted))),
            next_attempt_at: Some(Time(at(due))),
            last_error: Some(LastError { class: class_name(class), ..LastError::default() }),
            ..Operation::default()
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest_of_their_class() {
        let seconds = |class, attempt| pause(class, attempt, None, "op").as_secs();
        assert!((2..=3).contains(&seconds(Class::Unavailable, 1)));
        assert!((16..=20).contains(&seconds(Class::Unavailable, 4)));
        assert!((300..=360).contains(&seconds(Class::Unavailable, 40)));
        assert!(seconds(Class::Invalid, 1) >= 6 * HOUR);
        assert_eq!(seconds(Class::Unknown, 1), 1);
    }

    #[test]
    fn a_provider_that_names_a_wait_gets_it_up_to_an_hour() {
        let wait = |seconds| pause(Class::RateLimited, 1, Some(Duration::from_secs(seconds)), "op").as_secs();
        assert_eq!((wait(17), wait(90_000)), (17, 3_600));
    }

    #[test]
    fn changed_inputs_shorten_invalid_and_capacity_and_nothing_else() {
        let edited = Impatience { inputs_changed: true, requested: false };
        assert_eq!(due_at(&refused(Class::Invalid, 0, 20_000), at(60), edited), None);
        assert_eq!(due_at(&refused(Class::Capacity, 0, 60), at(11), edited), None);
        assert_eq!(due_at(&refused(Class::Capacity, 0, 60), at(5), edited), Some(at(10)), "one early attempt in 10 s");
        assert_eq!(due_at(&refused(Class::Unavailable, 0, 60), at(11), edited), Some(at(60)));
        assert_eq!(due_at(&refused(Class::RateLimited, 0, 60), at(11), edited), Some(at(60)));
    }

    #[test]
    fn a_request_for_an_attempt_shortens_everything_but_throttling() {
        let asked = Impatience { inputs_changed: false, requested: true };
        assert_eq!(due_at(&refused(Class::Unavailable, 0, 60), at(11), asked), None);
        assert_eq!(due_at(&refused(Class::RateLimited, 0, 60), at(11), asked), Some(at(60)));
    }

    #[test]
    fn a_clock_set_back_does_not_freeze_an_operation() {
        assert_eq!(due_at(&refused(Class::Unavailable, 0, 1_000_000), at(11), Impatience::default()), None);
    }

    #[test]
    fn the_operation_id_changes_with_every_part_and_with_nothing_else() {
        let id = |verb, inputs, epoch| operation_id("prod.customers.alice", "uid", verb, inputs, epoch);
        assert_eq!(id(Verb::Create, "d", 0), id(Verb::Create, "d", 0));
        assert_ne!(id(Verb::Create, "d", 0), id(Verb::Scale, "d", 0));
        assert_ne!(id(Verb::Create, "d", 0), id(Verb::Create, "e", 0));
        assert_ne!(id(Verb::Create, "d", 0), id(Verb::Create, "d", 1));
    }
}
