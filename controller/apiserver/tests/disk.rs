//! A disk that is full, and one that cannot be written.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails does so by a panic")]

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

mod process;

use kube::Client;
use process::Process;
use serde_json::{Value, json};
use tempfile::TempDir;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// Starts a server that the shell prepares something for: `$@` is its command line.
fn spawn(directory: &Path, preparation: &str) -> Child {
    let mut command = Command::new("sh");
    let server = Process::command(directory);
    command
        .args(["-c", &format!("{preparation}\nexec \"$@\""), "sh"])
        .arg(server.get_program())
        .args(server.get_args());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

async fn send(client: &Client, method: &str, path: &str, body: Value) -> Result<Value, String> {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let request = http::Request::builder().method(method).uri(path).header("content-type", "application/json");
    client.request(request.body(body).unwrap()).await.map_err(|error| match error {
        kube::Error::Api(status) => format!("{} {} {}", status.code, status.reason, status.message),
        error => panic!("{error}"),
    })
}

async fn create(client: &Client, name: &str) -> Result<Value, String> {
    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name }, "data": { "filler": "x".repeat(20_000) },
    });
    send(client, "POST", MAPS, map).await
}

async fn names(client: &Client) -> Vec<String> {
    let list = send(client, "GET", MAPS, Value::Null).await.unwrap();
    list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

/// Asks again until the answer is the wanted one.
async fn until<T, F: Future<Output = Option<T>>>(mut ask: impl FnMut() -> F) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), asking).await.expect("it does not come to that")
}

#[tokio::test]
async fn a_full_disk_is_told_to_clients_and_loses_nothing() {
    let directory = TempDir::new().unwrap();
    // A file may have 600 blocks of 512 bytes: what SQLite then gets from the system is what a full disk says, too.
    let child = spawn(directory.path(), "trap '' XFSZ; ulimit -S -f 600");
    let id = child.id();
    let server = Process::listening(child);
    let client = server.client();
    let mut acknowledged = Vec::new();
    let refusal = loop {
        let name = format!("map-{:03}", acknowledged.len());
        match create(&client, &name).await {
            Ok(_) => acknowledged.push(name),
            Err(refusal) => break refusal,
        }
    };
    assert!(!acknowledged.is_empty() && acknowledged.len() < 30, "{acknowledged:?}");
    assert!(refusal.starts_with("500 InternalError"), "{refusal}");
    assert!(refusal.contains(directory.path().to_str().unwrap()) && refusal.contains("full"), "{refusal}");
    assert_eq!(names(&client).await, acknowledged, "reads go on");
    let ready = http::Request::builder().uri("/readyz").body(Vec::new()).unwrap();
    assert!(client.request_text(ready).await.is_err());

    // When there is room, writing goes on by itself.
    let more = Command::new("prlimit").args(["--pid", &id.to_string(), "--fsize=unlimited:"]).status();
    assert!(more.expect("prlimit of util-linux is needed").success());
    until(async || create(&client, "afterwards").await.ok()).await;
    acknowledged.insert(0, "afterwards".to_owned());
    assert_eq!(names(&client).await, acknowledged);
    server.kill();
    let server = Process::listening(spawn(directory.path(), ""));
    assert_eq!(names(&server.client()).await, acknowledged);
}

/// A server started where the directory is mounted read-only, in a namespace of its own. It ends by itself.
fn start_read_only(directory: &Path) -> Output {
    let place = directory.display();
    let preparation = format!("mount --bind '{place}' '{place}' && mount -o remount,ro,bind '{place}' || exit 77");
    let server = Process::command(directory);
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "sh", "-c", &format!("{preparation}\nexec \"$@\""), "sh"]);
    command.arg(server.get_program()).args(server.get_args()).output().expect("unshare of util-linux is needed")
}

#[tokio::test]
async fn a_read_only_disk_is_named_at_the_start_and_left_as_it_is() {
    let directory = TempDir::new().unwrap();
    let server = Process::listening(spawn(directory.path(), ""));
    create(&server.client(), "a").await.unwrap();
    server.kill();
    let files = || {
        let files = directory.path().read_dir().unwrap().map(|file| file.unwrap().path());
        files.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect::<std::collections::BTreeMap<_, _>>()
    };
    let before = files();
    let output = start_read_only(directory.path());
    if output.status.code() == Some(77) {
        let required = std::env::var("HOSTWRIGHT_REQUIRE").unwrap_or_default();
        assert!(
            !required.split(',').any(|name| name == "mount"),
            "HOSTWRIGHT_REQUIRE names mount, which is not allowed"
        );
        eprintln!("skipped: mounting is not allowed here");
        return;
    }
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(message.contains(directory.path().to_str().unwrap()), "{message}");
    assert!(message.contains("on a disk that is writable"), "{message}");
    assert_eq!(files(), before);
    let server = Process::listening(spawn(directory.path(), ""));
    assert_eq!(names(&server.client()).await, ["a"]);
}
