//! The server as kubectl uses it, over HTTPS with the kubeconfig it writes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

use std::path::Path;
use std::process::Stdio;

use hostwright_apiserver::{Config, Server};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::oneshot;

/// Whether kubectl is there; where `HOSTWRIGHT_REQUIRE` names it, it has to be.
async fn kubectl_is_missing() -> bool {
    let found = Command::new("kubectl")
        .args(["version", "--client"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await;
    if found.is_ok_and(|status| status.success()) {
        return false;
    }
    let required = std::env::var("HOSTWRIGHT_REQUIRE").unwrap_or_default();
    assert!(
        !required.split(',').any(|name| name.trim() == "kubectl"),
        "HOSTWRIGHT_REQUIRE names kubectl, which is not on the PATH"
    );
    eprintln!("skipped: kubectl is not on the PATH");
    true
}

async fn kubectl(folder: &Path, arguments: &str) -> Result<String, String> {
    let output = Command::new("kubectl")
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .env("KUBECONFIG", folder.join("kubeconfig"))
        .env("HOME", folder)
        .output()
        .await
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

const OBJECT: &str = "
apiVersion: training.example.dev/v1alpha1
kind: Pipeline
metadata: {name: one}
spec: {plugin: demo}
";

/// An event as controllers write it; UID stands for that of the object.
const EVENT: &str = "
apiVersion: events.k8s.io/v1
kind: Event
metadata: {name: one.1}
regarding: {apiVersion: training.example.dev/v1alpha1, kind: Pipeline, name: one, namespace: default, uid: UID}
reason: Made
note: everything is made
type: Normal
action: Make
reportingController: example.dev/maker
reportingInstance: maker-0
eventTime: 2026-01-01T00:00:00.000000Z
";

#[tokio::test]
async fn kubectl_works_with_the_kubeconfig_of_the_server() {
    if kubectl_is_missing().await {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let server = Server::new(Config { token: Some("secret".into()), ..Config::default() });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    std::fs::write(folder.join("kubeconfig"), server.kubeconfig(address).unwrap()).unwrap();
    std::fs::write(folder.join("crd.json"), include_str!("fixtures/pipelines.json")).unwrap();
    std::fs::write(folder.join("object.yaml"), OBJECT).unwrap();
    std::fs::write(folder.join("typo.yaml"), OBJECT.replace("plugin: demo", "plugim: demo")).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn({
        let server = server.clone();
        async move { server.serve(listener, async { stopped.await.unwrap_or(()) }).await }
    });

    for (arguments, expected) in [
        ("apply -f crd.json", "created"),
        ("apply -f crd.json", "unchanged"),
        ("wait --for=condition=Established crd/pipelines.training.example.dev --timeout=30s", "condition met"),
        ("apply -f object.yaml", "pipeline.training.example.dev/one created"),
        ("api-resources", "pipelines"),
        ("api-versions", "training.example.dev/v1alpha1"),
        ("get pl", "demo"),
        ("get pl -o wide", "DESIRED"),
        ("get example -o name", "pipeline.training.example.dev/one"),
        ("get pl one -o yaml", "replicas: 1"),
        ("explain pl.spec.replicas", "integer"),
        ("explain secret.data", "base64"),
        ("patch pl one --type=merge -p {\"spec\":{\"replicas\":2}}", "patched"),
        ("patch pl one --subresource=status --type=merge -p {\"status\":{\"replicas\":2}}", "patched"),
        ("wait --for=jsonpath={.status.replicas}=2 pl/one --timeout=30s", "condition met"),
        ("scale pl one --replicas=3", "scaled"),
        ("annotate pl one note=x", "annotated"),
        ("label pl one tier=x", "labeled"),
        ("get pl -l tier=x -o name", "one"),
        ("apply --server-side --force-conflicts -f object.yaml", "serverside-applied"),
        ("diff -f object.yaml", ""),
        ("create namespace team", "created"),
        ("create secret generic s --from-literal=a=b -n team", "created"),
        ("create configmap c --from-literal=a=b -n team", "created"),
        ("get secret,configmap -n team", "Opaque"),
        ("auth can-i delete secrets", "yes"),
        ("delete namespace team --timeout=30s", "deleted"),
        ("delete pl one --timeout=30s", "deleted"),
        ("delete crd pipelines.training.example.dev --timeout=30s", "deleted"),
    ] {
        let output = kubectl(folder, arguments).await.unwrap_or_else(|error| panic!("kubectl {arguments}: {error}"));
        assert!(output.contains(expected), "kubectl {arguments}: {output}");
    }
    kubectl(folder, "apply -f crd.json").await.unwrap();
    kubectl(folder, "apply -f object.yaml").await.unwrap();
    let uid = kubectl(folder, "get pl one -o jsonpath={.metadata.uid}").await.unwrap();
    std::fs::write(folder.join("event.yaml"), EVENT.replace("UID", &uid)).unwrap();
    kubectl(folder, "apply -f event.yaml").await.unwrap();
    for arguments in ["describe pl one", "events --for pipeline/one", "get events"] {
        let output = kubectl(folder, arguments).await.unwrap();
        assert!(output.contains("everything is made") && output.contains("Made"), "kubectl {arguments}: {output}");
    }
    let refused = kubectl(folder, "apply -f typo.yaml").await.unwrap_err();
    assert!(refused.contains("unknown field \"spec.plugim\""), "{refused}");
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
}
