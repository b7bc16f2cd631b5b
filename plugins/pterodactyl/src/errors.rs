//! What a failed request means.

use std::time::Duration;

use hostwright_plugin::{Class, Error, Redactor, Scope};
use http::StatusCode;
use jiff::Timestamp;

use crate::answer::{Answer, Refusal};
use crate::request::ApiRequest;
use crate::transport::TransportError;

/// The exception by which the panel passes on a failure of Wings, with Wings' own status.
const WINGS_FAILED: &str = "DaemonConnectionException";
/// The exception for what does not exist.
pub(crate) const NOT_FOUND: &str = "NotFoundHttpException";
/// How long to wait when a 429 does not say: the panel counts by the minute.
const RATE_WINDOW: Duration = Duration::from_mins(1);
/// How much of one text of the panel is repeated.
const LONGEST_DETAIL: usize = 300;
/// How many broken rules are repeated.
const MOST_DETAILS: usize = 3;

/// A failed request: what it means, and what the panel said where that matters to the caller.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) refusals: Vec<Refusal>,
}

impl Failure {
    /// True when this rule was broken by this field of the body.
    pub(crate) fn broke(&self, field: &str, rule: &str) -> bool {
        self.refusals.iter().any(|refusal| refusal.meta.source_field == field && refusal.meta.rule == rule)
    }

    /// True when a variable of the egg was refused.
    pub(crate) fn blames_the_environment(&self) -> bool {
        self.refusals.iter().any(|refusal| refusal.meta.source_field.starts_with("environment."))
    }

    /// True when the panel did its part and Wings failed.
    pub(crate) fn is_from_wings(&self) -> bool {
        self.error.code == WINGS_FAILED
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, refusals: Vec::new() }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

/// Judges failures of the requests to one panel.
#[derive(Debug)]
pub(crate) struct Judge<'a> {
    /// The name of the instance, for messages.
    pub(crate) instance: &'a str,
    pub(crate) redactor: &'a Redactor,
}

impl Judge<'_> {
    /// What it means that there is no answer.
    pub(crate) fn unanswered(&self, request: &ApiRequest, error: &TransportError) -> Error {
        let (class, code) = match error {
            TransportError::NotSent(_) => (Class::Unavailable, "connect"),
            TransportError::Interrupted(_) => (unanswered_class(request), "interrupted"),
        };
        self.error(class, code, &format!("{}: {error}", request.name())).scoped(Scope::Instance)
    }

    /// What an answer means that is not the expected one.
    pub(crate) fn refused(&self, request: &ApiRequest, answer: &Answer, now: Timestamp) -> Failure {
        let refusals = answer.refusals();
        let error = match (answer.status, refusals.first()) {
            (StatusCode::UNAUTHORIZED, _) => self.unauthenticated(&refusals),
            (StatusCode::FORBIDDEN, _) => self.forbidden(request, &refusals),
            (StatusCode::TOO_MANY_REQUESTS, _) => {
                let after = answer.retry_after(now).unwrap_or(RATE_WINDOW);
                let text = format!("{} is throttled (429); waiting {} s", request.name(), after.as_secs());
                self.error(Class::RateLimited, "ThrottleRequestsException", &text)
                    .scoped(Scope::Instance)
                    .retry_after(after)
            }
            (_, None) => self.not_the_panel(request, answer),
            (status, Some(first)) => self.by_code(request, status, first, &refusals),
        };
        Failure { error, refusals }
    }

    fn by_code(&self, request: &ApiRequest, status: StatusCode, first: &Refusal, refusals: &[Refusal]) -> Error {
        let told =
            format!("{} failed ({} {}): {}", request.name(), status.as_u16(), first.code, self.details(refusals));
        // Before the status, which is whatever Wings gave.
        if first.code == WINGS_FAILED {
            return self.error(unanswered_class(request), WINGS_FAILED, &told).scoped(Scope::Placement);
        }
        match (status.as_u16(), first.code.as_str()) {
            (400, "NoViableNodeException" | "NoViableAllocationException") => {
                self.error(Class::Capacity, &first.code, &told).scoped(Scope::Placement)
            }
            // The plugin wrote the body and the filters.
            (400, "BadRequestHttpException" | "InvalidFilterQuery") => self.error(Class::Internal, &first.code, &told),
            (404, _) if !request.names_an_object() => self
                .error(Class::Unavailable, &first.code, &format!("{told}; is panel_url the panel's base address?"))
                .scoped(Scope::Instance)
                .on_field("instance.panel_url"),
            (404, _) => self.error(Class::NotFound, &first.code, &told),
            (409, _) => self.error(Class::Conflict, &first.code, &told),
            (422, _) => self.broken_rules(refusals),
            (400..=499, _) => self.error(Class::Invalid, &first.code, &told),
            _ => self.error(unanswered_class(request), &first.code, &told).scoped(Scope::Instance),
        }
    }

    fn broken_rules(&self, refusals: &[Refusal]) -> Error {
        let text = format!("the panel refuses {}", self.details(refusals));
        let code = refusals.first().map_or("ValidationException", |first| first.code.as_str());
        let error = self.error(Class::Invalid, code, &text);
        match refusals.iter().find_map(|refusal| setting(&refusal.meta.source_field)) {
            Some(setting) => error.on_field(setting),
            None => error,
        }
    }

    fn unauthenticated(&self, refusals: &[Refusal]) -> Error {
        let code = refusals.first().map_or("AuthenticationException", |first| first.code.as_str());
        self.error(Class::Unauthorized, code, "the panel refuses the API key (401); replace api_key")
            .scoped(Scope::Instance)
            .on_field("instance.api_key")
    }

    fn forbidden(&self, request: &ApiRequest, refusals: &[Refusal]) -> Error {
        let code = refusals.first().map_or("AccessDeniedHttpException", |first| first.code.as_str());
        let right = if request.is_read() { "read" } else { "read and write" };
        let text = format!(
            "the API key may not {} (403); give it {right} permission {}, and check its list of addresses",
            request.name(),
            request.permission
        );
        self.error(Class::Unauthorized, code, &text).scoped(Scope::Instance).on_field("instance.api_key")
    }

    /// An answer that no panel gives: a page of a proxy, a redirect, a body cut short.
    pub(crate) fn not_the_panel(&self, request: &ApiRequest, answer: &Answer) -> Error {
        let status = answer.status.as_u16();
        let found = if answer.status.is_redirection() {
            "a redirect; set panel_url to the address it leads to"
        } else if answer.status.is_server_error() {
            "an error that is not the panel's own; look at the web server in front of it"
        } else if answer.is_html() {
            "an HTML page; is panel_url the panel's base address?"
        } else {
            "something that is not the panel's JSON; is panel_url the panel's base address?"
        };
        self.error(
            unanswered_class(request),
            "malformed",
            &format!("{} was answered with {found} ({status})", request.name()),
        )
        .scoped(Scope::Instance)
        .on_field("instance.panel_url")
    }

    /// What the panel said, without line breaks, secrets and excess.
    fn details(&self, refusals: &[Refusal]) -> String {
        let mut details: Vec<String> = refusals.iter().take(MOST_DETAILS).map(|refusal| self.detail(refusal)).collect();
        if refusals.len() > MOST_DETAILS {
            details.push(format!("and {} more", refusals.len() - MOST_DETAILS));
        }
        details.join("; ")
    }

    fn detail(&self, refusal: &Refusal) -> String {
        let text = refusal.detail.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = shortened(&self.redactor.redact(&text));
        let field = &refusal.meta.source_field;
        if field.is_empty() { text } else { format!("{}: {text}", shortened(&self.redactor.redact(field))) }
    }

    fn error(&self, class: Class, code: &str, text: &str) -> Error {
        Error::new(class, shortened(code), self.redactor.redact(&format!("{}: {text}", self.instance)))
    }
}

