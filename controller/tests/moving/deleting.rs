//! Everything is deleted in one go.

use super::places::{Place, Site, has_kubectl};
use super::servers;

/// The quick start's files, as somebody gives them to kubectl.
const FILES: [&str; 4] = ["00-namespaces.yaml", "10-panel-eu.yaml", "20-packages.yaml", "30-services.yaml"];

#[test]
fn a_controller_that_is_killed_while_everything_is_deleted_is_followed_by_one_that_ends_it_on_the_embedded_server() {
    let site = Site::new();
    let place = site.embedded_server();
    ends_clean(&site, &place);
}

#[test]
fn a_controller_that_is_killed_while_everything_is_deleted_is_followed_by_one_that_ends_it_on_a_real_server() {
    let site = Site::new();
    let Some(place) = site.real_server() else { return };
    ends_clean(&site, &place);
}

fn ends_clean(site: &Site, place: &Place) {
    if !has_kubectl() {
        return;
    }
    place.install_kinds();
    // Forwards, where the namespaces go first, and backwards.
    let backwards: Vec<&str> = FILES.into_iter().rev().collect();
    for order in [FILES.to_vec(), backwards] {
        place.hostwright(&["apply", "-f", site.quick_start()]);
        let controller = place.controller("prod-eu");
        place.until(&["get", "hsvc", "alice-survival", "-n", "customers"], "UpToDate");
        place.until(&["get", "hsvc", "bob-creative", "-n", "customers"], "Suspended   Suspended   True");
        let paths: Vec<String> = order.iter().map(|file| format!("{}/{file}", site.quick_start())).collect();
        let mut delete = vec!["delete", "--wait=false", "--ignore-not-found"];
        delete.extend(paths.iter().flat_map(|path| ["-f", path]));
        // Killed: it lets go of nothing, and its lease stays.
        drop(controller);
        place.kubectl(&delete);
        let successor = place.controller("prod-eu");
        let left = || {
            let ours = place.kubectl(&["get", "hsvc,hpkg,hinst", "-A", "-o", "name"]);
            let namespaces =
                place.kubectl(&["get", "ns", "customers", "hostwright-system", "--ignore-not-found", "-o", "name"]);
            ours + &namespaces
        };
        place.patiently("nothing is left", || left().is_empty(), left);
        assert!(servers(site).is_empty(), "a server was left behind");
        drop(successor);
    }
}
