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

#[tokio::test(start_paused = true)]
async fn an_installation_that_was_handed_over_acts_no_more_until_it_is_taken_back() {
    let server = hostwright_apiserver::Server::new(hostwright_apiserver::Config::default());
    let client = Client::new(server.router(), "default");
    namespace(&client, "hostwright-system").await;
    let open = || Installation::open(&client, "hostwright-system", "prod-eu");
    let installation = open().await.unwrap();
    let mut acting = installation.acting();
    let following = tokio::spawn(installation.clone().follow());
    let records: Api<ConfigMap> = Api::namespaced(client.clone(), "hostwright-system");
    let write = async |since: Value| {
        let patch = Patch::Merge(json!({"data": {HANDED_OVER: since}}));
        records.patch(NAME, &PatchParams::default(), &patch).await.unwrap();
    };
    assert!(*acting.borrow());
    write(json!("2026-01-01T00:00:00Z")).await;
    acting.wait_for(|acting| !*acting).await.unwrap();
    assert!(!*open().await.unwrap().acting().borrow(), "nor does one that starts now");
    write(Value::Null).await;
    acting.wait_for(|acting| *acting).await.unwrap();
    following.abort();
}

async fn namespace(client: &Client, name: &str) {
    let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
    let namespace = Namespace { metadata, ..Namespace::default() };
    Api::all(client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn record_and_lease_are_held_while_anything_needs_a_controller_and_outlast_their_namespace() {
    use hostwright_crds::{FINALIZER, IN_USE, ProviderInstance};
    use k8s_openapi::api::coordination::v1::Lease;
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    use kube::api::DeleteParams;

    let server = hostwright_apiserver::Server::new(hostwright_apiserver::Config::default());
    let client = Client::new(server.router(), "default");
    namespace(&client, "hostwright-system").await;
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    for definition in hostwright_crds::manifests::all() {
        definitions.create(&PostParams::default(), &definition).await.unwrap();
    }
    let metadata = |name: &str| ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
    let leases: Api<Lease> = Api::namespaced(client.clone(), "hostwright-system");
    let lease = Lease { metadata: metadata(crate::kube::lease::NAME), ..Lease::default() };
    leases.create(&PostParams::default(), &lease).await.unwrap();
    let instances: Api<ProviderInstance> = Api::all(client.clone());
    let instance = json!({
        "apiVersion": "hostwright.dev/v1alpha1", "kind": "ProviderInstance",
        "metadata": {"name": "panel-eu", "finalizers": [FINALIZER]}, "spec": {"pluginRef": {"name": "p"}},
    });
    instances.create(&PostParams::default(), &serde_json::from_value(instance).unwrap()).await.unwrap();

    let installation = Installation::open(&client, "hostwright-system", "prod-eu").await.unwrap();
    installation.hold().await.unwrap();
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces.delete("hostwright-system", &DeleteParams::default()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    installation.let_go_if_unneeded().await.unwrap();
    assert_eq!(leases.get(crate::kube::lease::NAME).await.unwrap().metadata.finalizers, Some(vec![IN_USE.to_owned()]));
    assert!(Installation::open(&client, "hostwright-system", "prod-eu").await.is_ok(), "another process goes on");

    let let_go = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    instances.patch("panel-eu", &PatchParams::default(), &let_go).await.unwrap();
    installation.let_go_if_unneeded().await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(namespaces.get_opt("hostwright-system").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_process_that_finds_only_the_lease_left_lets_it_go_and_says_what_comes_next() {
    use hostwright_crds::IN_USE;
    use k8s_openapi::api::coordination::v1::Lease;
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    use kube::api::DeleteParams;

    let server = hostwright_apiserver::Server::new(hostwright_apiserver::Config::default());
    let client = Client::new(server.router(), "default");
    namespace(&client, "hostwright-system").await;
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    for definition in hostwright_crds::manifests::all() {
        definitions.create(&PostParams::default(), &definition).await.unwrap();
    }
    let leases: Api<Lease> = Api::namespaced(client.clone(), "hostwright-system");
    let metadata = ObjectMeta {
        name: Some(crate::kube::lease::NAME.to_owned()),
        finalizers: Some(vec![IN_USE.to_owned()]),
        ..ObjectMeta::default()
    };
    leases.create(&PostParams::default(), &Lease { metadata, ..Lease::default() }).await.unwrap();
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces.delete("hostwright-system", &DeleteParams::default()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let error = Installation::open(&client, "hostwright-system", "prod-eu").await.err().unwrap();
    assert!(error.to_string().contains("is being deleted"), "{error}");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(namespaces.get_opt("hostwright-system").await.unwrap().is_none());
}
