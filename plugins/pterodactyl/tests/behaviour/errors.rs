//! What every kind of answer means, and that nothing secret is repeated.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hostwright_plugin::{Call, Class, Error, Plugin as _, Scope, Secret};
use hostwright_plugin_pterodactyl::{Pterodactyl, Transport, TransportError};
use http::{Request, Response};
use jiff::Timestamp;
use serde_json::json;

use crate::support::{Fixture, Script, answer, call, html, known_remote, named, raw, refusal};

type Answer = Result<Response<Bytes>, TransportError>;

fn bound() -> Call {
    Call { remote: Some(known_remote()), ..call() }
}

async fn mutation(answer: Answer) -> Error {
    Script::new([answer]).plugin().suspend(&bound()).await.unwrap_err()
}

async fn look(answer: Answer) -> Error {
    Script::new([answer]).plugin().observe(&call()).await.unwrap_err()
}

/// What an answer means in a mutation.
async fn expect(answer: Answer, class: Class, scope: Scope) {
    let error = mutation(answer.clone()).await;
    assert_eq!((error.class, error.scope), (class, scope), "{answer:?} in a mutation: {error}");
    assert!(error.message.starts_with("panel-eu: "), "{error}");
    // A look changes nothing, so that nothing can be unknown after it.
    let in_look = if class == Class::Unknown { Class::Unavailable } else { class };
    let error = look(answer.clone()).await;
    assert_eq!((error.class, error.scope), (in_look, scope), "{answer:?} in a look: {error}");
}

#[tokio::test]
async fn what_the_panel_refuses_has_a_class_and_a_scope() {
    use Class::{Conflict, Internal, Invalid, RateLimited, Unauthorized};
    for (status, code, class, scope) in [
        (400, "DisplayException", Invalid, Scope::Service),
        (400, "BadRequestHttpException", Internal, Scope::Service),
        (401, "AuthenticationException", Unauthorized, Scope::Instance),
        (403, "AccessDeniedHttpException", Unauthorized, Scope::Instance),
        (409, "ConflictHttpException", Conflict, Scope::Service),
        (418, "SomethingNewException", Invalid, Scope::Service),
        (429, "ThrottleRequestsException", RateLimited, Scope::Instance),
    ] {
        expect(refusal(status, code, "as it says"), class, scope).await;
    }
    assert_eq!(mutation(crate::support::not_found()).await.class, Class::NotFound);
}

