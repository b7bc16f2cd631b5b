//! When to look again. Pure.

use std::time::Duration;

use hostwright_crds::ProviderInstance;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;

use super::token;

/// The first pause after a failure.
const SHORTEST: Duration = Duration::from_secs(5);
/// The longest.
const LONGEST: Duration = Duration::from_mins(5);
/// The longest a provider is believed when it says how long to wait.
const LONGEST_ASKED: Duration = Duration::from_hours(1);

/// When an instance is tested and listed again after a success: the observe interval, a tenth earlier or later by name, so
/// that many instances do not move in step.
pub(super) fn next_look(instance: &ProviderInstance, now: Timestamp) -> Timestamp {
    let factor = 0.9 + 0.2 * token::fraction(&["look", &instance.name_any()]);
    later(now, instance.spec.observe_interval().mul_f64(factor))
}

/// When to try again after this many failures in a row, or when the provider asked to.
pub(super) fn after_failure(instance: &str, failures: u32, asked: Option<Duration>, now: Timestamp) -> Timestamp {
    let doubled = SHORTEST.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(LONGEST);
    let jitter = 1.0 + 0.2 * token::fraction(&["failure", instance, &failures.to_string()]);
    let pause = doubled.mul_f64(jitter).min(LONGEST);
    later(now, pause.max(asked.unwrap_or_default().min(LONGEST_ASKED)))
}

/// So much later, in whole seconds as status has them.
fn later(now: Timestamp, span: Duration) -> Timestamp {
    now.saturating_add(Duration::from_secs(span.as_secs().max(1))).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(failures: u32, asked: Option<u64>) -> i64 {
        let now = Timestamp::UNIX_EPOCH;
        after_failure("panel-eu", failures, asked.map(Duration::from_secs), now).as_second()
    }

    #[test]
    fn pauses_grow_from_seconds_to_five_minutes() {
        let pauses: Vec<i64> = (1..10).map(|failures| pause(failures, None)).collect();
        assert!((5..=6).contains(&pauses[0]), "{pauses:?}");
        assert!(pauses.is_sorted() && pauses[3] > 30, "{pauses:?}");
        assert_eq!(pauses[8], 300);
        assert_eq!(pause(u32::MAX, None), 300);
    }

    #[test]
    fn a_provider_may_ask_for_a_longer_pause_and_for_an_hour_at_most() {
        assert_eq!(pause(1, Some(120)), 120);
        assert_eq!(pause(1, Some(1_000_000)), 3_600);
        assert!(pause(1, Some(1)) >= 5);
    }

    #[test]
    fn looks_of_different_instances_do_not_move_in_step() {
        let look = |name: &str| {
            let mut instance = ProviderInstance::default();
            instance.metadata.name = Some(name.into());
            next_look(&instance, Timestamp::UNIX_EPOCH).as_second()
        };
        for name in ["a", "b", "c"] {
            assert!((540..=660).contains(&look(name)), "{name}");
        }
        assert_ne!(look("a"), look("b"));
    }
}
