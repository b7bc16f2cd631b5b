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
    Call {
        remote: Some(known_remote()),
        ..call()
    }
}

async fn mutation(answer: Answer) -> Error {
    Script::new([answer]).plugin().suspend(&bound()).await.unwrap_err()
}

async fn look(answer: Answer) -> Error {
    Script::new([answer]).plugin().observe(&call()).await.unwrap_err()
}

#[tokio::test]
async fn every_answer_has_a_class_and_a_scope() {
    use Class::{Conflict, Internal, Invalid, NotFound, RateLimited, Unauthorized, Unavailable, Unknown};
    use Scope::{Instance, Placement, Service};
    let panel = |status, code| move || refusal(status, code, "as it says");
    let cases: Vec<(&str, Box<dyn Fn() -> Answer>, (Class, Scope), (Class, Scope))> = vec![
        (
            "401",
            Box::new(panel(401, "AuthenticationException")),
            (Unauthorized, Instance),
            (Unauthorized, Instance),
        ),
        (
            "401 page",
            Box::new(|| html(401)),
            (Unauthorized, Instance),
            (Unauthorized, Instance),
        ),
        (
            "403",
            Box::new(panel(403, "AccessDeniedHttpException")),
            (Unauthorized, Instance),
            (Unauthorized, Instance),
        ),
        (
            "404",
            Box::new(panel(404, "NotFoundHttpException")),
            (NotFound, Service),
            (NotFound, Service),
        ),
        (
            "409",
            Box::new(panel(409, "ConflictHttpException")),
            (Conflict, Service),
            (Conflict, Service),
        ),
        (
            "400",
            Box::new(panel(400, "DisplayException")),
            (Invalid, Service),
            (Invalid, Service),
        ),
        (
            "bad JSON",
            Box::new(panel(400, "BadRequestHttpException")),
            (Internal, Service),
            (Internal, Service),
        ),
        (
            "429",
            Box::new(panel(429, "ThrottleRequestsException")),
            (RateLimited, Instance),
            (RateLimited, Instance),
        ),
        (
            "500",
            Box::new(panel(500, "QueryException")),
            (Unknown, Instance),
            (Unavailable, Instance),
        ),
        (
            "503",
            Box::new(panel(503, "HttpException")),
            (Unknown, Instance),
            (Unavailable, Instance),
        ),
        (
            "Wings 504",
            Box::new(panel(504, "DaemonConnectionException")),
            (Unknown, Placement),
            (Unavailable, Placement),
        ),
        (
            "Wings 409",
            Box::new(panel(409, "DaemonConnectionException")),
            (Unknown, Placement),
            (Unavailable, Placement),
        ),
        (
            "502 page",
            Box::new(|| html(502)),
            (Unknown, Instance),
            (Unavailable, Instance),
        ),
        (
            "200 page",
            Box::new(|| html(200)),
            (Unknown, Instance),
            (Unavailable, Instance),
        ),
        (
            "redirect",
            Box::new(|| html(302)),
            (Unknown, Instance),
            (Unavailable, Instance),
        ),
        (
            "cut short",
            Box::new(|| raw(200, &[], r#"{"object":"ser"#)),
            (Unknown, Instance),
            (Unavailable, Instance),
        ),
        (
            "no contact",
            Box::new(|| Err(TransportError::NotSent("refused".to_owned()))),
            (Unavailable, Instance),
            (Unavailable, Instance),
        ),
        (
            "reset",
            Box::new(|| Err(TransportError::Interrupted("reset".to_owned()))),
            (Unknown, Instance),
            (Unavailable, Instance),
        ),
    ];
    for (name, answer, in_mutation, in_look) in cases {
        let error = mutation(answer()).await;
        assert_eq!((error.class, error.scope), in_mutation, "{name} in a mutation: {error}");
        assert!(error.message.starts_with("panel-eu: "), "{error}");
        if in_look.0 != NotFound {
            let error = look(answer()).await;
            assert_eq!((error.class, error.scope), in_look, "{name} in a look: {error}");
        }
    }
}

#[tokio::test]
async fn a_throttled_panel_says_how_long_to_wait() {
    let throttled = |headers: &[(&str, &str)]| raw(429, headers, "");
    assert_eq!(
        mutation(throttled(&[("retry-after", "17")])).await.retry_after,
        Some(Duration::from_secs(17))
    );
    assert_eq!(mutation(throttled(&[])).await.retry_after, Some(Duration::from_mins(1)));
    let date = (Timestamp::now() + Duration::from_hours(1)).to_zoned(jiff::tz::TimeZone::UTC);
    let date = jiff::fmt::rfc2822::DateTimePrinter::new()
        .zoned_to_string(&date)
        .unwrap();
    let wait = mutation(throttled(&[("retry-after", &date)]))
        .await
        .retry_after
        .unwrap();
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
    let late = Call {
        deadline: Timestamp::UNIX_EPOCH,
        ..bound()
    };
    let error = Script::new([]).plugin().suspend(&late).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Unavailable, "deadline"));
}

#[tokio::test]
async fn secrets_traces_and_line_breaks_are_not_repeated() {
    let mut call = bound();
    call.instance
        .secrets
        .insert("api_key".to_owned(), Secret::new("ptla_planted_secret\n"));
    call.checkout_secrets
        .insert("password".to_owned(), Secret::new("hunter2planted"));
    let leaky = json!({"errors": [{
        "code": "QueryException", "status": "500",
        "detail": "Bearer ptla_planted_secret\n   sent hunter2planted",
        "source": {"file": "/var/www/app/secret.php"},
        "meta": {"trace": ["#0 /var/www/index.php"], "source_field": "", "rule": ""},
    }]});
    let error = Script::new([answer(500, &leaky)])
        .plugin()
        .suspend(&call)
        .await
        .unwrap_err();
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
    script
        .plugin()
        .suspend(&named(bound(), "prod.customers.x"))
        .await
        .unwrap_err();
    let requests = script.requests.lock().unwrap();
    let headers = requests[0].headers();
    assert_eq!(headers["authorization"], "Bearer ptla_demo");
    assert!(headers["authorization"].is_sensitive());
    assert_eq!(headers["accept"], "application/json");
    assert!(!requests[0].uri().to_string().contains("ptla_"));
    assert!(!format!("{:?}", requests[0]).contains("ptla_demo"));
}
