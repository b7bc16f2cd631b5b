//! Requests recorded from a real panel, and its answers where they are printed, replayed in their order.

use demo_panel::{Config, InstallMode, Panel, WingsMode};
use serde_json::{Value, json};

use crate::support::Fixture;

const EXCHANGES: &str = include_str!("recorded_exchanges.jsonl");

#[tokio::test]
async fn the_recorded_exchanges_are_answered_as_the_real_panel_answered_them() {
    let config =
        Config { public_url: Some("http://panel.example".to_owned()), install: InstallMode::Hold, ..Config::default() };
    let fixture = Fixture::new(config);
    let mut compared = 0;
    for line in EXCHANGES.lines() {
        let exchange: Value = serde_json::from_str(line).unwrap();
        let label = format!("{} {}", exchange["n"], exchange["label"]);
        fixture.panel.set_wings(match exchange["wings"].as_str() {
            Some("error500") => WingsMode::Error500,
            Some("missing404") => WingsMode::Missing404,
            _ => WingsMode::Ok,
        });
        let key = match exchange["key"].as_str().unwrap() {
            "application" => &fixture.config.application_key,
            "application-readonly" => &fixture.config.readonly_key,
            _ => &fixture.config.client_key,
        };
        let (path, body) = live(&fixture.panel, &exchange);
        let method = exchange["method"].as_str().unwrap();
        let answer = fixture.send(key, method, &path, body.as_ref()).await;
        let Some(status) = exchange["status"].as_u64() else {
            continue;
        };
        compared += 1;
        assert_eq!(u64::from(answer.status.as_u16()), status, "{label}: {}", answer.text);
        for (name, value) in exchange["response_headers"].as_object().unwrap() {
            assert_eq!(answer.header(name), value.as_str().unwrap(), "{label}: {name}");
        }
        if exchange["response"] == "" {
            assert_eq!(answer.text, "", "{label}");
        } else {
            assert_eq!(masked(&answer.json()), masked(&exchange["response"]), "{label}");
        }
    }
    assert_eq!(compared, 47);
}

/// Path and body with the identifier and allocation of the live server in place of the recorded ones.
fn live(panel: &Panel, exchange: &Value) -> (String, Option<Value>) {
    let mut path = exchange["path"].as_str().unwrap().to_owned();
    let mut body = Some(exchange["request"].clone()).filter(|body| !body.is_null());
    if let Some(server) = panel.servers().last() {
        path = path.replace("23a75075", server.identifier());
        if let Some(allocation) = body.as_mut().and_then(|body| body.get_mut("allocation")) {
            *allocation = json!(server.allocation);
        }
    }
    (path, body)
}

/// Hides what differs between two runs: uuids, times, tokens, and the allocation, which is drawn at random.
fn masked(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(masked).collect(),
        Value::Object(members) => {
            let taken = members.get("assigned") == Some(&json!(true)) || members.contains_key("is_default");
            let mask = |(name, value): (&String, &Value)| {
                let hidden = match name.as_str() {
                    "uuid" | "P_SERVER_UUID" | "created_at" | "updated_at" | "token" | "identifier" => {
                        value.is_string()
                    }
                    "allocation" => value.is_number(),
                    "id" | "port" => taken,
                    _ => false,
                };
                let value = match (hidden, name.as_str(), value.as_str()) {
                    (true, ..) => json!("(masked)"),
                    (false, "socket", Some(socket)) => json!(socket.split("/api/servers/").next()),
                    _ => masked(value),
                };
                (name.clone(), value)
            };
            Value::Object(members.iter().map(mask).collect())
        }
        other => other.clone(),
    }
}
