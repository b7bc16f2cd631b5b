//! An object as a test reads it.

use serde_json::Value;

/// An object as it was when it was asked for.
#[derive(Debug, Clone)]
pub struct View {
    pub(crate) name: String,
    /// The whole object.
    pub object: Value,
}

impl View {
    /// A member of the object by JSON pointer; null where there is none.
    pub fn at(&self, pointer: &str) -> &Value {
        self.object.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// A text of the object; empty where there is none.
    pub fn text(&self, pointer: &str) -> &str {
        self.at(pointer).as_str().unwrap_or_default()
    }

    /// A condition; null where there is none.
    pub fn condition(&self, kind: &str) -> &Value {
        let conditions = self.at("/status/conditions").as_array().map(Vec::as_slice).unwrap_or_default();
        conditions.iter().find(|condition| condition["type"] == kind).unwrap_or(&Value::Null)
    }

    /// Status and reason of a condition: `False/InvalidCheckout`; empty where there is none.
    pub fn says(&self, kind: &str) -> String {
        let condition = self.condition(kind);
        let text = |key: &str| condition[key].as_str().unwrap_or_default();
        if condition.is_null() { String::new() } else { format!("{}/{}", text("status"), text("reason")) }
    }

    /// The reason of Ready.
    pub fn reason(&self) -> &str {
        self.condition("Ready")["reason"].as_str().unwrap_or_default()
    }

    /// The message of Ready.
    pub fn message(&self) -> &str {
        self.condition("Ready")["message"].as_str().unwrap_or_default()
    }

    /// The phase.
    pub fn phase(&self) -> &str {
        self.text("/status/phase")
    }

    /// The id of the remote.
    pub fn remote_id(&self) -> &str {
        self.text("/status/remote/id")
    }

    /// Whether Ready is True, of the present spec.
    pub fn ready(&self) -> bool {
        self.condition("Ready")["status"] == "True" && self.is_observed()
    }

    /// Whether status speaks of the present spec.
    pub fn is_observed(&self) -> bool {
        self.at("/status/observedGeneration") == self.at("/metadata/generation")
    }

    /// Whether nothing will happen unless somebody acts.
    pub fn is_at_rest(&self) -> bool {
        let holds = |kind: &str| self.condition(kind)["status"] == "True";
        let deleting = !self.at("/metadata/deletionTimestamp").is_null();
        self.is_observed() && ((holds("Ready") && !deleting) || holds("Stalled") || holds("Paused"))
    }

    /// Ready, and quiet.
    #[track_caller]
    pub fn is_ready(&self) -> &Self {
        assert!(self.ready(), "{} is not ready: {:#}", self.name, self.at("/status"));
        self
    }

    /// Not ready, for this reason.
    #[track_caller]
    pub fn is_held_by(&self, reason: &str) -> &Self {
        assert!(!self.ready() && self.reason() == reason, "{}, expected {reason}: {:#}", self.name, self.at("/status"));
        self
    }

    /// The message of Ready contains these words.
    #[track_caller]
    pub fn explains(&self, words: &str) -> &Self {
        assert!(self.message().contains(words), "{} should say {words:?}: {:?}", self.name, self.message());
        self
    }
}
