//! What becomes of objects that no file asks for any more.

use std::fs;

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};

use super::{PACKAGE, World, service};

#[tokio::test(start_paused = true)]
async fn what_is_in_no_file_any_more_stays_and_is_named_with_the_command_that_deletes_it() {
    let world = World::started(&[("a.yaml", &service("alice")), ("b.yaml", &service("bob"))]).await;
    world.remove("a.yaml");
    world.passes(900).await;
    assert_eq!(world.names().await, ["alice", "bob"]);
    let said = world.said();
    let remark = "HostingService customers/alice: in no file any more, and kept; to delete: hostwright delete hostingservice \
                  alice -n customers";
    assert_eq!(world.times(remark), 1, "{said}");
}

#[tokio::test(start_paused = true)]
async fn with_prune_what_is_in_no_file_any_more_goes_after_a_minute_of_rest() {
    let world = World::pruning(&[("a.yaml", &service("alice")), ("b.yaml", &service("bob"))]).await;
    world.remove("a.yaml");
    world.passes(50).await;
    assert_eq!(world.times("HostingService customers/alice: in no file any more; deleted once"), 1, "{}", world.said());
    world.write("c.yaml", PACKAGE);
    world.passes(50).await;
    assert_eq!(world.names().await, ["alice", "bob"], "the folder was changed meanwhile");
    world.passes(15).await;
    assert_eq!(world.names().await, ["bob"]);
    assert!(world.said().contains("HostingService customers/alice: deleted, since no file"), "{}", world.said());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_put_back_in_time_stays() {
    let world = World::pruning(&[("a.yaml", &service("alice")), ("b.yaml", &service("bob"))]).await;
    let uid = world.services().get("alice").await.unwrap().metadata.uid;
    world.remove("a.yaml");
    world.passes(50).await;
    world.write("other.yaml", &service("alice"));
    world.passes(900).await;
    assert_eq!(world.services().get("alice").await.unwrap().metadata.uid, uid);
}

#[tokio::test(start_paused = true)]
async fn prune_touches_nothing_that_the_folder_did_not_apply() {
    let world = World::pruning(&[("b.yaml", &service("bob"))]).await;
    let mut by_hand: Value = serde_yaml::from_str(&service("alice")).unwrap();
    // A copy of what the folder applied, annotation and all.
    let folder = world.directory.path().display().to_string();
    by_hand["metadata"]["annotations"] = json!({"hostwright.dev/applied-from": folder});
    world.services().create(&PostParams::default(), &serde_json::from_value(by_hand).unwrap()).await.unwrap();
    world.passes(900).await;
    assert_eq!(world.names().await, ["alice", "bob"]);
}

/// Three services, and something that happens to the folder. A quarter of an hour later all three are there, and this was said.
async fn all_stay_after(what: impl FnOnce(&World), said: &str) {
    let world = World::pruning(&[
        ("a.yaml", &service("alice")),
        ("more/b.yaml", &service("bob")),
        ("more/c.yaml", &service("carol")),
        ("p.yaml", PACKAGE),
    ])
    .await;
    assert_eq!(world.names().await.len(), 3);
    what(&world);
    world.passes(900).await;
    assert_eq!(world.names().await, ["alice", "bob", "carol"]);
    world.packages().get("small").await.unwrap();
    assert_eq!(world.times(said), 1, "{said}: {}", world.said());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_when_the_folder_is_gone() {
    let gone = |world: &World| fs::remove_dir_all(world.directory.path()).unwrap();
    all_stay_after(gone, "since the folder cannot be read: No such file or directory").await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_when_the_folder_is_empty() {
    let empty = |world: &World| {
        fs::remove_dir_all(world.directory.path()).unwrap();
        fs::create_dir(world.directory.path()).unwrap();
    };
    all_stay_after(empty, "since the folder is empty, as where something was mounted").await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_when_a_folder_in_it_is_empty() {
    let empty = |world: &World| {
        world.remove("more/b.yaml");
        world.remove("more/c.yaml");
    };
    all_stay_after(empty, "since more is empty, as where something was mounted").await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_when_a_file_lost_its_content() {
    all_stay_after(|world| world.write("a.yaml", ""), "since a.yaml holds no object").await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_while_a_file_cannot_be_read_as_yaml() {
    let half = |world: &World| world.write("a.yaml", "apiVersion: v1\nkind: {");
    all_stay_after(half, "since a.yaml:2 is not understood").await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_while_an_object_is_of_an_unknown_kind() {
    let typo = |world: &World| world.write("a.yaml", &service("alice").replace("HostingService", "HostingServce"));
    all_stay_after(typo, "since a.yaml:2 is not understood").await;
}

#[tokio::test(start_paused = true)]
async fn many_at_once_are_held_and_the_way_to_delete_them_is_said() {
    let many = (0..4).map(|index| service(&format!("s{index}"))).collect::<Vec<_>>().join("---\n");
    let world = World::pruning(&[("many.yaml", &many), ("p.yaml", PACKAGE)]).await;
    world.remove("many.yaml");
    world.passes(900).await;
    assert_eq!(world.names().await.len(), 4);
    assert_eq!(world.times("since more than 3 at once look like an accident"), 1, "{}", world.said());
}

#[tokio::test(start_paused = true)]
async fn a_namespace_is_never_pruned() {
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n";
    let world = World::pruning(&[("a.yaml", namespace), ("p.yaml", PACKAGE)]).await;
    world.remove("a.yaml");
    world.passes(900).await;
    Api::<Namespace>::all(world.client.clone()).get("team").await.unwrap();
}
