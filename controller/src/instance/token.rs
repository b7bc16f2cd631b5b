//! What a person repeats to confirm what a condition says: a short hash of exactly that.

use std::collections::BTreeMap;

use hostwright_crds::{ProviderInstance, annotation};
use sha2::{Digest as _, Sha256};

/// How many bytes of the hash a person has to repeat.
const BYTES: usize = 5;

/// The token for what these parts describe.
pub(super) fn of(parts: &[&str]) -> String {
    hex(&hash(parts)[..BYTES])
}

/// Hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The whole hash of these parts.
pub(super) fn hash(parts: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        // The length keeps ("ab", "c") and ("a", "bc") apart.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}

/// A fraction from 0 to below 1 that follows from these parts: jitter that a test can foresee.
pub(super) fn fraction(parts: &[&str]) -> f64 {
    let hash = hash(parts);
    f64::from(u16::from_be_bytes([hash[0], hash[1]])) / 65_536.0
}

/// The tokens that the annotation confirms: one, or several separated by commas or blanks.
pub(super) fn confirmed(annotations: &BTreeMap<String, String>) -> Vec<&str> {
    annotations
        .get(annotation::CONFIRM)
        .map(|text| text.split([',', ' ']).filter(|token| !token.is_empty()).collect())
        .unwrap_or_default()
}

/// The tokens that the conditions of an instance ask for, with the reasons: what `hostwright confirm` writes.
pub fn pending_confirmations(instance: &ProviderInstance) -> Vec<(String, String)> {
    let conditions = instance.status.iter().flat_map(|status| &status.conditions);
    let mut pending: Vec<(String, String)> =
        conditions.filter_map(|condition| Some((condition.reason.clone(), asked_for(&condition.message)?))).collect();
    // Two conditions may ask for the same.
    pending.sort();
    pending.dedup();
    pending
}

fn asked_for(message: &str) -> Option<String> {
    let (_, rest) = message.split_once(annotation::CONFIRM)?;
    let token: String = rest.strip_prefix('=')?.chars().take_while(char::is_ascii_hexdigit).collect();
    (token.len() == 2 * BYTES).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_tokens_can_be_confirmed_at_once() {
        let annotations = BTreeMap::from([(annotation::CONFIRM.to_owned(), "aa, bb,cc".to_owned())]);
        assert_eq!(confirmed(&annotations), ["aa", "bb", "cc"]);
        assert!(confirmed(&BTreeMap::new()).is_empty());
    }

    #[test]
    fn a_condition_that_asks_for_a_confirmation_names_its_token() {
        use hostwright_crds::{ProviderInstanceStatus, condition, reason};
        use k8s_openapi::jiff::Timestamp;

        let token = of(&["panel", "one", "two"]);
        let message = format!("another panel. The same one: annotate {}={token}. Otherwise", annotation::CONFIRM);
        let told =
            |kind, reason, message: &str| condition::new(kind, "True", reason, message, 1, Timestamp::UNIX_EPOCH);
        let conditions = vec![
            told(condition::READY, reason::REMOTE_CHANGED, &message),
            told(condition::ENDINGS_HELD, reason::REMOTE_CHANGED, &message),
            told(condition::STALLED, reason::UNSUPPORTED, "nothing to confirm"),
        ];
        let status = ProviderInstanceStatus { conditions, ..ProviderInstanceStatus::default() };
        let instance = ProviderInstance { status: Some(status), ..ProviderInstance::default() };
        assert_eq!(pending_confirmations(&instance), [(reason::REMOTE_CHANGED.to_owned(), token)]);
    }

    #[test]
    fn a_fraction_is_stable_and_below_one() {
        for name in ["a", "b", "panel-eu"] {
            let fraction = fraction(&[name]);
            assert!((0.0..1.0).contains(&fraction));
            assert!((fraction - super::fraction(&[name])).abs() < f64::EPSILON);
        }
    }
}
