//! Making servers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use demo_panel::{Faults, RequestMatch, WingsMode};
use hostwright_plugin::{Class, Observation, Plugin as _, Scope, Secret, State};
use hostwright_plugin_pterodactyl::{Pterodactyl, Transport, TransportError};
use http::{Method, Request, Response};
use serde_json::json;

use crate::support::{Fixture, InProcess, Script, answer, broken, call, done, named, server, user, with};

#[tokio::test]
async fn a_server_gets_its_owner_egg_limits_and_external_id() {
    let fixture = Fixture::new();
    let state = done(fixture.plugin.create(&call()).await);

    let made = fixture.server(&call());
    assert_eq!(made.name, "Alice's server");
    assert_eq!(made.egg, 4);
    assert_eq!((made.limits.memory, made.limits.disk, made.limits.cpu), (1024, 2000, 100));
    assert!(!made.limits.oom_disabled);
    assert_eq!(made.feature_limits.databases, Some(1));
    let owner = fixture.panel.users().into_iter().find(|user| user.id == made.owner).unwrap();
    assert_eq!(owner.external_id.as_deref(), Some("prod.customers.cust-1"));

    assert_eq!(state.state, State::Provisioning);
    assert_eq!(state.remote.id, made.id.to_string());
    assert_eq!(state.remote.url.unwrap(), format!("http://panel.test/server/{}", made.identifier()));
    assert_eq!(state.remote.attributes["uuid"], made.uuid);
    assert_eq!(state.remote.attributes["identifier"], made.identifier());
    assert_eq!(state.remote.attributes["node"], made.node.to_string());
}

#[tokio::test]
async fn a_known_user_and_a_cached_egg_make_it_two_requests() {
    let fixture = Fixture::new();
    fixture.created(call()).await;
    done(fixture.plugin.create(&named(call(), "prod.customers.second")).await);
    assert_eq!(fixture.sent(), ["GET users/external/prod.customers.cust-1", "POST servers"]);
}

#[tokio::test]
async fn a_detected_dialect_is_asked_for_once() {
    let fixture = Fixture::new();
    let mut call = call();
    call.instance.settings.remove("dialect");
    done(fixture.plugin.create(&call).await);
    assert_eq!(fixture.sent()[0], "GET nests?per_page=1");
    done(fixture.plugin.create(&named(call, "prod.customers.second")).await);
    assert_eq!(fixture.sent().len(), 2);
}

#[tokio::test]
async fn the_package_overrides_the_egg_and_the_rest_keeps_its_defaults() {
    let fixture = Fixture::new();
    let call = with(call(), "environment", r#"{"VANILLA_VERSION": "1.20.4"}"#);
    let call = with(with(call, "docker_image", "ghcr.io/pterodactyl/yolks:java_17"), "threads", "0-1");
    done(fixture.plugin.create(&call).await);
    let made = fixture.server(&call);
    assert_eq!(made.environment["VANILLA_VERSION"], "1.20.4");
    assert_eq!(made.environment["SERVER_JARFILE"], "server.jar");
    assert_eq!(made.image, "ghcr.io/pterodactyl/yolks:java_17");
    assert!(made.startup.contains("{{SERVER_JARFILE}}"));
    assert_eq!(made.limits.threads.as_deref(), Some("0-1"));
}

#[tokio::test]
async fn a_fixed_allocation_and_a_port_range_are_respected() {
    let fixture = Fixture::new();
    let wanted = fixture.panel.allocations()[9].id;
    let fixed = with(call(), "allocation_id", wanted);
    done(fixture.plugin.create(&fixed).await);
    assert_eq!(fixture.server(&fixed).allocation, Some(wanted));

    let ranged = with(named(call(), "prod.customers.ranged"), "port_range", "25600-25601, 25570");
    done(fixture.plugin.create(&with(ranged.clone(), "location_ids", "1")).await);
    let chosen = fixture.server(&ranged).allocation.unwrap();
    let port = fixture.panel.allocations().into_iter().find(|allocation| allocation.id == chosen).unwrap().port;
    assert!([25570, 25600, 25601].contains(&port), "{port}");
}

#[tokio::test]
async fn a_taken_external_id_is_a_conflict_and_makes_nothing() {
    let fixture = Fixture::new();
    fixture.created(call()).await;
    let error = fixture.plugin.create(&call()).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Conflict, "ExternalIdTaken"));
    assert_eq!(fixture.panel.max_live_per_external_id(&call().external_id), 1);
}

