//! `hostwright import` and `hostwright orphans`: what is there becomes services, and what nobody knows is removed one by one.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

mod counting;
mod running_demo;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Output;

use counting::CountedApi;
use running_demo::{HOSTWRIGHT, RunningDemo, has_kubectl, written};
use serde_json::{Value, json};

/// A demo with a provider that has two remotes which nobody marked, and a proxy before the API.
struct Place {
    demo: RunningDemo,
    api: CountedApi,
}

impl Place {
    fn new() -> Self {
        let demo = RunningDemo::settled();
        let api = CountedApi::of(&demo);
        let place = Self { demo, api };
        let instance = json!({"apiVersion": "hostwright.dev/v1alpha1", "kind": "ProviderInstance", "metadata": {"name": "old"},
            "spec": {"pluginRef": {"name": "simulated"}, "adoption": "Allow",
                "config": {"strangers": 2, "directory": place.directory()}}});
        let package = json!({"apiVersion": "hostwright.dev/v1alpha1", "kind": "Package", "metadata": {"name": "old-plan"},
            "spec": {"providerInstanceRef": {"name": "old"}, "provisioning": {"memory": 1024, "disk": 10}, "namespaceSelector": {}}});
        place.apply(&[instance, package]);
        place.kubectl(&["wait", "hinst/old", "--for=condition=Ready", "--timeout=60s"]);
        place
    }

    fn directory(&self) -> PathBuf {
        self.demo.folder().join("remotes")
    }

    /// Everything that the provider keeps.
    fn kept(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let files = fs::read_dir(self.directory()).unwrap().map(|entry| entry.unwrap().path());
        files.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    }

    fn apply(&self, objects: &[Value]) {
        for object in objects {
            let file = self.demo.folder().join("object.json");
            fs::write(&file, object.to_string()).unwrap();
            self.kubectl(&["apply", "-f", file.to_str().unwrap()]);
        }
    }

    #[track_caller]
    fn kubectl(&self, arguments: &[&str]) -> String {
        let done = self.demo.command("kubectl").args(["-n", "customers"]).args(arguments).output().unwrap();
        assert!(done.status.success(), "{}", written(&done));
        String::from_utf8(done.stdout).unwrap()
    }

    fn hostwright(&self, arguments: &[&str]) -> Output {
        let mut command = self.demo.command(HOSTWRIGHT);
        command.env("KUBECONFIG", &self.api.kubeconfig).args(arguments).output().unwrap()
    }

    #[track_caller]
    fn told(&self, code: i32, arguments: &[&str]) -> String {
        let done = self.hostwright(arguments);
        assert_eq!(done.status.code(), Some(code), "{}", written(&done));
        written(&done)
    }
}

#[test]
fn what_is_there_becomes_services_and_what_nobody_knows_is_removed_when_it_is_named() {
    if !has_kubectl() {
        return;
    }
    let place = Place::new();
    let before = place.kept();
    let listed = place.told(0, &["import", "old"]);
    assert!(listed.contains("stranger-1   unmarked") && listed.contains("old has 2 unmarked."), "{listed}");
    let manifests = place.hostwright(&["import", "old", "--manifests", "--only", "stranger-1"]).stdout;
    let manifests = String::from_utf8(manifests).unwrap();
    assert!(place.told(1, &["import", "old", "--only", "stranger-9"]).contains("old: there is no remote stranger-9"));
    place.told(0, &["orphans", "old"]);
    assert!(place.api.requests.count("GET") > 3, "the proxy is in between");
    assert_eq!((place.api.requests.mutating(), place.kept()), (0, before), "nothing was changed on either side");

    // As it is it is refused; filled in it takes over what is there, and makes nothing.
    let file = place.demo.folder().join("services.yaml");
    fs::write(&file, &manifests).unwrap();
    let refused = place.demo.command("kubectl").args(["apply", "-f"]).arg(&file).output().unwrap();
    assert!(!refused.status.success() && written(&refused).contains("spec.owner.id"), "{}", written(&refused));
    let filled = manifests.replace("id: \"\"", "id: cust-9").replace("email: \"\"", "email: nina@example.com");
    fs::write(&file, filled.replace("name: \"\"", "name: Nina")).unwrap();
    place.kubectl(&["apply", "-f", file.to_str().unwrap()]);
    place.kubectl(&["wait", "hsvc/old-stranger-1", "--for=condition=Ready", "--timeout=60s"]);
    assert_eq!(place.kubectl(&["get", "hsvc", "old-stranger-1", "-o", "jsonpath={.status.remote.id}"]), "stranger-1");
    let listed = place.told(0, &["import", "old"]);
    assert!(listed.contains("old has 1 ours, 1 unmarked."), "{listed}");

    // What a service knows, and what nobody marked, is not removed.
    for (id, why) in
        [("stranger-1", "HostingService customers/old-stranger-1 knows it"), ("stranger-2", "nobody has marked it")]
    {
        let refused = place.told(1, &["orphans", "old", "--remove", id, "--yes"]);
        assert!(refused.contains(why), "{refused}");
    }

    // It was written with Retain: the object goes, and its remote stays without one.
    place.kubectl(&["delete", "hsvc/old-stranger-1", "--timeout=60s"]);
    let before = place.kept();
    let listed = place.told(3, &["orphans", "old"]);
    assert!(listed.contains("old has 1 remote and 0 users with our mark that no object knows."), "{listed}");
    assert!(place.told(0, &["orphans", "old", "--remove", "stranger-1", "--dry-run"]).contains("would be ended"));
    assert!(place.told(2, &["orphans", "old", "--remove", "stranger-1"]).contains("add --yes"));
    let mode = |mode: &str| {
        place.kubectl(&["patch", "hinst/old", "--type=merge", "-p", &json!({"spec": {"mode": mode}}).to_string()]);
    };
    mode("ObserveOnly");
    let refused = place.told(1, &["orphans", "old", "--remove", "stranger-1", "--yes"]);
    assert!(refused.contains("ProviderInstance old has mode ObserveOnly; nothing was changed"), "{refused}");
    mode("Active");
    let handed_over = |value: Value| {
        let patch = json!({"data": {"handedOver": value}}).to_string();
        let arguments =
            ["-n", "hostwright-system", "patch", "configmap", "hostwright-installation", "--type=merge", "-p", &patch];
        let done = place.demo.command("kubectl").args(arguments).output().unwrap();
        assert!(done.status.success(), "{}", written(&done));
    };
    handed_over(json!("2026-01-01T00:00:00Z"));
    let refused = place.told(1, &["orphans", "old", "--remove", "stranger-1", "--yes"]);
    assert!(refused.contains("this installation was handed over at 2026-01-01T00:00:00Z"), "{refused}");
    handed_over(Value::Null);
    assert_eq!(place.kept(), before);
    assert!(place.told(0, &["orphans", "old", "--remove", "stranger-1", "--yes"]).contains(" was ended\n"));
    assert!(place.told(0, &["import", "old"]).contains("old has 1 unmarked."));
    place.told(0, &["orphans", "old"]);
}