#[tokio::test]
async fn what_may_have_been_done_is_unknown() {
    for (status, code, scope) in [
        (500, "QueryException", Scope::Instance),
        (503, "HttpException", Scope::Instance),
        (404, "DaemonConnectionException", Scope::Placement),
        (409, "DaemonConnectionException", Scope::Placement),
        (500, "DaemonConnectionException", Scope::Placement),
        (504, "DaemonConnectionException", Scope::Placement),
    ] {
        expect(refusal(status, code, "as it says"), Class::Unknown, scope).await;
    }
    let cut = raw(200, &[], r#"{"object":"ser"#);
    let reset = Err(TransportError::Interrupted("reset".to_owned()));
    for answer in [html(200), html(302), html(400), html(502), cut, reset] {
        expect(answer, Class::Unknown, Scope::Instance).await;
    }
}

#[tokio::test]
async fn what_cannot_have_been_done_is_not() {
    let refused = Err(TransportError::NotSent("connection refused".to_owned()));
    expect(refused, Class::Unavailable, Scope::Instance).await;
    for status in [401, 403] {
        expect(html(status), Class::Unauthorized, Scope::Instance).await;
    }
    expect(html(429), Class::RateLimited, Scope::Instance).await;
}

#[tokio::test]
async fn a_throttled_panel_says_how_long_to_wait() {
    let throttled = |headers: &[(&str, &str)]| raw(429, headers, "");
    assert_eq!(mutation(throttled(&[("retry-after", "17")])).await.retry_after, Some(Duration::from_secs(17)));
    assert_eq!(mutation(throttled(&[])).await.retry_after, Some(Duration::from_mins(1)));
    let date = (Timestamp::now() + Duration::from_hours(1)).to_zoned(jiff::tz::TimeZone::UTC);
    let date = jiff::fmt::rfc2822::DateTimePrinter::new().zoned_to_string(&date).unwrap();
    let wait = mutation(throttled(&[("retry-after", &date)])).await.retry_after.unwrap();
    assert!(wait > Duration::from_mins(30), "{wait:?}");
}

#[tokio::test(start_paused = true)]
async fn the_demo_panels_rate_limit_is_understood() {
    let fixture = Fixture::new();
    let mut last = None;
    for _ in 0..241 {
        last = Some(fixture.plugin.observe(&call()).await);
    }
    let error = last.unwrap().unwrap_err();
    assert_eq!((error.class, error.scope), (Class::RateLimited, Scope::Instance));
    assert!(error.retry_after.unwrap() <= Duration::from_mins(1));
}

struct Silent;

#[async_trait]
impl Transport for Silent {
    async fn send(&self, _: Request<Bytes>) -> Answer {
        pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_panel_that_never_answers_is_given_up_on() {
    let plugin = Pterodactyl::with_transport(Arc::new(Silent)).unwrap();
    assert_eq!(plugin.suspend(&bound()).await.unwrap_err().class, Class::Unknown);
    assert_eq!(plugin.observe(&call()).await.unwrap_err().class, Class::Unavailable);
}

#[tokio::test]
async fn nothing_is_sent_after_the_deadline() {
    let late = Call { deadline: Timestamp::UNIX_EPOCH, ..bound() };
    let error = Script::new([]).plugin().suspend(&late).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Unavailable, "deadline"));
}

#[tokio::test]
async fn secrets_traces_and_line_breaks_are_not_repeated() {
    let mut call = bound();
    call.instance.secrets.insert("api_key".to_owned(), Secret::new("ptla_planted_secret\n"));
    call.checkout_secrets.insert("password".to_owned(), Secret::new("hunter2planted"));
    let leaky = json!({"errors": [{
        "code": "QueryException", "status": "500",
        "detail": "Bearer ptla_planted_secret\n   sent hunter2planted",
        "source": {"file": "/var/www/app/secret.php"},
        "meta": {"trace": ["#0 /var/www/index.php"], "source_field": "", "rule": ""},
    }]});
    let error = Script::new([answer(500, &leaky)]).plugin().suspend(&call).await.unwrap_err();
    let shown = format!("{error} {error:?} {}", serde_json::to_string(&error).unwrap());
    for planted in ["planted", "/var/www", "#0", "\\n"] {
        assert!(!shown.contains(planted), "{planted}: {shown}");
    }
    assert!(error.message.contains("Bearer [redacted] sent [redacted]"), "{error}");
}

#[tokio::test]
async fn an_overlong_text_of_the_panel_is_cut() {
    let entries: Vec<_> = (0..50)
        .map(|number| {
            json!({"code": "ValidationException", "status": "422", "detail": "x".repeat(5_000),
            "meta": {"source_field": format!("limits.{number}"), "rule": "required"}})
        })
        .collect();
    let error = mutation(answer(422, &json!({"errors": entries}))).await;
    assert!(error.message.len() < 2_000, "{}", error.message.len());
    assert!(error.message.contains("and 47 more"), "{error}");
}

#[tokio::test]
async fn the_key_travels_in_the_authorization_header_only_and_json_is_asked_for() {
    let script = Script::new([refusal(409, "ConflictHttpException", "busy")]);
    script.plugin().suspend(&named(bound(), "prod.customers.x")).await.unwrap_err();
    let requests = script.requests.lock().unwrap();
    let headers = requests[0].headers();
    assert_eq!(headers["authorization"], "Bearer ptla_demo");
    assert!(headers["authorization"].is_sensitive());
    assert_eq!(headers["accept"], "application/json");
    assert!(!requests[0].uri().to_string().contains("ptla_"));
    assert!(!format!("{:?}", requests[0]).contains("ptla_demo"));
}
