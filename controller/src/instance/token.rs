//! What a person repeats to confirm what a condition says: a short hash of exactly that.

use std::collections::BTreeMap;

use hostwright_crds::annotation;
use sha2::{Digest as _, Sha256};

/// How many bytes of the hash a person has to repeat.
const BYTES: usize = 5;

/// The token for what these parts describe.
pub(super) fn of(parts: &[&str]) -> String {
    hash(parts)
        .iter()
        .take(BYTES)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The whole hash of these parts.
pub(super) fn hash(parts: &[&str]) -> Vec<u8> {
    let mut hash = Sha256::new();
    for part in parts {
        // The length keeps ("ab", "c") and ("a", "bc") apart.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().to_vec()
}

/// A fraction from 0 to below 1 that follows from these parts: jitter that a test can foresee.
pub(super) fn fraction(parts: &[&str]) -> f64 {
    let byte = |index: usize| f64::from(hash(parts).get(index).copied().unwrap_or(0));
    (byte(0) * 256.0 + byte(1)) / 65_536.0
}

/// The tokens that the annotation confirms: one, or several separated by commas or blanks.
pub(super) fn confirmed(annotations: &BTreeMap<String, String>) -> Vec<&str> {
    annotations
        .get(annotation::CONFIRM)
        .map(|text| text.split([',', ' ']).filter(|token| !token.is_empty()).collect())
        .unwrap_or_default()
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
    fn a_fraction_is_stable_and_below_one() {
        for name in ["a", "b", "panel-eu"] {
            let fraction = fraction(&[name]);
            assert!((0.0..1.0).contains(&fraction));
            assert!((fraction - super::fraction(&[name])).abs() < f64::EPSILON);
        }
    }
}
