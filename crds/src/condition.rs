//! The condition types, and how a condition is set.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;

/// The object is as its spec wants it. Its reason and message repeat the one condition that explains it.
pub const READY: &str = "Ready";
/// The remote exists and is set up; Unknown while the outcome of a create is.
pub const PROVISIONED: &str = "Provisioned";
/// References resolve and the configuration validates.
pub const ACCEPTED: &str = "Accepted";
/// The remote is suspended: by which holder, or outside Hostwright.
pub const SUSPENDED: &str = "Suspended";
/// The last look agrees with what was applied last.
pub const SYNCED: &str = "Synced";
/// The credentials of the remote are in their Secret; absent where none were issued.
pub const CREDENTIALS_STORED: &str = "CredentialsStored";
/// Present only while work is going on.
pub const RECONCILING: &str = "Reconciling";
/// Present only while nothing will happen until somebody acts.
pub const STALLED: &str = "Stalled";
/// Present only while no remote call is made on purpose.
pub const PAUSED: &str = "Paused";
/// On a Package: the services that have it are as it is now, or shall stay as they are.
pub const ROLLED_OUT: &str = "RolledOut";
/// On a ProviderInstance: whether endings are allowed on it; absent means they are.
pub const ENDINGS_HELD: &str = "EndingsHeld";

/// Condition types that are present only while they are True.
pub const ONLY_WHEN_TRUE: &[&str] = &[RECONCILING, STALLED, PAUSED, ENDINGS_HELD];

/// The longest message that is written, in bytes.
pub const MESSAGE_BYTES: usize = 1024;

/// Adds or replaces a condition. The transition time moves only when the status does.
pub fn set(conditions: &mut Vec<Condition>, mut next: Condition) {
    match conditions.iter_mut().find(|known| known.type_ == next.type_) {
        Some(known) => {
            if known.status == next.status {
                next.last_transition_time = known.last_transition_time.clone();
            }
            *known = next;
        }
        None => conditions.push(next),
    }
}

/// Adds or replaces a condition that is present only while it is True, or removes it.
pub fn set_while(holds: bool, conditions: &mut Vec<Condition>, next: Condition) {
    if holds {
        set(conditions, next);
    } else {
        remove(conditions, &next.type_);
    }
}

/// Removes a condition.
pub fn remove(conditions: &mut Vec<Condition>, kind: &str) {
    conditions.retain(|known| known.type_ != kind);
}

/// Finds a condition.
pub fn find<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|known| known.type_ == kind)
}

/// True when the condition is there and True.
pub fn is_true(conditions: &[Condition], kind: &str) -> bool {
    find(conditions, kind).is_some_and(|condition| condition.status == "True")
}

/// A condition as of now, its message cut to [`MESSAGE_BYTES`].
pub fn new(
    kind: &str,
    status: &str,
    reason: &str,
    message: impl Into<String>,
    generation: i64,
    now: Timestamp,
) -> Condition {
    Condition {
        type_: kind.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: cut(message.into(), MESSAGE_BYTES),
        observed_generation: Some(generation),
        last_transition_time: Time(now),
    }
}

/// Cuts a text to a number of bytes at a character boundary, and shows that it was cut.
pub fn cut(text: String, bytes: usize) -> String {
    const MARK: &str = "…";
    if text.len() <= bytes {
        return text;
    }
    let mut end = bytes.saturating_sub(MARK.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{MARK}", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transition_time_moves_only_with_the_status() {
        let (early, late) = (Timestamp::from_second(1).unwrap(), Timestamp::from_second(2).unwrap());
        let mut conditions = vec![];
        set(&mut conditions, new(READY, "False", "A", "a", 1, early));
        set(&mut conditions, new(READY, "False", "B", "b", 2, late));
        assert_eq!(conditions[0].last_transition_time, Time(early));
        assert_eq!((conditions[0].reason.as_str(), conditions[0].observed_generation), ("B", Some(2)));
        set(&mut conditions, new(READY, "True", "C", "c", 2, late));
        assert_eq!(conditions[0].last_transition_time, Time(late));
    }

    #[test]
    fn a_long_message_is_cut_at_a_character() {
        let cut = cut("ä".repeat(10), 9);
        assert!(cut.len() <= 9 && cut.ends_with('…'), "{cut}");
    }
}
