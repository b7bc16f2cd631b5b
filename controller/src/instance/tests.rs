//! Passes against the embedded API and a plugin that answers on cue. The caches are filled by hand before each pass.

mod world;

use std::sync::atomic::Ordering;

use hostwright_crds::{HostingService, annotation, condition, reason};
use hostwright_plugin::{Class, Error as CallError};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

use self::world::{NAMESPACE, World};
use super::*;

fn names(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("s{number}"))
}

fn token_in(message: &str) -> String {
    let rest = message.split("confirm=").nth(1).unwrap();
    rest.chars().take_while(char::is_ascii_hexdigit).collect()
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_answers_is_ready_known_and_held_and_a_later_pass_writes_nothing() {
    let mut world = World::new().await;
    world.pass().await;
    let (ready, message) = world.ready().await;
    assert_eq!(ready, "True/Connected", "{message}");
    assert_eq!(message, "panel-eu: Sample at https://panel.example.com");
    assert_eq!(world.runtime().standing, Standing::Ready);
    assert_eq!((world.runtime().absence.clone(), world.runtime().endings.clone()), (None, None));
    assert!(world.ctx.installation.knows("panel-eu"));
    let secrets: Api<Secret> = Api::namespaced(world.client.clone(), NAMESPACE);
    assert_eq!(secrets.get("panel-api").await.unwrap().finalizers(), ["hostwright.dev/in-use"]);
    assert_eq!(world.instance().await.unwrap().finalizers(), [hostwright_crds::FINALIZER]);

    let (writes, calls) = (world.writes(), world.plugin.calls.load(Ordering::SeqCst));
    world.pass().await;
    assert_eq!((world.writes(), world.plugin.calls.load(Ordering::SeqCst)), (writes, calls));

    let mut world = world.restarted().await;
    let writes = world.writes();
    world.pass().await;
    assert_eq!(world.writes(), writes, "a restart writes nothing");
    assert_eq!(world.plugin.calls.load(Ordering::SeqCst), 2, "one test and one list");
}

/// acceptance 16
#[tokio::test(start_paused = true)]
async fn refused_credentials_name_their_secret_and_a_mended_one_is_tried_at_once() {
    let mut world = World::new().await;
    let refused = CallError::new(Class::Unauthorized, "401", "refuses secret-value-1 (401)");
    let passing = std::mem::replace(&mut *world.plugin.connection.lock().unwrap(), Err(refused));
    world.pass().await;
    let (ready, message) = world.ready().await;
    assert_eq!(ready, "False/ProviderUnauthorized");
    assert_eq!(message, "panel-eu: refuses [redacted] (401); fix key key in Secret hostwright-system/panel-api");

    *world.plugin.connection.lock().unwrap() = passing;
    world.pass().await;
    assert_eq!(world.ready().await.0, "False/ProviderUnauthorized", "the same key is not tried in a hurry");
    let secrets: Api<Secret> = Api::namespaced(world.client.clone(), NAMESPACE);
    let mended = Patch::Merge(json!({"stringData": {"key": "secret-value-2"}}));
    secrets.patch("panel-api", &PatchParams::default(), &mended).await.unwrap();
    world.pass().await;
    assert_eq!(world.ready().await.0, "True/Connected");
}

#[tokio::test(start_paused = true)]
async fn an_outage_ends_by_itself_with_a_few_calls() {
    let mut world = World::new().await;
    let down = CallError::new(Class::Unavailable, "connect", "connection refused");
    let passing = std::mem::replace(&mut *world.plugin.connection.lock().unwrap(), Err(down));
    for _ in 0..20 {
        world.pass().await;
        world.later(1).await;
    }
    assert_eq!(world.ready().await.0, "False/ProviderUnavailable");
    let calls = world.plugin.calls.load(Ordering::SeqCst);
    assert!((2..=4).contains(&calls), "{calls}");
    *world.plugin.connection.lock().unwrap() = passing;
    world.later(300).await;
    world.pass().await;
    assert_eq!(world.ready().await.0, "True/Connected");
}

#[tokio::test(start_paused = true)]
async fn another_panel_is_refused_until_it_is_confirmed() {
    let mut world = World::new().await;
    world.pass().await;
    world.plugin.connection.lock().unwrap().as_mut().unwrap().identity = "two".into();
    world.later(700).await;
    world.pass().await;
    let (ready, message) = world.ready().await;
    assert_eq!(ready, "False/RemoteChanged");
    assert!(!world.runtime().is_panel("two"));
    let pending = pending_confirmations(&world.instance().await.unwrap());
    assert_eq!(pending, [(reason::REMOTE_CHANGED.to_owned(), token_in(&message))]);

    world.annotate(annotation::CONFIRM, &token_in(&message)).await;
    world.pass().await;
    let status = world.status().await;
    assert_eq!(world.ready().await.0, "True/Connected");
    assert_eq!(status.remote_identity.as_deref(), Some("two"));
    assert_eq!((status.former_identities, status.last_confirmed), (vec!["one".to_owned()], Some(token_in(&message))));
    assert!(world.runtime().is_panel("one") && world.runtime().is_panel("two"));
}

#[tokio::test(start_paused = true)]
async fn a_mass_absence_is_not_believed_over_a_restart_and_until_it_is_confirmed() {
    let mut world = World::new().await;
    world.list_shows(names(12));
    for name in names(12) {
        world.service(&name).await;
    }
    world.pass().await;
    assert_eq!(world.ready().await.0, "True/Connected");

    world.list_shows(names(8));
    world.later(700).await;
    world.pass().await;
    assert_eq!(world.ready().await.0, "False/MassAbsence");
    assert_eq!(world.status().await.missing_together, Some(4));
    assert_eq!(world.runtime().absence.as_ref().unwrap().reason, reason::MASS_ABSENCE);
    assert_eq!(world.runtime().standing, Standing::Ready);

    let mut world = world.restarted().await;
    world.list_shows(names(8));
    world.pass().await;
    let (ready, message) = world.ready().await;
    assert_eq!(ready, "False/MassAbsence");
    world.annotate(annotation::CONFIRM, &token_in(&message)).await;
    world.pass().await;
    assert_eq!(world.ready().await.0, "True/Connected");
    assert_eq!((world.status().await.missing_together, world.runtime().absence.clone()), (None, None));
    world.later(700).await;
    world.pass().await;
    assert_eq!(world.ready().await.0, "True/Connected", "the next list asks no second time");
}

#[tokio::test(start_paused = true)]
async fn remotes_that_were_there_before_are_not_ended_until_that_is_confirmed() {
    let mut world = World::new().await;
    world.list_shows(names(2));
    world.pass().await;
    let status = world.status().await;
    let held = condition::find(&status.conditions, condition::ENDINGS_HELD).unwrap();
    assert_eq!((held.status.as_str(), held.reason.as_str()), ("True", reason::REMOTES_ALREADY_THERE));
    assert_eq!(world.ready().await.0, "True/Connected");
    assert_eq!(world.runtime().endings.as_ref().unwrap().reason, reason::REMOTES_ALREADY_THERE);

    let mut world = world.restarted().await;
    // What was attached meanwhile does not make it this cluster's.
    world.list_shows(names(2));
    for name in names(2) {
        world.service(&name).await;
    }
    world.pass().await;
    assert!(world.runtime().endings.is_some());
    world.annotate(annotation::CONFIRM, &token_in(&held.message)).await;
    world.pass().await;
    assert_eq!(world.runtime().endings, None);
    assert!(condition::find(&world.status().await.conditions, condition::ENDINGS_HELD).is_none());
    assert!(world.ctx.installation.knows("panel-eu"));
}

#[tokio::test(start_paused = true)]
async fn a_disabled_instance_is_never_called() {
    let mut world = World::new().await;
    world.patch(json!({"spec": {"mode": "Disabled"}})).await;
    world.pass().await;
    assert_eq!(world.ready().await.0, "False/InstanceDisabled");
    assert_eq!(world.plugin.calls.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_instance_stays_while_a_service_uses_it_and_then_lets_its_secret_go() {
    let mut world = World::new().await;
    world.pass().await;
    world.service("alice").await;
    let instances: Api<ProviderInstance> = Api::all(world.client.clone());
    instances.delete("panel-eu", &DeleteParams::default()).await.unwrap();
    world.pass().await;
    let (ready, message) = world.ready().await;
    assert_eq!(ready, "False/InUse");
    assert!(message.contains("1 service and 0 packages"), "{message}");
    assert_eq!(world.runtime().standing, Standing::Ready, "what is on it is still served");

    let services: Api<HostingService> = Api::namespaced(world.client.clone(), "customers");
    services.delete("alice", &DeleteParams::default()).await.unwrap();
    world.pass().await;
    assert_eq!(world.instance().await, None);
    let secrets: Api<Secret> = Api::namespaced(world.client.clone(), NAMESPACE);
    assert!(secrets.get("panel-api").await.unwrap().finalizers().is_empty());
    assert!(world.ctx.providers.runtime("panel-eu").is_none());
}

#[tokio::test(start_paused = true)]
async fn services_are_woken_when_what_they_act_on_changes_and_not_otherwise() {
    let mut world = World::new().await;
    world.list_shows(names(1));
    world.service("s0").await;
    world.pass().await;
    assert!(world.woken.try_recv().is_ok(), "once after a start");
    while world.woken.try_recv().is_ok() {}
    world.later(20).await;
    world.pass().await;
    assert!(world.woken.try_recv().is_err());
    world.patch(json!({"spec": {"mode": "ObserveOnly"}})).await;
    world.pass().await;
    assert!(world.woken.try_recv().is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_brake_counts_over_restarts() {
    let mut world = World::new().await;
    world.pass().await;
    for _ in 0..3 {
        take(&world.ctx, "panel-eu", Braked::Endings).await.unwrap();
    }
    let writes = world.writes();
    let mut world = world.restarted().await;
    world.pass().await;
    assert_eq!(world.writes(), writes);
    for _ in 0..15 {
        take(&world.ctx, "panel-eu", Braked::Endings).await.unwrap();
    }
    world.pass().await;
    let held = take(&world.ctx, "panel-eu", Braked::Endings).await.unwrap_err();
    assert_eq!(held.reason, reason::TERMINATION_HELD);
    assert!(held.message.starts_with("panel-eu: 20 ended in the last hour"), "{}", held.message);
    assert_eq!(world.status().await.brake.unwrap().reserved, 20);
}

#[tokio::test(start_paused = true)]
async fn a_doubting_service_learns_of_another_panel_at_once() {
    let mut world = World::new().await;
    world.pass().await;
    world.later(5).await;
    assert!(verify(&world.ctx, "panel-eu").await.is_ok());
    world.plugin.connection.lock().unwrap().as_mut().unwrap().identity = "two".into();
    world.later(5).await;
    let hold = verify(&world.ctx, "panel-eu").await.unwrap_err();
    assert_eq!(hold.reason, reason::REMOTE_CHANGED);
    assert_eq!(world.runtime().standing, Standing::NotReady(hold));
}
