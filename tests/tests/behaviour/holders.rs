//! Who suspends, and what suspending and ending need: nothing but the remote.

use hostwright_tests::{World, service};
use serde_json::{Value, json};

#[tokio::test(start_paused = true)]
async fn lifting_one_of_two_suspensions_leaves_the_other() {
    let world = World::new().with(service("alice").held_by("abuse-desk").held_by("billing")).running();
    world.settles().await;
    let alice = world.service("alice");
    assert_eq!(alice.is_ready().reason(), "TermsOfService");
    assert_eq!(alice.at("/status/suspendedBy"), &json!(["abuse-desk", "billing"]));

    world.edit("alice", &json!({"suspensions": {"billing": Value::Null}}));
    world.settles().await;
    assert!(world.panel.server("alice").is_suspended());
    assert_eq!(world.service("alice").at("/status/suspendedBy"), &json!(["abuse-desk"]));

    world.edit("alice", &json!({"suspensions": {"abuse-desk": Value::Null}}));
    world.settles().await;
    assert!(!world.panel.server("alice").is_suspended());
    world.service("alice").is_ready();
}

#[tokio::test(start_paused = true)]
async fn payment_does_not_lift_what_the_abuse_desk_holds() {
    let world = World::new().with(service("alice").wanting("Suspended").held_by("abuse-desk")).running();
    world.settles().await;
    world.edit("alice", &json!({"desiredStatus": "Active"}));
    world.settles().await;
    assert!(world.panel.server("alice").is_suspended());
    assert_eq!(world.service("alice").condition("Suspended")["reason"], "TermsOfService");
}

#[tokio::test(start_paused = true)]
async fn suspending_and_ending_work_with_an_invalid_package() {
    let world = World::new().with(service("alice")).with(service("bob")).running();
    world.settles().await;
    world.cluster.patch("Package", "small", &json!({"spec": {"provisioning": {"memory": "plenty"}}}));
    world.edit("alice", &json!({"desiredStatus": "Suspended"}));
    world.delete("bob");
    world.loses("bob").await;
    world.until("alice is suspended", |world| world.panel.server("alice").is_suspended()).await;
    world.panel.hosts_exactly(["alice"]);
}

#[tokio::test(start_paused = true)]
async fn suspending_and_ending_work_with_a_deleted_package() {
    let world = World::new().with(service("alice")).with(service("bob")).running();
    world.settles().await;
    world.cluster.delete("Package", "small");
    world.edit("alice", &json!({"desiredStatus": "Suspended"}));
    world.edit("bob", &json!({"desiredStatus": "Terminated"}));
    world.until("alice is suspended", |world| world.panel.server("alice").is_suspended()).await;
    world.until("bob is ended", |world| world.service("bob").phase() == "Terminated").await;
    world.panel.hosts_exactly(["alice"]);
}

#[tokio::test(start_paused = true)]
async fn suspending_and_ending_work_with_a_checkout_that_is_not_valid_any_more() {
    let world = World::new().with(service("alice")).with(service("bob")).running();
    world.settles().await;
    world.edit("alice", &json!({"checkout": {"server_name": "x"}, "desiredStatus": "Suspended"}));
    world.edit("bob", &json!({"checkout": {"sever_name": "Bob's"}, "desiredStatus": "Terminated"}));
    world.until("alice is suspended", |world| world.panel.server("alice").is_suspended()).await;
    world.until("bob is ended", |world| world.service("bob").phase() == "Terminated").await;
}
