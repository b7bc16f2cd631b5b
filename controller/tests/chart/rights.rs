//! The controller has exactly the rights it uses: no request is refused, and no rule is there in vain.
//!
//! The server's audit log tells of every request who made it and which role allowed it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::{Cluster, SYSTEM};
use hostwright_tests::helm::chart;

const CONTROLLER: &str = "system:serviceaccount:hostwright-system:hostwright";

/// `Role patch secrets`, `ClusterRole update hostwright.dev/hostingservices/status`
type Right = String;

fn right(role: &str, verb: &str, group: &str, resource: &str) -> Right {
    let slash = if group.is_empty() { "" } else { "/" };
    format!("{role} {verb} {group}{slash}{resource}")
}

/// The roles that are bound where customers may order with a password, and where they get credentials.
const CHECKOUT: &str = "Checkout";
const CREDENTIALS: &str = "Credentials";

/// What the roles of the controller allow at this moment.
fn granted(cluster: &Cluster) -> BTreeSet<Right> {
    let roles = [
        ("Role", &["-n", SYSTEM, "role", "hostwright"][..]),
        ("ClusterRole", &["clusterrole", "hostwright"]),
        (CHECKOUT, &["clusterrole", "hostwright-checkout"]),
        (CREDENTIALS, &["clusterrole", "hostwright-credentials"]),
    ];
    let mut rights = BTreeSet::new();
    for (kind, name) in roles {
        for rule in cluster.get(name)["rules"].as_array().unwrap() {
            let texts = |field: &str| rule[field].as_array().unwrap().iter().map(|text| text.as_str().unwrap());
            for (group, resource, verb) in texts("apiGroups").flat_map(|group| {
                texts("resources").flat_map(move |resource| texts("verbs").map(move |verb| (group, resource, verb)))
            }) {
                assert!(![group, resource, verb].contains(&"*"), "{kind}: a wildcard cannot be compared: {rule}");
                rights.insert(right(kind, verb, group, resource));
            }
        }
    }
    rights
}

/// The answered requests of the controller.
fn requests(cluster: &Cluster) -> Vec<Value> {
    let mut entries = cluster.plane.audit();
    entries.retain(|entry| entry["user"]["username"] == CONTROLLER);
    entries
}

/// What it used.
fn used(cluster: &Cluster) -> BTreeSet<Right> {
    let of = |request: &Value| {
        let reason = request["annotations"]["authorization.k8s.io/reason"].as_str()?.to_owned();
        let names = [
            ("ClusterRole", "hostwright"),
            ("Role", "hostwright"),
            ("ClusterRole", "hostwright-checkout"),
            ("ClusterRole", "hostwright-credentials"),
        ];
        let (role, name) = names.into_iter().find(|(role, name)| reason.contains(&format!("of {role} \"{name}\"")))?;
        let role = match name {
            "hostwright-checkout" => CHECKOUT,
            "hostwright-credentials" => CREDENTIALS,
            _ => role,
        };
        let object = &request["objectRef"];
        let text = |field: &str| object[field].as_str().unwrap_or_default();
        let slash = if text("subresource").is_empty() { "" } else { "/" };
        let resource = format!("{}{slash}{}", text("resource"), text("subresource"));
        Some(right(role, request["verb"].as_str()?, text("apiGroup"), &resource))
    };
    requests(cluster).iter().filter_map(of).collect()
}

/// What it was refused.
fn refused(cluster: &Cluster) -> BTreeSet<String> {
    let refused = |request: &Value| request["annotations"]["authorization.k8s.io/decision"] != "allow";
    let described = |request: &Value| format!("{} {}", request["verb"], request["requestURI"]);
    requests(cluster).iter().filter(|request| refused(request)).map(described).collect()
}

fn unused(cluster: &Cluster) -> BTreeSet<Right> {
    granted(cluster).difference(&used(cluster)).cloned().collect()
}

