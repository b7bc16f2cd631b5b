//! `hostwright plan`: it asks the provider, says what would be done, and changes nothing.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

mod counting;
mod running_demo;

use std::fs;
use std::process::Output;

use counting::{CountedApi, Counting};
use running_demo::{HOSTWRIGHT, RunningDemo, has_kubectl, written};
use serde_json::{Value, json};

/// A demo whose API and panel are counted.
struct Place {
    demo: RunningDemo,
    api: CountedApi,
    /// In front of the panel.
    panel: Counting,
}

impl Place {
    fn new() -> Self {
        let demo = RunningDemo::settled();
        let api = CountedApi::of(&demo);
        let instance = demo.command("kubectl").args(["get", "hinst", "panel-eu", "-o", "json"]).output().unwrap();
        let instance: Value = serde_json::from_slice(&instance.stdout).unwrap();
        let panel =
            Counting::before(instance["spec"]["config"]["panel_url"].as_str().unwrap().trim_start_matches("http://"));
        Self { demo, api, panel }
    }

    /// The instance behind the counting proxy, and these objects.
    fn plan(&self, objects: &[Value], arguments: &[&str]) -> Output {
        let instance = json!({"apiVersion": "hostwright.dev/v1alpha1", "kind": "ProviderInstance",
            "metadata": {"name": "panel-eu"}, "spec": {"pluginRef": {"name": "pterodactyl"},
                "config": {"panel_url": format!("http://{}", self.panel.address)}}});
        let has_one = objects.iter().any(|object| object["kind"] == "ProviderInstance");
        let items = if has_one { objects.to_vec() } else { [&[instance], objects].concat() };
        let all = json!({"apiVersion": "v1", "kind": "List", "items": items});
        fs::write(self.demo.folder().join("plan.json"), all.to_string()).unwrap();
        let mut command = self.demo.command(HOSTWRIGHT);
        command.env("KUBECONFIG", &self.api.kubeconfig).current_dir(self.demo.folder());
        command.args(["plan", "-f", "plan.json"]).args(arguments).output().unwrap()
    }

    #[track_caller]
    fn told(&self, code: i32, objects: &[Value]) -> String {
        let done = self.plan(objects, &[]);
        assert_eq!(done.status.code(), Some(code), "{}", written(&done));
        written(&done)
    }
}

fn service(name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "hostwright.dev/v1alpha1", "kind": "HostingService",
        "metadata": {"name": name, "namespace": "customers"}, "spec": spec})
}

fn package(name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "hostwright.dev/v1alpha1", "kind": "Package", "metadata": {"name": name}, "spec": spec})
}

fn new() -> Value {
    let spec = json!({"packageRef": {"name": "minecraft-4g"}, "desiredStatus": "Active",
        "owner": {"id": "cust-9", "email": "zoe@example.com", "name": "Zoe"}, "checkout": {"server_name": "Zoe's"}});
    service("zoe", &spec)
}

#[test]
fn a_plan_says_what_would_be_done_asks_both_sides_and_changes_neither() {
    if !has_kubectl() {
        return;
    }
    let place = Place::new();
    let unchanged = place.told(0, &[service("alice-survival", &json!({"desiredStatus": "Active"}))]);
    assert_eq!(unchanged, "Plan: 1 to leave as they are. Nothing was changed.\n");

    let created = place.told(3, &[new()]);
    assert!(
        created.starts_with("HostingService customers/zoe\n  + create\n      on panel-eu, as Package minecraft-4g\n"),
        "{created}"
    );
    assert!(created.contains("\n      memory: 4096\n"), "{created}");

    // The edit of a package concerns a service that no file names.
    let larger = json!({"provisioning": {"memory": 6144}});
    let scaled = place.told(3, &[package("minecraft-4g", &larger)]);
    assert!(
        scaled.contains("HostingService customers/alice-survival\n  ~ scale\n      memory: 4096 → 6144\n"),
        "{scaled}"
    );

    let pinned = json!({"provisioning": {"memory": 6144}, "rollout": {"strategy": "Pinned"}});
    let pinned = place.plan(&[package("minecraft-4g", &pinned)], &["-o", "json"]);
    let outlooks: Vec<Value> = serde_json::from_slice(&pinned.stdout).unwrap();
    assert!(outlooks.iter().all(|outlook| outlook["effects"] == json!([])), "{outlooks:?}");

    let suspended =
        place.told(4, &[service("alice-survival", &json!({"suspensions": {"abuse-desk": {"reason": "Spam"}}}))]);
    assert!(suspended.contains("  ! suspend: the customer cannot use it\n      held by abuse-desk\n"), "{suspended}");

    let ended = place.told(4, &[new(), service("alice-survival", &json!({"desiredStatus": "Terminated"}))]);
    assert!(
        ended.contains("  - end: everything on it is lost\n") && ended.contains("Plan: 1 to create, 1 to destroy."),
        "{ended}"
    );

    let protected = json!({"desiredStatus": "Terminated", "terminationProtection": true});
    let protected = place.told(1, &[service("alice-survival", &protected)]);
    assert!(protected.contains("  x TerminationProtected: "), "{protected}");

    assert!(place.api.requests.count("GET") > 10 && place.panel.count("GET") > 10);
    assert_eq!((place.api.requests.mutating(), place.panel.mutating()), (0, 0));
}

#[test]
fn what_the_api_would_refuse_and_what_cannot_be_asked_is_said_with_the_exit_code_of_a_failure() {
    if !has_kubectl() {
        return;
    }
    let place = Place::new();
    let refused =
        place.told(1, &[service("alice-survival", &json!({"owner": {"id": "cust-2"}, "desiredStatus": "Gone"}))]);
    assert!(refused.contains("plan.json:1:") && refused.contains("spec.desiredStatus"), "{refused}");
    let refused = place.told(1, &[service("alice-survival", &json!({"owner": {"id": "cust-2"}}))]);
    assert!(refused.contains("owner.id cannot be changed: end this service and order a new one"), "{refused}");

    let elsewhere = json!({"apiVersion": "hostwright.dev/v1alpha1", "kind": "ProviderInstance", "metadata": {"name": "panel-eu"},
        "spec": {"config": {"panel_url": "http://127.0.0.1:1"}}});
    let unasked = place.told(1, &[new(), elsewhere]);
    assert!(
        unasked.contains("ProviderInstance panel-eu cannot be asked, so its services are judged by their status: "),
        "{unasked}"
    );
    assert!(unasked.contains("  + create\n"), "{unasked}");
    let offline = place.plan(&[new()], &["--without-provider"]);
    assert_eq!(offline.status.code(), Some(3), "{}", written(&offline));
}
