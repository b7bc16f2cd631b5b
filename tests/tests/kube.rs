//! The real control plane itself: it starts, it lets in whom it should, and it leaves nothing behind.

use std::path::Path;
use std::process::{Command, Stdio};

use hostwright_tests::kube::{ControlPlane, ServiceAccount};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{Api, DeleteParams, ListParams, PostParams};

/// Set in the process that a test starts to be killed.
const VICTIM: &str = "HOSTWRIGHT_TEST_VICTIM";

#[tokio::test]
async fn an_administrator_may_do_what_a_service_account_without_rights_may_not() {
    let Some(plane) = ControlPlane::start() else { return };
    let namespaces: Api<Namespace> = Api::all(plane.admin().client().await);
    assert!(namespaces.get("kube-system").await.is_ok());
    let account = ServiceAccount { namespace: "default", name: "nobody" };
    let namespaces: Api<Namespace> = Api::all(plane.admin().of_service_account(account).client().await);
    let error = namespaces.list(&ListParams::default()).await.unwrap_err();
    assert!(error.to_string().contains("system:serviceaccount:default:nobody"), "{error}");
    let refused =
        plane.audit().into_iter().find(|entry| entry["user"]["username"] == "system:serviceaccount:default:nobody");
    assert_eq!(refused.unwrap()["annotations"]["authorization.k8s.io/decision"], "forbid");
}

#[tokio::test]
async fn a_namespace_that_is_deleted_goes_with_its_contents() {
    let Some(plane) = ControlPlane::start() else { return };
    let client = plane.admin().client().await;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let named = |name: &str| serde_json::from_value(serde_json::json!({"metadata": {"name": name}})).unwrap();
    namespaces.create(&PostParams::default(), &named("ending")).await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(client, "ending");
    let map = serde_json::from_value(serde_json::json!({"metadata": {"name": "inside"}})).unwrap();
    maps.create(&PostParams::default(), &map).await.unwrap();
    namespaces.delete("ending", &DeleteParams::default()).await.unwrap();
    let gone =
        kube::runtime::wait::await_condition(namespaces, "ending", |namespace: Option<&Namespace>| namespace.is_none());
    gone.await.unwrap();
}

#[test]
fn a_killed_test_leaves_no_process_behind() {
    if std::env::var_os(VICTIM).is_some() {
        let Some(plane) = ControlPlane::start() else { return };
        println!("processes {}", plane.process_ids().iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
        loop {
            std::thread::park();
        }
    }
    if ControlPlane::start().is_none() {
        return;
    }
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_killed_test_leaves_no_process_behind", "--nocapture"])
        .env(VICTIM, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = std::io::BufReader::new(victim.stdout.take().unwrap());
    let told = std::io::BufRead::lines(output).map_while(Result::ok).find_map(|line| {
        line.split_once("processes ").map(|(_, ids)| ids.split(' ').map(ToOwned::to_owned).collect::<Vec<_>>())
    });
    victim.kill().unwrap();
    victim.wait().unwrap();
    for id in told.expect("the victim started no control plane") {
        // It may need a moment to notice; a process that stays makes this test run into its time limit.
        while Path::new("/proc").join(&id).join("exe").exists() {
            std::thread::yield_now();
        }
    }
}
