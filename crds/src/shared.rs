//! Pieces that several kinds use.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Refers to a cluster-scoped object by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NameRef {
    /// Name of the object.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

impl NameRef {
    /// A reference to this name.
    pub fn to(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }
}

/// The label, with the value `true`, of a Secret that a service may take passwords from: whoever may order is not by that
/// allowed to send any Secret of the namespace to a provider.
pub const CHECKOUT_LABEL: &str = "hostwright.dev/checkout";

/// Where a secret value comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretSource {
    /// The key of a Secret.
    pub secret_key_ref: SecretKeyRef,
}

/// A key of a Secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretKeyRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key in its data.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

/// A span of time as people write it: `90s`, `10m`, `72h`, `1h30m`, `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(std::time::Duration);

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DurationError(String);

impl fmt::Display for DurationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "found {:?}, expected a duration such as 90s, 10m, 72h or 1h30m", self.0)
    }
}

impl std::error::Error for DurationError {}

impl Duration {
    /// The pattern a duration matches.
    pub const PATTERN: &str = "^([0-9]{1,6}d)?([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,9}s)?$";

    /// This many seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(std::time::Duration::from_secs(seconds))
    }

    /// The span itself.
    pub fn get(self) -> std::time::Duration {
        self.0
    }
}

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let refused = || DurationError(text.to_owned());
        let mut seconds = 0_u64;
        let mut digits = String::new();
        let mut units = "dhms".chars();
        for character in text.chars() {
            if character.is_ascii_digit() {
                digits.push(character);
                continue;
            }
            let count: u64 = digits.parse().map_err(|_| refused())?;
            // Units come in order and once each.
            if !units.by_ref().any(|unit| unit == character) {
                return Err(refused());
            }
            let unit = match character {
                'd' => 86_400,
                'h' => 3_600,
                'm' => 60,
                _ => 1,
            };
            seconds = count.checked_mul(unit).and_then(|span| seconds.checked_add(span)).ok_or_else(refused)?;
            digits.clear();
        }
        if text.is_empty() || !digits.is_empty() {
            return Err(refused());
        }
        Ok(Self::seconds(seconds))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        if seconds == 0 {
            return formatter.write_str("0s");
        }
        let parts = [(seconds / 3_600, 'h'), (seconds % 3_600 / 60, 'm'), (seconds % 60, 's')];
        parts.iter().filter(|(count, _)| *count > 0).try_for_each(|(count, unit)| write!(formatter, "{count}{unit}"))
    }
}

impl Serialize for Duration {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": Self::PATTERN, "minLength": 2, "maxLength": 32})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in
            [("90s", 90), ("10m", 600), ("72h", 259_200), ("1h30m", 5_400), ("7d", 604_800), ("0s", 0)]
        {
            assert_eq!(text.parse::<Duration>().unwrap(), Duration::seconds(seconds), "{text}");
        }
        for text in ["", "10", "m", "1m1h", "1m1m", "-5m", "5 m", "99999999999999999999d"] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_printed_duration_reads_back() {
        for seconds in [0, 1, 60, 3_661, 604_800] {
            let duration = Duration::seconds(seconds);
            assert_eq!(duration.to_string().parse(), Ok(duration));
        }
    }
}