/// Everything that a controller does in its life.
fn live(cluster: &Cluster) {
    let ready = |service: &str, reason: &str| {
        let condition = format!("jsonpath={{.status.conditions[?(@.type==\"Ready\")].reason}}={reason}");
        cluster.wait(&format!("hsvc/{service}"), &condition);
    };
    // Two replicas: one is elected. Installation record, plugins, credentials, first services.
    cluster.install();
    cluster.helm(&["upgrade", "hostwright", chart().to_str().unwrap(), "--reuse-values", "--set", "replicas=2"]);
    cluster.apply_quick_start();
    for (service, reason) in [
        ("alice-survival", "UpToDate"),
        ("bob-creative", "Suspended"),
        ("carol-modded", "NoCapacity"),
        ("hans-skyblock", "InvalidCheckout"),
    ] {
        ready(service, reason);
    }
    // Somebody writes while a provider is at work: the outcome is folded onto what they wrote.
    cluster.panel.set_node_capacity(cluster.panel.nodes()[0].id, 16384, 100_000);
    cluster.panel.set_wings_latency(Duration::from_secs(3));
    let dora = json!({
        "apiVersion": "hostwright.dev/v1alpha1", "kind": "HostingService",
        "metadata": {"name": "dora", "namespace": "customers"},
        "spec": {
            "packageRef": {"name": "minecraft-4g"}, "desiredStatus": "Active", "checkout": {"server_name": "Dora"},
            "owner": {"id": "cust-5", "email": "dora@example.com", "name": "Dora Dean"},
        },
    });
    cluster.apply(&dora.to_string());
    cluster.wait("hsvc/dora", "jsonpath={.metadata.finalizers[0]}");
    cluster.patch("hsvc/dora", &json!({"metadata": {"labels": {"edited": "meanwhile"}}}));
    cluster.panel.set_wings_latency(Duration::ZERO);
    ready("dora", "UpToDate");
    // A password is ordered with, and the chart lets it be read.
    let set = |values: &str| {
        cluster.helm(&["upgrade", "hostwright", chart().to_str().unwrap(), "--reuse-values", "--set", values]);
    };
    set("checkoutSecrets.everywhere=true");
    let field = json!({"pin": {"type": "password", "label": "PIN", "rules": "nullable|string"}});
    cluster.patch("hpkg/minecraft-4g", &json!({"spec": {"checkout": field}}));
    cluster.kubectl(&["-n", "customers", "create", "secret", "generic", "emil", "--from-literal=pin=0000-1111"]);
    cluster.kubectl(&["-n", "customers", "label", "secret", "emil", "hostwright.dev/checkout=true"]);
    let mut emil = dora.clone();
    emil["metadata"]["name"] = json!("emil");
    emil["spec"]["checkoutFrom"] = json!({"pin": {"secretKeyRef": {"name": "emil", "key": "pin"}}});
    cluster.apply(&emil.to_string());
    ready("emil", "UpToDate");
    // Both roles allow secrets to be read, and the log names whichever the server finds first: one at a time.
    set("checkoutSecrets.everywhere=false,credentialSecrets.everywhere=true");
    credentials(cluster, &dora);
    set("checkoutSecrets.everywhere=true");
    // The same happens twice: events of one kind are counted up.
    for _ in 0..2 {
        cluster
            .patch("hsvc/alice-survival", &json!({"spec": {"suspensions": {"abuse-desk": {"reason": "MailFlood"}}}}));
        ready("alice-survival", "MailFlood");
        cluster.patch("hsvc/alice-survival", &json!({"spec": {"suspensions": {"abuse-desk": null}}}));
        ready("alice-survival", "UpToDate");
    }
    // Edits: of a package, of what the controller keeps, of a plugin it does not have, of the credentials.
    cluster.patch("hpkg/minecraft-4g", &json!({"spec": {"provisioning": {"memory": 2048}}}));
    cluster.wait("hsvc/alice-survival", "jsonpath={.status.lastApplied.config.memory}=2048");
    cluster.patch("hplug/pterodactyl", &json!({"spec": {"author": "somebody else"}}));
    cluster.wait("hplug/pterodactyl", "jsonpath={.spec.author}=Hostwright contributors");
    let other = json!({
        "apiVersion": "hostwright.dev/v1alpha1", "kind": "Plugin", "metadata": {"name": "other"},
        "spec": {"displayName": "Other", "provider": "other", "version": "1.0.0"},
    });
    cluster.apply(&other.to_string());
    cluster.wait("hplug/other", "condition=Ready=False");
    cluster.kubectl(&["-n", SYSTEM, "label", "secret", "panel-eu-api", "rotated=true"]);
    // The Pods are replaced, and another one leads.
    cluster.helm(&["upgrade", "hostwright", chart().to_str().unwrap(), "--reuse-values", "--set", "logFilter=debug"]);
    // Endings: wanted, by deletion, of a whole namespace; then of what they were made of.
    cluster.patch("hsvc/bob-creative", &json!({"spec": {"desiredStatus": "Terminated"}}));
    ready("bob-creative", "Terminated");
    cluster.kubectl(&["-n", "customers", "delete", "hsvc", "alice-survival", "--timeout=120s"]);
    cluster.kubectl(&["delete", "namespace", "customers", "--timeout=120s"]);
    cluster.kubectl(&["delete", "hpkg,hinst", "--all", "--timeout=120s"]);
    cluster.kubectl(&["-n", SYSTEM, "delete", "secret", "panel-eu-api", "--timeout=120s"]);
    // Nothing runs any more, and no watch is open.
    cluster.helm(&["upgrade", "hostwright", chart().to_str().unwrap(), "--reuse-values", "--set", "replicas=0"]);
}

