//! The installation's record on a scripted API server.

use axum::http::Method;
use serde_json::{Value, json};

use super::*;
use crate::kube::scripted::{Objects, Scripted, Trouble};

const PATH: &str = "/api/v1/namespaces/hostwright-system/configmaps/hostwright-installation";
const CLUSTER_PATH: &str = "/api/v1/namespaces/kube-system";

fn cluster(uid: &str) -> Scripted {
    let server = Scripted::default();
    server.put(CLUSTER_PATH, json!({"metadata": {"name": "kube-system", "uid": uid}}));
    server
}

async fn open(server: &Scripted, id: &str) -> Result<Installation, InstallationError> {
    Installation::open(&server.client(), "hostwright-system", id).await
}

async fn refusal(server: &Scripted, id: &str) -> String {
    open(server, id).await.err().unwrap().to_string()
}

fn data(server: &Scripted) -> Value {
    server.get(PATH).unwrap()["data"].clone()
}

fn add_meanwhile(instance: &'static str) -> Trouble {
    Trouble::Before(Box::new(move |objects: &mut Objects| {
        let mut record = objects.by_path[PATH].clone();
        record["data"]["instances"] = json!(json!({instance: "theirs"}).to_string());
        objects.store(PATH, record);
    }))
}

#[tokio::test(start_paused = true)]
async fn the_record_is_made_once_and_opens_again() {
    let server = cluster("c1");
    assert_eq!(open(&server, "prod-eu").await.unwrap().id(), "prod-eu");
    assert_eq!(data(&server), json!({"installationId": "prod-eu", "clusterUid": "c1", "instances": "{}"}));
    assert!(open(&server, "prod-eu").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn another_id_refuses_to_start_and_says_which_to_set() {
    let server = cluster("c1");
    open(&server, "prod-eu").await.unwrap();
    let text = refusal(&server, "prod-us").await;
    for part in ["\"prod-eu\"", "\"prod-us\"", "hostwright-system/hostwright-installation", "kubectl"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(data(&server)["installationId"], "prod-eu");
}

#[tokio::test(start_paused = true)]
async fn a_record_copied_from_another_cluster_refuses_to_start() {
    let server = cluster("c1");
    open(&server, "prod-eu").await.unwrap();
    server.put(CLUSTER_PATH, json!({"metadata": {"name": "kube-system", "uid": "c2"}}));
    let text = refusal(&server, "prod-eu").await;
    for part in ["c1", "c2", "copied or restored", "delete configmap"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_id_that_cannot_be_a_label_is_refused_before_anything_is_read() {
    let server = Scripted::default();
    for id in ["", "Prod", "prod.eu", "-prod", "prod-", "prod_eu", &"a".repeat(41)] {
        assert!(refusal(&server, id).await.contains("expected 1 to 40"), "{id}");
    }
    assert!(server.requests(&Method::GET).is_empty());
    for id in ["a", "prod-eu", "1", &"a".repeat(40)] {
        assert!(open(&cluster("c1"), id).await.is_ok(), "{id}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_namespace_is_named_with_the_command_that_makes_it() {
    let server = cluster("c1");
    server.trouble(&Method::POST, [Trouble::Refuse(404)]);
    assert!(refusal(&server, "prod-eu").await.contains("kubectl create namespace hostwright-system"));
}

#[tokio::test(start_paused = true)]
async fn a_record_that_another_replica_made_first_is_checked_like_any_other() {
    let server = cluster("c1");
    let theirs = json!({"installationId": "staging", "clusterUid": "c1", "instances": "{}"});
    server.trouble(
        &Method::POST,
        [Trouble::Before(Box::new(move |objects: &mut Objects| {
            objects.store(PATH, json!({"metadata": {"name": NAME}, "data": theirs}));
        }))],
    );
    assert!(refusal(&server, "prod-eu").await.contains("\"staging\""));
}

#[tokio::test(start_paused = true)]
async fn a_damaged_record_is_not_taken_for_an_empty_one() {
    let server = cluster("c1");
    open(&server, "prod-eu").await.unwrap();
    let mut record = server.get(PATH).unwrap();
    record["data"]["instances"] = json!("panel-eu");
    server.put(PATH, record);
    assert!(refusal(&server, "prod-eu").await.contains("data.instances"));
}

#[tokio::test(start_paused = true)]
async fn an_added_instance_is_known_now_and_after_a_restart() {
    let server = cluster("c1");
    let installation = open(&server, "prod-eu").await.unwrap();
    assert!(!installation.knows("panel-eu"));
    installation.clone().add("panel-eu", "panel-1").await.unwrap();
    for installation in [installation, open(&server, "prod-eu").await.unwrap()] {
        assert!(installation.knows("panel-eu"));
        assert_eq!(installation.identity_of("panel-eu").as_deref(), Some("panel-1"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_is_known_already_costs_no_write() {
    let server = cluster("c1");
    let installation = open(&server, "prod-eu").await.unwrap();
    installation.add("panel-eu", "panel-1").await.unwrap();
    installation.add("panel-eu", "panel-1").await.unwrap();
    assert_eq!(server.requests(&Method::PATCH).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn instances_added_by_others_meanwhile_are_kept() {
    let server = cluster("c1");
    let installation = open(&server, "prod-eu").await.unwrap();
    server.trouble(&Method::PATCH, [add_meanwhile("panel-us"), Trouble::Refuse(503)]);
    installation.add("panel-eu", "ours").await.unwrap();
    assert_eq!(data(&server)["instances"], json!({"panel-eu": "ours", "panel-us": "theirs"}).to_string());
    assert!(installation.knows("panel-us"));
}

#[tokio::test(start_paused = true)]
async fn a_record_that_vanished_is_not_made_anew_behind_the_operators_back() {
    let server = cluster("c1");
    let installation = open(&server, "prod-eu").await.unwrap();
    server.delete(PATH);
    let error = installation.add("panel-eu", "panel-1").await.unwrap_err().to_string();
    assert!(error.contains("was removed"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_write_that_keeps_failing_is_told() {
    let server = cluster("c1");
    let installation = open(&server, "prod-eu").await.unwrap();
    server.trouble(&Method::PATCH, (0..20).map(|_| Trouble::Refuse(503)));
    let error = installation.add("panel-eu", "panel-1").await.unwrap_err().to_string();
    assert!(
        error.contains("write ConfigMap hostwright-system/hostwright-installation") && error.contains("503"),
        "{error}"
    );
    assert!(!installation.knows("panel-eu"));
}