#[tokio::test]
async fn no_room_is_a_lack_of_capacity_at_the_placement() {
    let fixture = Fixture::new();
    for (key, value, code) in [
        ("memory", json!(999_999), "NoViableNodeException"),
        ("location_ids", json!("99"), "NoViableNodeException"),
        ("port_range", json!("40000"), "NoViableAllocationException"),
    ] {
        let error = fixture.plugin.create(&with(call(), key, value)).await.unwrap_err();
        assert_eq!((error.class, error.scope, error.code.as_str()), (Class::Capacity, Scope::Placement, code), "{key}");
    }
    assert!(fixture.panel.servers().is_empty());
}

#[tokio::test]
async fn when_wings_fails_the_outcome_is_unknown_and_a_second_attempt_succeeds() {
    for mode in [WingsMode::Error500, WingsMode::Down, WingsMode::Missing404] {
        let fixture = Fixture::new();
        fixture.panel.set_wings(mode);
        let error = fixture.plugin.create(&call()).await.unwrap_err();
        assert_eq!((error.class, error.scope), (Class::Unknown, Scope::Placement), "{mode:?}: {error}");
        assert_eq!(fixture.plugin.observe(&call()).await.unwrap(), Observation::Absent);
        fixture.panel.set_wings(WingsMode::Ok);
        done(fixture.plugin.create(&call()).await);
        assert_eq!(fixture.panel.max_live_per_external_id(&call().external_id), 1);
    }
}

#[tokio::test]
async fn a_lost_reply_and_a_500_after_the_effect_are_unknown_and_the_server_is_found() {
    let lost = Faults { lose_reply: vec![RequestMatch::new("POST", "/servers$", 1).unwrap()], ..Faults::default() };
    let failed = Faults { server_error: vec![RequestMatch::new("POST", "/servers$", 1).unwrap()], ..Faults::default() };
    for faults in [lost, failed] {
        let fixture = Fixture::new();
        fixture.panel.set_faults(faults);
        let error = fixture.plugin.create(&call()).await.unwrap_err();
        assert_eq!((error.class, error.scope), (Class::Unknown, Scope::Instance), "{error}");
        let present = fixture.present(&call()).await;
        assert_eq!(present.owner_key.as_deref(), Some("prod.customers.cust-1"));
    }
}

