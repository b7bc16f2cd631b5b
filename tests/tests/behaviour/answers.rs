//! Answers that get lost, come late, or are not true.

use std::time::Duration;

use demo_panel::{RequestMatch, WingsMode};
use hostwright_plugin::{Class, CreateUniqueness, Error};
use hostwright_tests::{Fault, KubernetesFault, Provider, Trouble, World, service};
use serde_json::json;

/// Alice is ordered while requests to make something go wrong like this: she gets one server.
async fn exactly_one_with(path: &'static str, trouble: Trouble) {
    let world = World::new().with(service("alice")).where_first(|world| {
        world.wire.trouble("panel.test", "POST", path, trouble, 1);
    });
    let world = world.running();
    world.settles().await;
    world.service("alice").is_ready();
    world.panel.hosts_exactly(["alice"]);
    assert_eq!(world.panel.panel.users().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_a_create_makes_no_second_server() {
    exactly_one_with("/servers", Trouble::AnswerLost).await;
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_never_answered_makes_no_second_server() {
    exactly_one_with("/servers", Trouble::NoAnswer).await;
}

#[tokio::test(start_paused = true)]
async fn a_create_that_arrives_after_it_was_given_up_makes_no_second_server() {
    exactly_one_with("/servers", Trouble::DeliveredLate(Duration::from_secs(75))).await;
}

#[tokio::test(start_paused = true)]
async fn a_create_that_never_reached_the_panel_is_made_again() {
    exactly_one_with("/servers", Trouble::Refused).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_the_creation_of_the_owner_makes_no_second_user() {
    exactly_one_with("/users", Trouble::AnswerLost).await;
}

#[tokio::test(start_paused = true)]
async fn a_500_after_the_effect_makes_no_second_server() {
    let world = World::new().with(service("alice"));
    let create = RequestMatch::new("POST", "/servers$", 1).unwrap();
    world.panel.panel.update_faults(|faults| faults.server_error.push(create));
    let world = world.running();
    world.settles().await;
    world.service("alice").is_ready();
    world.panel.hosts_exactly(["alice"]);
    assert_eq!(world.panel.requests("POST", "servers"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_the_panel_takes_back_because_its_node_fails_is_made_once_it_works() {
    let world = World::new().with(service("alice"));
    world.panel.panel.set_wings_latency(Duration::from_secs(3));
    world.panel.panel.set_wings(WingsMode::Error500);
    let world = world.running();
    world.passes(Duration::from_mins(1)).await;
    assert!(!world.service("alice").ready());
    world.panel.panel.set_wings(WingsMode::Ok);
    world.settles().await;
    world.service("alice").is_ready();
    world.panel.hosts_exactly(["alice"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_any_other_verb_is_looked_up() {
    for trouble in [Trouble::AnswerLost, Trouble::NoAnswer, Trouble::Refused] {
        let world = World::new().with(service("alice")).running();
        world.settles().await;
        let lose = |method, path| world.wire.trouble("panel.test", method, path, trouble, 1);
        lose("POST", "/suspend");
        world.edit("alice", &json!({"desiredStatus": "Suspended"}));
        world.settles().await;
        assert!(world.panel.server("alice").is_suspended(), "{trouble:?}");
        world.service("alice").is_ready();

        lose("POST", "/unsuspend");
        world.edit("alice", &json!({"desiredStatus": "Active"}));
        world.settles().await;
        assert!(!world.panel.server("alice").is_suspended(), "{trouble:?}");
        world.service("alice").is_ready();

        lose("PATCH", "/build");
        world.edit("alice", &json!({"packageRef": {"name": "large"}}));
        world.settles().await;
        assert_eq!(world.panel.server("alice").limits.memory, 2048, "{trouble:?}");
        world.service("alice").is_ready();

        lose("DELETE", "/servers/");
        world.delete("alice");
        world.loses("alice").await;
        world.panel.hosts_exactly([]);
    }
}

#[tokio::test(start_paused = true)]
async fn where_a_double_is_not_refused_an_unanswered_create_is_looked_for_until_it_cannot_appear_any_more() {
    for late in [0, 5, 25, 55] {
        let provider =
            Provider::new(CreateUniqueness::LookupOnly).able(|capabilities| capabilities.settle_seconds = 60);
        provider.fails("create", 1, Fault::LandsLate(Duration::from_secs(late)));
        let world = World::simulated(&provider).with(service("alice")).running();
        world.settles().await;
        world.service("alice").is_ready();
        provider.hosts_exactly(["alice"]);
        assert_eq!(provider.count("create"), 1, "{late} s late");
    }
}

#[tokio::test(start_paused = true)]
async fn where_a_double_is_not_refused_a_lost_create_is_made_again_after_the_settling_time_only() {
    let provider = Provider::new(CreateUniqueness::LookupOnly).able(|capabilities| capabilities.settle_seconds = 60);
    provider.fails("create", 1, Fault::Refused(Error::new(Class::Unknown, "lost", "the connection broke")));
    let world = World::simulated(&provider).with(service("alice")).running();
    world.until("it was tried", |_| provider.count("create") == 1).await;
    world.passes(Duration::from_secs(55)).await;
    assert_eq!(provider.count("create"), 1);
    world.settles().await;
    world.service("alice").is_ready();
    assert_eq!(provider.count("create"), 2);
}

#[tokio::test(start_paused = true)]
async fn an_object_deleted_after_an_unanswered_create_stays_until_nothing_can_appear() {
    for uniqueness in [CreateUniqueness::LookupOnly, CreateUniqueness::ByExternalId] {
        let provider = Provider::new(uniqueness).able(|capabilities| capabilities.settle_seconds = 60);
        provider.fails("create", 1, Fault::LandsLate(Duration::from_secs(40)));
        let world = World::simulated(&provider).with(service("alice")).running();
        world.until("it was tried", |_| provider.count("create") == 1).await;
        world.delete("alice");
        world.loses("alice").await;
        world.passes(Duration::from_mins(2)).await;
        provider.hosts_exactly([]);
    }
}

#[tokio::test(start_paused = true)]
async fn where_nobody_can_look_a_person_says_what_became_of_a_create() {
    for landed in [false, true] {
        let provider = Provider::new(CreateUniqueness::None);
        let lost = Error::new(Class::Unknown, "lost", "the connection broke");
        let fault = if landed { Fault::RefusedAfterEffect(lost) } else { Fault::Refused(lost) };
        provider.fails("create", 1, fault);
        let world = World::simulated(&provider).where_first(|_| provider.is_blind()).with(service("alice")).running();
        world.settles().await;
        world.service("alice").is_held_by("CreateOutcomeUnknown").explains("hostwright.dev/resolve-create");
        assert_eq!(provider.count("create"), 1);
        let answer = if landed { provider.remotes()[0].id.to_string() } else { "absent".to_owned() };
        world.annotate("alice", "hostwright.dev/resolve-create", answer.as_str());
        world.settles().await;
        world.service("alice").is_ready();
        provider.hosts_exactly(["alice"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_kubernetes_write_that_fails_or_loses_its_answer_loses_nothing() {
    use KubernetesFault::{Conflict, DisconnectAfter, ErrorAfter, ErrorBefore};
    for fault in [ErrorBefore, ErrorAfter, DisconnectAfter, Conflict] {
        for (verb, resource) in [("patch", "hostingservices"), ("update", "hostingservices/status")] {
            let world = World::new().running();
            world.until("the panel is known", |world| world.instance("panel-eu").ready()).await;
            world.apply(&service("alice"));
            world.cluster.fails(verb, resource, fault, 2);
            world.settles().await;
            world.service("alice").is_ready();
            world.panel.hosts_exactly(["alice"]);
            assert_eq!(world.panel.requests("POST", "servers"), 1, "{fault:?} {verb} {resource}");
        }
    }
}

/// acceptance 18
#[tokio::test(start_paused = true)]
async fn an_edit_during_a_call_does_not_lose_its_outcome() {
    let provider = Provider::new(CreateUniqueness::None);
    provider.fails("create", 1, Fault::AnsweredLate(Duration::from_secs(20)));
    let world = World::simulated(&provider).with(service("alice")).running();
    world.until("the create is under way", |_| provider.count("create") == 1).await;
    world.edit("alice", &json!({"packageRef": {"name": "large"}}));
    world.settles().await;
    world.service("alice").is_ready();
    assert_eq!(provider.count("create"), 1);
    assert_eq!(provider.remote("alice").config["memory"], 2048);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_is_edited_while_its_create_is_unanswered_is_found_and_scaled() {
    let provider = Provider::new(CreateUniqueness::LookupOnly).able(|capabilities| capabilities.settle_seconds = 30);
    provider.fails("create", 1, Fault::LandsLate(Duration::from_secs(20)));
    let world = World::simulated(&provider).with(service("alice")).running();
    world.until("it was tried", |_| provider.count("create") == 1).await;
    world.edit("alice", &json!({"packageRef": {"name": "large"}}));
    world.until("it is scaled", |_| provider.count("scale") == 1).await;
    world.settles().await;
    world.service("alice").is_ready();
    assert_eq!(provider.count("create"), 1);
    assert_eq!(provider.remote("alice").config["memory"], 2048);
}
