//! A folder and an API, without a controller; the clock steps by itself.

use std::fs;
use std::sync::{Arc, Mutex};

use hostwright_apiserver::{Config, Server};
use hostwright_crds::{HostingService, Package};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;
use tokio::task::JoinHandle;
use tracing_subscriber::fmt::MakeWriter;

use super::super::foundation;
use super::*;

mod pruning;

const PACKAGE: &str = "\
apiVersion: hostwright.dev/v1alpha1
kind: Package
metadata:
  name: small
spec:
  providerInstanceRef: {name: panel-eu}
  provisioning: {memory: 1024}
";

fn service(name: &str) -> String {
    format!(
        "\
apiVersion: hostwright.dev/v1alpha1
kind: HostingService
metadata:
  name: {name}
spec:
  packageRef: {{name: small}}
  owner: {{id: cust-1, email: alice@example.com, name: Alice}}
  desiredStatus: Active
"
    )
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

struct World {
    client: Client,
    directory: tempfile::TempDir,
    log: Log,
    running: Option<JoinHandle<Infallible>>,
    _logging: tracing::subscriber::DefaultGuard,
}

impl World {
    async fn new() -> Self {
        let client = Client::new(Server::new(Config::default()).router(), "default");
        foundation::lay(&client).await.unwrap();
        let log = Log::default();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_target(false).with_writer(log.clone()).finish();
        let logging = tracing::subscriber::set_default(subscriber);
        Self { client, directory: tempfile::tempdir().unwrap(), log, running: None, _logging: logging }
    }

    async fn with(files: &[(&str, &str)]) -> Self {
        let world = Self::new().await;
        for (file, text) in files {
            world.write(file, text);
        }
        world
    }

    /// Keeps the folder applied from here on.
    fn start(&mut self, prune_after: Option<Duration>) {
        let folder = Folder::new(self.directory.path(), &self.client, prune_after, Voice::Log).unwrap();
        if let Some(before) = self.running.replace(tokio::spawn(folder.keep_applied())) {
            before.abort();
        }
    }

    async fn started(files: &[(&str, &str)]) -> Self {
        let mut world = Self::with(files).await;
        world.start(None);
        world.passes(2).await;
        world
    }

    async fn pruning(files: &[(&str, &str)]) -> Self {
        let mut world = Self::with(files).await;
        world.start(Some(Duration::from_mins(1)));
        world.passes(2).await;
        world
    }

    /// Lets time pass. Looks at the folder are made in it, as often as they would be.
    async fn passes(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.directory.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn remove(&self, file: &str) {
        fs::remove_file(self.directory.path().join(file)).unwrap();
    }

    fn services(&self) -> Api<HostingService> {
        Api::namespaced(self.client.clone(), "customers")
    }

    fn packages(&self) -> Api<Package> {
        Api::all(self.client.clone())
    }

    async fn names(&self) -> Vec<String> {
        self.services().list(&ListParams::default()).await.unwrap().iter().map(ResourceExt::name_any).collect()
    }

    /// The whole log so far.
    fn said(&self) -> String {
        String::from_utf8(self.log.0.lock().unwrap().clone()).unwrap()
    }

    /// How often a text was said.
    fn times(&self, text: &str) -> usize {
        self.said().matches(text).count()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.abort();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_files_say_is_applied_whatever_the_order_and_the_folder() {
    let world = World::started(&[
        ("0/services.yaml", &service("alice")),
        ("9-namespace.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n"),
        (
            "1.json",
            r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"team"},"data":{"a":"b"}}"#,
        ),
        ("package.yml", PACKAGE),
    ])
    .await;
    assert_eq!(world.names().await, ["alice"]);
    world.packages().get("small").await.unwrap();
    Api::<ConfigMap>::namespaced(world.client.clone(), "team").get("a").await.unwrap();
    let said = world.said();
    assert!(said.contains("services.yaml:1: HostingService customers/alice: created"), "{said}");
    assert!(said.contains("4 files, 4 objects applied"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn an_edit_is_applied_and_a_field_that_is_left_out_goes() {
    let world = World::started(&[("a.yaml", &service("alice"))]).await;
    let paused = service("alice") + "  paused: true\n";
    world.write("a.yaml", &paused);
    world.passes(2).await;
    assert!(world.services().get("alice").await.unwrap().spec.paused);
    world.write("a.yaml", &service("alice"));
    world.passes(2).await;
    assert!(!world.services().get("alice").await.unwrap().spec.paused);
    assert_eq!(world.times("alice: changed"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_problem_is_said_once_with_its_line_and_harms_no_other_object() {
    let broken = format!("{PACKAGE}  bogus: 1\n---\n{}---\nkind: [\n", service("alice").replace("Active", "Alive"));
    let mut world = World::started(&[("a.yaml", &broken), ("b.yaml", &service("bob"))]).await;
    world.passes(900).await;
    let said = world.said();
    for problem in [
        "a.yaml:8: Package small: spec.bogus: field not declared in schema",
        "a.yaml:17: HostingService customers/alice: spec.desiredStatus: Unsupported value: \"Alive\"",
        "a.yaml:19: unclosed bracket",
    ] {
        assert_eq!(world.times(problem), 1, "{problem}: {said}");
    }
    assert_eq!(world.names().await, ["bob"]);

    world.write("a.yaml", &format!("{PACKAGE}---\n{}", service("alice")));
    world.passes(2).await;
    assert_eq!(world.names().await, ["alice", "bob"]);
    assert!(world.said().contains("2 files, 3 objects applied"), "{}", world.said());
    // A new start says it again.
    world.write("a.yaml", &broken);
    world.passes(2).await;
    world.start(None);
    world.passes(2).await;
    assert_eq!(world.times("spec.bogus: field not declared"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_file_is_not_read_while_it_is_written() {
    let world = World::started(&[("b.yaml", &service("bob"))]).await;
    let text = service("alice");
    for end in (0..text.len()).step_by(20).chain([text.len()]) {
        world.write("a.yaml", &text[..end]);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(world.names().await, ["bob"]);
    world.passes(2).await;
    assert_eq!(world.names().await, ["alice", "bob"]);
    assert!(!world.said().contains("ERROR"), "{}", world.said());
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_set_becomes_what_the_file_says_and_the_rest_stays() {
    let world = World::started(&[("a.yaml", &service("alice"))]).await;
    let patch = json!({"spec": {"desiredStatus": "Suspended", "suspensions": {"abuse-desk": {"reason": "Spam"}}}});
    let params = PatchParams { field_manager: Some("kubectl-edit".into()), ..PatchParams::default() };
    world.services().patch("alice", &params, &Patch::Merge(patch)).await.unwrap();
    world.passes(600).await;
    let spec = serde_json::to_value(world.services().get("alice").await.unwrap().spec).unwrap();
    assert_eq!(
        (&spec["desiredStatus"], &spec["suspensions"]["abuse-desk"]["reason"]),
        (&json!("Active"), &json!("Spam"))
    );
    assert_eq!(
        world.times("somebody else had set spec.desiredStatus (conflict with \"kubectl-edit\""),
        1,
        "{}",
        world.said()
    );
}

#[tokio::test(start_paused = true)]
async fn an_object_that_was_deleted_by_hand_comes_back_once_it_is_gone() {
    let world = World::started(&[("a.yaml", &service("alice"))]).await;
    let hold = json!({"metadata": {"finalizers": ["example.com/hold"]}});
    world.services().patch("alice", &PatchParams::default(), &Patch::Merge(hold)).await.unwrap();
    world.services().delete("alice", &kube::api::DeleteParams::default()).await.unwrap();
    world.passes(700).await;
    assert_eq!(world.times("is being deleted; it is applied again once it is gone"), 1);
    let release = json!({"metadata": {"finalizers": null}});
    world.services().patch("alice", &PatchParams::default(), &Patch::Merge(release)).await.unwrap();
    assert_eq!(world.names().await, [""; 0]);
    world.passes(60).await;
    assert_eq!(world.names().await, ["alice"]);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_written_twice_is_applied_neither_way() {
    let world = World::started(&[("a.yaml", PACKAGE), ("b.yaml", &PACKAGE.replace("1024", "2048"))]).await;
    assert!(world.packages().get_opt("small").await.unwrap().is_none());
    let said = world.said();
    assert!(said.contains("a.yaml:1: Package small: is written at b.yaml:1 too"), "{said}");
    assert!(said.contains("b.yaml:1: Package small: is written at a.yaml:1 too"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_does_not_exist_is_named_with_those_that_do_until_it_does() {
    let thing = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\n";
    let typo = PACKAGE.replace("Package", "Pakage");
    let world = World::started(&[("a.yaml", thing), ("b.yaml", &typo)]).await;
    let said = world.said();
    assert!(said.contains("a.yaml:1: apiVersion example.com/v1: there is no such group"), "{said}");
    assert!(said.contains("b.yaml:2: kind Pakage: hostwright.dev/v1alpha1 has no such kind; it has "), "{said}");
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"plural": "things", "kind": "Thing"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                          "schema": {"openAPIV3Schema": {"type": "object"}}}],
        },
    });
    world.write("z.json", &definition.to_string());
    world.passes(2).await;
    assert!(world.said().contains("a.yaml:1: Thing customers/a: created"), "{}", world.said());
}