#[tokio::test]
async fn a_wrong_egg_nest_or_variable_is_named() {
    let fixture = Fixture::new();
    for (key, value, field, word) in [
        ("egg_id", json!(99), "config.egg_id", "no egg 99"),
        ("nest_id", json!(null), "config.nest_id", "required on Pterodactyl"),
        ("environment", json!(r#"{"SERVER_JARFILE": "server.exe"}"#), "config.environment", "SERVER_JARFILE"),
        ("environment", json!("[]"), "config.environment", "JSON object"),
        ("io", json!(5), "config.io", "limits.io"),
        ("node_tags", json!("fast"), "config.node_tags", "location_ids"),
    ] {
        let error = fixture.plugin.create(&with(call(), key, value)).await.unwrap_err();
        assert_eq!((error.class, error.field.as_deref()), (Class::Invalid, Some(field)), "{error}");
        assert!(error.message.contains(word), "{error}");
    }
    assert!(fixture.panel.servers().is_empty());
}

#[tokio::test]
async fn validation_finds_the_same_without_making_a_user() {
    let fixture = Fixture::new();
    let error = fixture.plugin.validate(&with(call(), "egg_id", 99)).await.unwrap_err();
    assert_eq!(error.field.as_deref(), Some("config.egg_id"));
    fixture.plugin.validate(&call()).await.unwrap();
    assert_eq!(fixture.panel.users().len(), 1);
}

#[tokio::test]
async fn an_egg_whose_cached_defaults_are_refused_is_read_again_once() {
    let egg = |variable: &str| {
        answer(
            200,
            &json!({"object": "egg", "attributes": {
            "id": 4, "docker_image": "java", "startup": "java",
            "relationships": {"variables": {"object": "list", "data": [
                {"object": "egg_variable", "attributes": {"env_variable": variable, "default_value": "x"}}]}}}}),
        )
    };
    let alice = || answer(200, &user(2, Some("prod.customers.cust-1"), "alice@example.com"));
    let script = Script::new([
        alice(),
        egg("OLD"),
        answer(201, &server(|_| {})),
        alice(),
        broken(&[("environment.NEW", "required")]),
        egg("NEW"),
        answer(201, &server(|_| {})),
    ]);
    let plugin = script.plugin();
    done(plugin.create(&call()).await);
    done(plugin.create(&call()).await);
    assert_eq!(script.body(4)["environment"], json!({"OLD": "x"}));
    assert_eq!(script.body(6)["environment"], json!({"NEW": "x"}));
}

#[tokio::test]
async fn a_key_that_may_only_read_is_unauthorized_and_the_permission_is_named() {
    let fixture = Fixture::new();
    let mut call = call();
    call.instance.secrets.insert("api_key".to_owned(), Secret::new("ptla_readonly"));
    let error = fixture.plugin.create(&call).await.unwrap_err();
    assert_eq!((error.class, error.scope), (Class::Unauthorized, Scope::Instance));
    assert_eq!(error.field.as_deref(), Some("instance.api_key"));
    assert!(error.message.contains("read and write permission r_users"), "{error}");
}

#[tokio::test]
async fn a_user_that_vanishes_meanwhile_is_a_conflict() {
    let egg = json!({"object": "egg", "attributes": {"docker_image": "java", "startup": "java",
        "relationships": {"variables": {"data": []}}}});
    let script = Script::new([
        answer(200, &user(2, Some("prod.customers.cust-1"), "alice@example.com")),
        answer(200, &egg),
        broken(&[("user", "exists")]),
    ]);
    let error = script.plugin().create(&call()).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Conflict, "UserVanished"));
}

/// Counts how many creates are under way at once.
struct Overlap {
    inner: Arc<InProcess>,
    now: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl Transport for Overlap {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let is_create = *request.method() == Method::POST && request.uri().path().ends_with("/servers");
        if is_create {
            let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
        }
        let answer = self.inner.send(request).await;
        if is_create {
            self.now.fetch_sub(1, Ordering::SeqCst);
        }
        answer
    }
}

#[tokio::test(start_paused = true)]
async fn creates_on_one_panel_never_overlap() {
    let fixture = Fixture::new();
    fixture.panel.set_wings_latency(Duration::from_secs(3));
    let overlap =
        Arc::new(Overlap { inner: fixture.transport.clone(), now: AtomicUsize::new(0), most: AtomicUsize::new(0) });
    let plugin = Pterodactyl::with_transport(Arc::clone(&overlap) as Arc<dyn Transport>).unwrap();
    let calls = ["a", "b", "c"].map(|name| named(call(), &format!("prod.customers.{name}")));
    let (a, b, c) = tokio::join!(plugin.create(&calls[0]), plugin.create(&calls[1]), plugin.create(&calls[2]));
    for outcome in [a, b, c] {
        done(outcome);
    }
    assert_eq!(overlap.most.load(Ordering::SeqCst), 1);
    assert_eq!(fixture.panel.users().len(), 2, "the administrator and Alice");
}
