//! Errors as the Kubernetes API words them: `Status` objects with a reason, details and causes.

use serde_json::{Value, json};

use crate::field::FieldError;

/// A refused request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) details: Option<Value>,
    /// What the `Status` says in its metadata.
    pub(crate) list_metadata: Option<Value>,
}

/// Group and plural name (or kind) of what an error is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) group: &'a str,
    pub(crate) kind: &'a str,
}

impl std::fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.group.is_empty() { write!(f, "{}", self.kind) } else { write!(f, "{}.{}", self.kind, self.group) }
    }
}

impl Subject<'_> {
    pub(crate) fn details(self, name: &str) -> Value {
        let mut details = json!({});
        for (key, value) in [("name", name), ("group", self.group), ("kind", self.kind)] {
            if !value.is_empty() {
                details[key] = json!(value);
            }
        }
        details
    }
}

impl ApiError {
    pub(crate) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: None, list_metadata: None }
    }

    fn about(code: u16, reason: &'static str, message: String, subject: Subject, name: &str) -> Self {
        Self { details: Some(subject.details(name)), ..Self::new(code, reason, message) }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(crate) fn internal(message: impl std::fmt::Display) -> Self {
        Self {
            details: Some(json!({ "causes": [{ "message": message.to_string() }] })),
            ..Self::new(500, "InternalError", format!("Internal error occurred: {message}"))
        }
    }

    pub(crate) fn unknown_path() -> Self {
        Self {
            details: Some(json!({})),
            ..Self::new(404, "NotFound", "the server could not find the requested resource")
        }
    }

    pub(crate) fn not_found(subject: Subject, name: &str) -> Self {
        Self::about(404, "NotFound", format!("{subject} \"{name}\" not found"), subject, name)
    }

    pub(crate) fn already_exists(subject: Subject, name: &str) -> Self {
        Self::about(409, "AlreadyExists", format!("{subject} \"{name}\" already exists"), subject, name)
    }

    pub(crate) fn conflict(subject: Subject, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {subject} \"{name}\": {why}");
        Self::about(409, "Conflict", message, subject, name)
    }

    pub(crate) fn modified(subject: Subject, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(subject, name, why)
    }

    pub(crate) fn forbidden(subject: Subject, name: &str, why: &str) -> Self {
        Self::about(403, "Forbidden", format!("{subject} \"{name}\" is forbidden: {why}"), subject, name)
    }

    pub(crate) fn method_not_allowed(subject: Subject, verb: &str) -> Self {
        let message = format!("{verb} is not supported on resources of kind \"{subject}\"");
        Self::about(405, "MethodNotAllowed", message, subject, "")
    }

    /// What the router of the real server answers where no handler takes the method.
    pub(crate) fn unrouted_method() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self { details: Some(json!({})), ..Self::new(405, "MethodNotAllowed", message) }
    }

    pub(crate) fn unsupported_media_type(accepted: &[&str]) -> Self {
        let accepted = accepted.join(", ");
        let message =
            format!("the body of the request was in an unknown format - accepted media types include: {accepted}");
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// What the router of the real server answers where no handler takes the body.
    pub(crate) fn unrouted_media_type() -> Self {
        let details = Some(json!({}));
        Self { details, ..Self::new(415, "UnsupportedMediaType", "415: Unsupported Media Type") }
    }

    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 429, with the seconds after which to try again.
    pub(crate) fn too_many_requests(seconds: u64, message: &str) -> Self {
        Self { details: Some(json!({ "retryAfterSeconds": seconds })), ..Self::new(429, "TooManyRequests", message) }
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        Self::new(413, "RequestEntityTooLarge", format!("Request entity too large: limit is {limit}"))
    }

    /// 422 with one cause per field; equal messages are said once in the summary, as the real server does.
    pub(crate) fn invalid(subject: Subject, name: &str, errors: &[FieldError]) -> Self {
        let mut said: Vec<String> = Vec::new();
        for error in errors {
            let text = error.to_string();
            if !said.contains(&text) {
                said.push(text);
            }
        }
        let summary = if let [one] = said.as_slice() { one.clone() } else { format!("[{}]", said.join(", ")) };
        let mut details = subject.details(name);
        details["causes"] = errors.iter().map(FieldError::cause).collect();
        Self {
            code: 422,
            reason: "Invalid",
            message: format!("{subject} \"{name}\" is invalid: {summary}"),
            details: Some(details),
            list_metadata: None,
        }
    }

    /// 422 about the options of a request, whose subject lives in the group `meta.k8s.io`.
    pub(crate) fn invalid_options(kind: &str, errors: &[FieldError]) -> Self {
        Self::invalid(Subject { group: "meta.k8s.io", kind }, "", errors)
    }

    pub(crate) fn to_value(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": self.list_metadata.clone().unwrap_or_else(|| json!({})),
            "status": "Failure",
            "message": self.message, "code": self.code,
        });
        if !self.reason.is_empty() {
            status["reason"] = json!(self.reason);
        }
        if let Some(details) = &self.details {
            status["details"] = details.clone();
        }
        status
    }
}
