//! What can go wrong at a provider, classified by the plugin so that nobody has to guess from text.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a failed call means for what happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Class {
    /// The configuration or input was refused; trying the same again is pointless.
    Invalid,
    /// The credentials were refused.
    Unauthorized,
    /// The remote object does not exist. An observation rather than a failure.
    NotFound,
    /// Busy, a transition is running, or it already exists: look, then try again soon.
    Conflict,
    /// No room at the provider.
    Capacity,
    /// Throttled. The whole instance waits [`Error::retry_after`].
    RateLimited,
    /// Refused, and certainly not applied: a connection that could not be made, a maintenance page.
    Unavailable,
    /// May have been applied: a time-out, a 5xx, a malformed answer, a lost connection.
    Unknown,
    /// The provider or the plugin cannot do this.
    Unsupported,
    /// A bug in the plugin, outside any mutation.
    Internal,
}

impl Class {
    /// True when the mutation that failed this way may still have taken effect.
    pub fn may_have_been_applied(self) -> bool {
        matches!(self, Self::Unknown)
    }
}

/// How much is affected by a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// This service alone.
    Service,
    /// One node or location of the provider: other services may be fine.
    Placement,
    /// The provider as a whole; counts towards the circuit breaker.
    Instance,
}

/// A failed call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct Error {
    /// What the failure means.
    pub class: Class,
    /// How much it affects.
    pub scope: Scope,
    /// Short machine-readable cause, from the provider where it has one: `NoViableNodeException`, `connect`.
    pub code: String,
    /// One sentence for a person, without secrets and without the provider's internals.
    pub message: String,
    /// The setting to blame, as a path into the call: `config.egg_id`, `instance.api_key`, `checkout.server_name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// How long to wait, where the provider said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Duration>,
}

impl Error {
    /// A failure of this service alone.
    pub fn new(class: Class, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            class,
            scope: Scope::Service,
            code: code.into(),
            message: message.into(),
            field: None,
            retry_after: None,
        }
    }

    /// A verb or option that the plugin does not have.
    pub fn unsupported(what: &str) -> Self {
        Self::new(Class::Unsupported, "unsupported", format!("this plugin does not support {what}"))
    }

    /// The same failure with a wider or narrower reach.
    #[must_use]
    pub fn scoped(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// The same failure, blaming a setting.
    #[must_use]
    pub fn on_field(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    /// The same failure with the wait that the provider asked for.
    #[must_use]
    pub fn retry_after(self, after: Duration) -> Self {
        Self { retry_after: Some(after), ..self }
    }
}