/// A machine to log in to, and new credentials for it.
fn credentials(cluster: &Cluster, like: &Value) {
    let instance = json!({"apiVersion": "hostwright.dev/v1alpha1", "kind": "ProviderInstance", "metadata": {"name": "sandbox"},
        "spec": {"pluginRef": {"name": "simulated"}, "namespaceSelector": {}}});
    let package = json!({"apiVersion": "hostwright.dev/v1alpha1", "kind": "Package", "metadata": {"name": "machine"},
        "spec": {"providerInstanceRef": {"name": "sandbox"}, "provisioning": {"credentials": "both"}, "namespaceSelector": {}}});
    let mut fritz = like.clone();
    fritz["metadata"]["name"] = json!("fritz");
    fritz["spec"]["packageRef"]["name"] = json!("machine");
    fritz["spec"]["checkout"] = json!({});
    for object in [instance, package, fritz] {
        cluster.apply(&object.to_string());
    }
    cluster.wait("hsvc/fritz", "condition=CredentialsStored");
    cluster.patch("hsvc/fritz", &json!({"metadata": {"annotations": {"hostwright.dev/rotate-requested-at": "once"}}}));
    cluster.wait("hsvc/fritz", "jsonpath={.status.lastHandledRotateAt}=once");
}

fn change_rules(cluster: &Cluster, role: &[&str], change: impl FnOnce(&mut Vec<Value>)) {
    let mut rules = cluster.get(role)["rules"].as_array().unwrap().clone();
    change(&mut rules);
    let patch = json!({"rules": rules}).to_string();
    cluster.kubectl(&[&["patch", "--type=merge", "-p", &patch], role].concat());
}

#[test]
fn no_request_lacks_a_rule_and_no_rule_is_there_in_vain() {
    let Some(cluster) = Cluster::start() else { return };
    live(&cluster);
    assert_eq!(refused(&cluster), BTreeSet::new(), "the chart grants too little");
    // The log has a watch only once it has ended.
    let watched = |right: &Right| right.contains(" watch ");
    cluster.until("every watch is told of", || !unused(&cluster).iter().any(watched));
    assert_eq!(unused(&cluster), BTreeSet::new(), "the chart grants what no controller asks for");
    assert!(cluster.panel.servers().is_empty(), "{:?}", cluster.panel.servers());

    // Both say otherwise where it is so.
    change_rules(&cluster, &["clusterrole", "hostwright"], |rules| {
        rules.push(json!({"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["list"]}));
    });
    assert_eq!(unused(&cluster), BTreeSet::from(["ClusterRole list apps/deployments".to_owned()]));
    change_rules(&cluster, &["-n", SYSTEM, "role", "hostwright"], |rules| {
        rules.retain(|rule| rule["resources"][0] != "leases" || rule["verbs"][0] == "create");
    });
    cluster.kubectl(&["-n", SYSTEM, "scale", "deployment", "hostwright", "--replicas=1"]);
    cluster.until("the lease is refused", || !refused(&cluster).is_empty());
    assert!(refused(&cluster).iter().all(|request| request.contains("/leases/hostwright-controller")));
}
