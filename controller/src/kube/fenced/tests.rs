//! Fenced writes against a scripted API server.

use axum::http::Method;
use hostwright_crds::{HostingServiceSpec, Package, PackageSpec, PackageStatus, Phase};

use super::*;
use crate::kube::scripted::{Objects, Scripted, Trouble};

const PATH: &str = "/apis/hostwright.dev/v1alpha1/namespaces/customers/hostingservices/alice";

struct World {
    server: Scripted,
    client: Client,
    service: HostingService,
}

impl World {
    fn new() -> Self {
        let server = Scripted::default();
        let mut service = HostingService::new("alice", HostingServiceSpec::default());
        service.metadata.namespace = Some("customers".to_owned());
        service.metadata.finalizers = Some(vec!["others.example/finalizer".to_owned()]);
        service.metadata.managed_fields = Some(vec![serde_json::from_value(json!({"manager": "kubectl"})).unwrap()]);
        let stored = server.put(PATH, serde_json::to_value(&service).unwrap());
        Self { client: server.client(), server, service: serde_json::from_value(stored).unwrap() }
    }

    /// Somebody edits the stored object.
    fn edited(&self) {
        edit(&self.server.get(PATH).unwrap(), |path, object| {
            drop(self.server.put(path, object));
        });
    }

    fn stored(&self) -> HostingService {
        serde_json::from_value(self.server.get(PATH).unwrap()).unwrap()
    }

    fn epoch(&self) -> i64 {
        self.stored().status.unwrap_or_default().epoch
    }

    /// Folds in one definite outcome: the epoch rises by one.
    async fn count(&self) -> Result<Option<HostingService>, WriteError> {
        Box::pin(fold_status(&self.client, &self.service, |latest| {
            let status = latest.status.clone().unwrap_or_default();
            HostingServiceStatus { epoch: status.epoch + 1, ..status }
        }))
        .await
    }

    fn tries(&self) -> usize {
        self.server.requests(&Method::PUT).len()
    }
}

fn edit(object: &Value, store: impl FnOnce(&str, Value)) {
    let mut object = object.clone();
    object["metadata"]["labels"]["edited"] = json!("yes");
    store(PATH, object);
}

fn edit_meanwhile() -> Trouble {
    Trouble::Before(Box::new(|objects: &mut Objects| {
        let object = objects.by_path[PATH].clone();
        edit(&object, |path, object| drop(objects.store(path, object)));
    }))
}

fn identity() -> Identity {
    Identity {
        external_id: "test.customers.alice".to_owned(),
        for_object: "customers/alice".to_owned(),
        uid: "uid-1".to_owned(),
        instance: "panel".to_owned(),
        remote_identity: "panel-1".to_owned(),
        owner: "test.customers.cust-1".to_owned(),
        ended: None,
        carried: None,
        package: None,
        paid_until: None,
        changed_to: None,
    }
}

#[tokio::test(start_paused = true)]
async fn the_identity_record_comes_with_the_finalizer_and_keeps_those_of_others() {
    let world = World::new();
    let written = write_identity(&world.client, &world.service, &identity(), true).await.unwrap();
    assert_eq!(written.finalizers(), ["others.example/finalizer", FINALIZER]);
    assert_eq!(Identity::parse(&written.annotations()[annotation::IDENTITY]).unwrap(), identity());
    let (uri, _) = world.server.requests(&Method::PATCH).remove(0);
    assert!(uri.query().unwrap().contains("fieldManager=hostwright"), "{uri}");
}

#[tokio::test(start_paused = true)]
async fn the_identity_record_alone_leaves_the_finalizers_alone() {
    let world = World::new();
    write_identity(&world.client, &world.service, &identity(), false).await.unwrap();
    assert_eq!(world.stored().finalizers(), ["others.example/finalizer"]);
}

