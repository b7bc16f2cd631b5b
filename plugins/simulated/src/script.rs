//! The script that a package holds: how slow, full and broken the provider is for its services.

use std::fmt;
use std::time::Duration;

use hostwright_plugin::{Class, Error, Map};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// A verb that can be told to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verb {
    Observe,
    Create,
    Adopt,
    Suspend,
    Unsuspend,
    Scale,
    Renew,
    Rotate,
    Terminate,
    Poll,
    Validate,
    Plan,
}

impl fmt::Display for Verb {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Observe => "observe",
            Self::Create => "create",
            Self::Adopt => "adopt",
            Self::Suspend => "suspend",
            Self::Unsuspend => "unsuspend",
            Self::Scale => "scale",
            Self::Renew => "renew",
            Self::Rotate => "rotate",
            Self::Terminate => "terminate",
            Self::Poll => "poll",
            Self::Validate => "validate",
            Self::Plan => "plan",
        })
    }
}

/// One entry of `failures`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    verb: Verb,
    class: Class,
    #[serde(default = "certain")]
    probability: f64,
    /// Only the first calls of a service can fail; absent: each can.
    times: Option<u64>,
    /// The call takes effect, and only its answer is lost.
    #[serde(default)]
    effect: bool,
}

fn certain() -> f64 {
    1.0
}

/// A failure that a call runs into.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// Whether the call takes effect first.
    pub(crate) effect: bool,
}

/// The script of one package.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    seed: u64,
    pub(crate) latency: Duration,
    pub(crate) operation: Duration,
    pub(crate) capacity: Option<u64>,
    pub(crate) vanishes_after: Option<u64>,
    rules: Vec<Rule>,
}

impl Script {
    /// Reads the effective configuration. An absent setting asks for nothing, so that an ending needs no valid package.
    pub(crate) fn read(config: &Map) -> Result<Self, Error> {
        Ok(Self {
            seed: number(config, "seed")?.unwrap_or(0),
            latency: Duration::from_millis(number(config, "latency_milliseconds")?.unwrap_or(0)),
            operation: Duration::from_secs(number(config, "operation_seconds")?.unwrap_or(0)),
            capacity: number(config, "capacity")?,
            vanishes_after: number(config, "vanish_after_seconds")?,
            rules: rules(config)?,
        })
    }

    /// The failure that the `count`-th call (from 1) of this verb for this service runs into: the first entry that fits.
    pub(crate) fn failure(&self, verb: Verb, external_id: &str, count: u64) -> Option<Failure> {
        let fits = |(index, rule): &(usize, &Rule)| {
            rule.verb == verb
                && rule.times.is_none_or(|times| count <= times)
                && self.draw(*index, verb, external_id, count) < rule.probability
        };
        let (index, rule) = self.rules.iter().enumerate().find(fits)?;
        let then = if rule.effect { "took effect and lost its answer" } else { "failed" };
        let message = format!("scripted: {verb} {then}, by failures[{index}] of the package (call {count})");
        let error = Error::new(rule.class, "scripted", message).on_field("config.failures");
        Some(Failure { error, effect: rule.effect })
    }

    /// A number of at least 0 and below 1 that follows from all it is asked about, so that the order in which services
    /// are worked on changes nothing.
    fn draw(&self, index: usize, verb: Verb, external_id: &str, count: u64) -> f64 {
        let digest = Sha256::digest(format!("{} {index} {verb} {count} {external_id}", self.seed));
        let bits = digest.iter().take(4).fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte));
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }
}

fn number(config: &Map, key: &str) -> Result<Option<u64>, Error> {
    let Some(value) = config.get(key).filter(|value| !value.is_null()) else { return Ok(None) };
    value.as_u64().map(Some).ok_or_else(|| invalid(key, &format!("found {value}, expected a whole number from 0")))
}

fn rules(config: &Map) -> Result<Vec<Rule>, Error> {
    let parsed = match config.get("failures") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::String(text)) if text.trim().is_empty() => return Ok(Vec::new()),
        Some(Value::String(text)) => serde_json::from_str(text),
        Some(value) => serde_json::from_value(value.clone()),
    };
    let rules: Vec<Rule> = parsed.map_err(|error| {
        let example = r#"[{"verb": "create", "class": "Unavailable", "times": 2}]"#;
        invalid("failures", &format!("{error}; expected a list such as {example}"))
    })?;
    for (index, rule) in rules.iter().enumerate() {
        if !(0.0..=1.0).contains(&rule.probability) {
            let found = rule.probability;
            return Err(invalid("failures", &format!("[{index}].probability: found {found}, expected 0 to 1")));
        }
        // Any other class promises that nothing was applied, and the controller believes it.
        if rule.effect && rule.class != Class::Unknown {
            let found = rule.class;
            return Err(invalid("failures", &format!("[{index}].effect: class {found:?}, expected Unknown with it")));
        }
    }
    Ok(rules)
}

fn invalid(key: &str, text: &str) -> Error {
    Error::new(Class::Invalid, "invalid", format!("{key}: {text}")).on_field(format!("config.{key}"))
}
