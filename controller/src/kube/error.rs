//! What a failed request to the Kubernetes API means for what happens next.

use kube::Error;
use kube::core::Status;

/// Why a request to the Kubernetes API failed. Conditions and logs show the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// Somebody else was first: what this was based on is not the latest version, or another object of that name.
    #[error("the object was changed meanwhile")]
    Conflict,
    /// There is no such object.
    #[error("the object does not exist")]
    Gone,
    /// Nothing new can be made in this namespace.
    #[error("the namespace is being deleted, and nothing new can be made in it")]
    NamespaceEnding,
    /// The API server refused, in its own words. Trying the same again is pointless.
    #[error("the Kubernetes API refused: {0}")]
    Refused(String),
    /// Nobody knows: it may have landed. A time-out, a lost connection, a 5xx.
    #[error("no usable answer of the Kubernetes API: {0}")]
    Unanswered(String),
}

impl From<Error> for WriteError {
    fn from(error: Error) -> Self {
        let status = match error {
            Error::Api(status) => status,
            Error::BuildRequest(_) | Error::HttpError(_) => return Self::Refused(error.to_string()),
            _ => return Self::Unanswered(with_causes(&error)),
        };
        match status.code {
            404 => Self::Gone,
            409 => Self::Conflict,
            403 if is_of_an_ending_namespace(&status) => Self::NamespaceEnding,
            // Too many requests: refused for now only, so it is no refusal.
            429 => Self::Unanswered(status.message),
            400..500 => Self::Refused(status.message),
            _ => Self::Unanswered(status.message),
        }
    }
}

/// The cause that the admission of namespaces gives (`NamespaceLifecycle` in kube-apiserver).
fn is_of_an_ending_namespace(status: &Status) -> bool {
    let causes = status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
    causes.iter().any(|cause| cause.reason == "NamespaceTerminating")
}

/// The error and what caused it: that a connection was refused stands only in the innermost one.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let told = inner.to_string();
        // Many errors repeat their cause.
        if !text.contains(&told) {
            text = format!("{text}: {told}");
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_code_says_what_became_of_the_write() {
        let refused = || WriteError::Refused("words".to_owned());
        let unanswered = || WriteError::Unanswered("words".to_owned());
        let rows = [
            (404, WriteError::Gone),
            (409, WriteError::Conflict),
            (403, refused()),
            (422, refused()),
            (429, unanswered()),
            (500, unanswered()),
            (504, unanswered()),
        ];
        for (code, expected) in rows {
            let status = Status::failure("words", "Reason").with_code(code).boxed();
            assert_eq!(WriteError::from(Error::Api(status)), expected, "{code}");
        }
    }

    #[test]
    fn an_unreadable_answer_may_have_been_a_success() {
        let unreadable = serde_json::from_str::<String>("{").unwrap_err();
        assert!(matches!(WriteError::from(Error::SerdeError(unreadable)), WriteError::Unanswered(_)));
    }
}