#[tokio::test(start_paused = true)]
async fn a_plan_made_on_an_old_version_writes_nothing() {
    let world = World::new();
    world.edited();
    let (client, service) = (&world.client, &world.service);
    assert_eq!(write_identity(client, service, &identity(), true).await.unwrap_err(), WriteError::Conflict);
    assert_eq!(release_finalizer(client, service, None).await.unwrap_err(), WriteError::Conflict);
    let status = HostingServiceStatus { epoch: 1, ..Default::default() };
    assert_eq!(write_status(client, service, status).await.unwrap_err(), WriteError::Conflict);
    assert_eq!((world.epoch(), world.stored().annotations().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_object_that_was_not_read_from_the_api_is_never_written() {
    let mut world = World::new();
    world.service.metadata.resource_version = None;
    let error = write_status(&world.client, &world.service, HostingServiceStatus::default()).await.unwrap_err();
    assert!(matches!(&error, WriteError::Refused(words) if words.contains("alice")), "{error}");
    assert_eq!(world.tries(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_last_finalizer_lets_a_deleting_object_go() {
    let world = World::new();
    let mut deleting = world.server.get(PATH).unwrap();
    deleting["metadata"]["deletionTimestamp"] = json!("2026-11-24T00:00:00Z");
    deleting["metadata"]["finalizers"] = json!([FINALIZER]);
    let service: HostingService = serde_json::from_value(world.server.put(PATH, deleting)).unwrap();
    let ended = Identity { ended: Some("2026-11-24T00:00:00Z".to_owned()), ..identity() };
    let released = release_finalizer(&world.client, &service, Some(&ended)).await.unwrap().unwrap();
    assert!(released.annotations()[annotation::IDENTITY].contains("ended"));
    assert_eq!(world.server.get(PATH), None);
    assert_eq!(release_finalizer(&world.client, &service, None).await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn a_status_write_sends_no_managed_fields_and_nothing_else_changes() {
    let world = World::new();
    let status = HostingServiceStatus { phase: Some(Phase::Active), ..Default::default() };
    let written = write_status(&world.client, &world.service, status).await.unwrap();
    assert_eq!(written.status.unwrap().phase, Some(Phase::Active));
    let (uri, body) = world.server.requests(&Method::PUT).remove(0);
    assert!(uri.path().ends_with("/alice/status") && body["metadata"]["managedFields"].is_null(), "{uri} {body}");
    assert!(world.stored().metadata.managed_fields.is_some());
}

#[tokio::test(start_paused = true)]
async fn the_status_of_a_cluster_scoped_object_is_written_the_same_way() {
    let server = Scripted::default();
    let path = "/apis/hostwright.dev/v1alpha1/packages/small";
    let package = Package::new("small", PackageSpec::default());
    let package: Package = serde_json::from_value(server.put(path, serde_json::to_value(package).unwrap())).unwrap();
    let status = PackageStatus { observed_generation: Some(3), ..Default::default() };
    let written = write_status_of(&server.client(), &package, status.clone()).await.unwrap();
    assert_eq!(written.status, Some(status.clone()));
    let error = write_status_of(&server.client(), &package, status).await.unwrap_err();
    assert_eq!(error, WriteError::Conflict);
}

#[tokio::test(start_paused = true)]
async fn an_outcome_survives_edits_that_come_in_between() {
    let world = World::new();
    world.server.trouble(&Method::PUT, [edit_meanwhile(), edit_meanwhile()]);
    let written = world.count().await.unwrap().unwrap();
    assert_eq!((written.status.unwrap().epoch, world.epoch(), world.tries()), (1, 1, 3));
    assert_eq!(written.metadata.labels.unwrap()["edited"], "yes");
}

#[tokio::test(start_paused = true)]
async fn an_outcome_survives_an_api_server_that_is_away_for_a_while() {
    let world = World::new();
    world.server.trouble(&Method::PUT, [Trouble::Refuse(503), Trouble::Hang, Trouble::Refuse(429)]);
    world.server.trouble(&Method::GET, [Trouble::Refuse(500), Trouble::Hang]);
    assert!(world.count().await.unwrap().is_some());
    assert_eq!(world.epoch(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_outcome_whose_write_landed_without_an_answer_is_not_written_twice() {
    let world = World::new();
    world.server.trouble(&Method::PUT, [Trouble::LoseAnswer(504)]);
    let written = world.count().await.unwrap().unwrap();
    assert_eq!((written.status.unwrap().epoch, world.epoch(), world.tries()), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_outcome_is_dropped_with_its_object() {
    let world = World::new();
    world.server.delete(PATH);
    assert_eq!(world.count().await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn an_outcome_never_lands_on_another_object_of_the_same_name() {
    let world = World::new();
    let mut other = world.server.get(PATH).unwrap();
    other["metadata"]["uid"] = json!("another");
    world.server.put(PATH, other);
    assert_eq!(world.count().await, Ok(None));
    assert_eq!(world.epoch(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_is_refused_is_not_tried_again() {
    let world = World::new();
    world.server.trouble(&Method::PUT, [Trouble::Refuse(422)]);
    assert_eq!(world.count().await.unwrap_err(), WriteError::Refused("answered 422".to_owned()));
    assert_eq!(world.tries(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_last_failure_is_told_after_enough_tries() {
    let world = World::new();
    world.server.trouble(&Method::PUT, (0..20).map(|_| Trouble::Refuse(503)));
    assert_eq!(world.count().await.unwrap_err(), WriteError::Unanswered("answered 503".to_owned()));
    assert!(world.tries() >= 8);
}