/// What a missing or useless answer means: nothing was changed by a read, anything may have been by the rest.
fn unanswered_class(request: &ApiRequest) -> Class {
    if request.is_read() { Class::Unavailable } else { Class::Unknown }
}

/// Cuts an overlong text at a character boundary.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_DETAIL) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The setting that became this field of a body.
fn setting(source_field: &str) -> Option<String> {
    let mut parts = source_field.split('.');
    let key = match (parts.next()?, parts.next()) {
        ("environment", _) => "environment",
        ("deploy", Some("locations")) => "location_ids",
        ("deploy", Some("tags")) => "node_tags",
        ("allocation", _) => "allocation_id",
        ("egg", _) => "egg_id",
        ("image" | "docker_image", _) => "docker_image",
        ("oom_disabled" | "oom_killer", _) => "oom_killer",
        ("limits" | "feature_limits" | "deploy", Some(key))
        | (key @ ("startup" | "skip_scripts" | "start_on_completion"), _) => key,
        ("name", _) => return Some("checkout.server_name".to_owned()),
        ("email", _) => return Some("owner.email".to_owned()),
        ("first_name" | "last_name", _) => return Some("owner.name".to_owned()),
        _ => return None,
    };
    Some(format!("config.{key}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_the_body_leads_to_the_setting_it_came_from() {
        for (field, expected) in [
            ("limits.swap", Some("config.swap")),
            ("feature_limits.backups", Some("config.backups")),
            ("environment.SERVER_JARFILE", Some("config.environment")),
            ("deploy.locations", Some("config.location_ids")),
            ("deploy.port_range.0", Some("config.port_range")),
            ("deploy.dedicated_ip", Some("config.dedicated_ip")),
            ("allocation.default", Some("config.allocation_id")),
            ("image", Some("config.docker_image")),
            ("name", Some("checkout.server_name")),
            ("user", None),
            ("", None),
        ] {
            assert_eq!(setting(field).as_deref(), expected, "{field}");
        }
    }

    #[test]
    fn an_overlong_text_is_cut_between_characters() {
        let cut = shortened(&"ü".repeat(LONGEST_DETAIL + 1));
        assert_eq!(cut.chars().count(), LONGEST_DETAIL + 1);
        assert!(cut.ends_with("ü…"));
    }
}
