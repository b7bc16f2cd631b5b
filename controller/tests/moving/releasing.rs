//! Before an uninstall: `hostwright release`.

use super::places::{Place, Site};
use super::servers;

#[test]
fn what_is_released_goes_without_a_controller_and_leaves_its_servers_on_the_embedded_server() {
    let site = Site::new();
    let place = site.embedded_server();
    is_released(&site, &place);
}

#[test]
fn what_is_released_goes_without_a_controller_and_leaves_its_servers_on_a_real_server() {
    let site = Site::new();
    let Some(place) = site.real_server() else { return };
    is_released(&site, &place);
}

fn is_released(site: &Site, place: &Place) {
    place.install_kinds();
    place.hostwright(&["apply", "-f", site.quick_start()]);
    let controller = place.controller("prod-eu");
    place.until(&["get", "hsvc", "alice-survival", "-n", "customers"], "UpToDate");
    place.until(&["get", "hsvc", "bob-creative", "-n", "customers"], "Suspended   Suspended   True");
    let before = servers(site);

    // While a controller runs it would be in vain.
    let refused = place.try_hostwright(&["release", "--all", "--yes"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("runs, and would take hold again") && said.contains("--while-running"), "{said}");

    controller.terminate();
    let dry = place.hostwright(&["release", "--all", "--dry-run", "-o", "json"]);
    let dry: serde_json::Value = serde_json::from_str(&dry).unwrap();
    assert_eq!(dry["remotes"][0]["externalId"], "prod-eu.customers.alice-survival");
    let kinds: Vec<&str> =
        dry["released"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    for kind in ["HostingService", "ProviderInstance", "Secret", "ConfigMap", "Lease"] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
    let one = place.hostwright(&["release", "alice-survival", "-n", "customers", "--yes"]);
    assert!(one.contains("HostingService customers/alice-survival let go") && !one.contains("bob-creative"), "{one}");
    let all = place.hostwright(&["release", "--all", "--yes"]);
    assert!(
        all.contains("Servers that are still at a provider") && all.contains("prod-eu.customers.bob-creative"),
        "{all}"
    );

    // Nobody is left who could end anything, and nothing waits for anybody.
    place.hostwright(&["delete", "-f", site.quick_start(), "--yes", "--timeout", "2m", "--ignore-not-found"]);
    assert!(place.hostwright(&["get", "hsvc,hpkg,hinst", "-A"]).contains("No resources found"));
    assert_eq!(servers(site), before, "no server was ended");
}
