//! One object in the place of another of the same name.

use std::time::Duration;

use kube::ResourceExt as _;
use kube::api::{DeleteParams, DynamicObject, PostParams, Preconditions};
use serde_json::{Value, json};

use super::super::cluster::{Refusal, answer};
use super::super::delete::{Doomed, until_gone};
use super::super::failure::Failure;
use super::super::output::Output;
use super::super::patch::{explained, refused};
use super::super::service::Service;
use super::MANAGER;

/// The longest name that a server completes.
const LONGEST_BASE: usize = 200;

/// Asks the server whether it would take the new object, before the old one is gone: as a dry run under another name.
pub(super) async fn check(service: &Service, manifest: &Value) -> Result<(), Failure> {
    let mut trial = manifest.clone();
    let base: String = service.object.name_any().chars().take(LONGEST_BASE).collect();
    if let Some(metadata) = trial["metadata"].as_object_mut() {
        metadata.remove("name");
        metadata.insert("generateName".to_owned(), json!(format!("{base}-")));
    }
    create(service, trial, true).await.map(drop).map_err(|refusal| Failure::failed(explained(service, &refusal)))
}

/// Deletes what was read, and nothing that was edited since: the order that is made again is this one.
pub(super) async fn delete(service: &Service) -> Result<(), Refusal> {
    let preconditions =
        Preconditions { uid: service.object.uid(), resource_version: service.object.resource_version() };
    let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::background() };
    answer(service.api.delete(&service.object.name_any(), &params)).await.map(drop)
}

/// Waits until the old object is gone, and makes the new one. One that somebody else made meanwhile stays as it is.
pub(super) async fn make_again(
    service: &Service,
    manifest: &Value,
    timeout: Duration,
    output: &Output,
) -> Result<(), Failure> {
    let doomed = Doomed { kind: service.kind.clone(), api: service.api.clone(), object: service.object.clone() };
    until_gone(vec![doomed], timeout, output).await?;
    match create(service, manifest.clone(), false).await {
        Ok(_) => Ok(()),
        Err(Refusal::Answered(status)) if status.code == 409 => Err(Failure::failed(format!(
            "{} was made anew by somebody else meanwhile, perhaps from git, and stays as they made it: compare the two",
            service.title()
        ))),
        Err(refusal) => Err(Failure::failed(refused(service, &refusal))),
    }
}

async fn create(service: &Service, manifest: Value, dry_run: bool) -> Result<DynamicObject, Refusal> {
    let object: DynamicObject = serde_json::from_value(manifest)
        .map_err(|error| Refusal::Unanswered(format!("the new object cannot be written: {error}")))?;
    let params = PostParams { dry_run, field_manager: Some(MANAGER.to_owned()) };
    answer(service.api.create(&params, &object)).await
}

#[cfg(test)]
mod tests {
    use kube::api::{Patch, PatchParams};

    use super::super::super::service::fixture::{alice, cluster, order};
    use super::*;

    async fn ended() -> Service {
        alice(&cluster().await, |_| {}, json!({"phase": "Terminated"})).await
    }

    async fn made_again(service: &Service) -> Result<(), Failure> {
        make_again(service, &order(), Duration::from_secs(5), &Output::detect()).await
    }

    #[tokio::test]
    async fn another_object_takes_the_place_of_the_one_that_was_read() {
        let service = ended().await;
        check(&service, &order()).await.unwrap();
        assert_eq!(service.again().await.object, service.object, "a trial changes nothing");
        delete(&service).await.unwrap();
        made_again(&service).await.unwrap();
        let after = service.again().await;
        assert_ne!(after.object.uid(), service.object.uid());
        assert_eq!(after.text("/status/phase"), "", "nothing of the old one");
    }

    #[tokio::test]
    async fn an_order_that_the_server_would_refuse_is_found_out_while_the_old_object_is_there() {
        let service = ended().await;
        let mut wrong = order();
        wrong["spec"]["owner"]["email"] = json!("a");
        let said = check(&service, &wrong).await.unwrap_err();
        let said = said.message().unwrap_or_default();
        assert!(said.contains("alice: spec.owner.email: ") && said.ends_with("nothing was changed"), "{said}");
    }

    #[tokio::test]
    async fn one_that_was_edited_since_is_not_deleted() {
        let service = ended().await;
        let edit = Patch::Merge(json!({"spec": {"paused": true}}));
        service.api.patch("alice", &PatchParams::default(), &edit).await.unwrap();
        let refusal = delete(&service).await.unwrap_err();
        assert!(refusal.is_definite() && explained(&service, &refusal).contains("changed meanwhile"), "{refusal}");
        assert_eq!(*service.again().await.at("/spec/paused"), true);
    }

    #[tokio::test]
    async fn one_that_somebody_else_made_meanwhile_stays_theirs() {
        let service = ended().await;
        delete(&service).await.unwrap();
        let theirs = serde_json::from_value(order()).unwrap();
        let theirs = service.api.create(&PostParams::default(), &theirs).await.unwrap();
        let said = made_again(&service).await.unwrap_err();
        assert!(said.message().unwrap_or_default().contains("made anew by somebody else"), "{said:?}");
        assert_eq!(service.again().await.object.uid(), theirs.uid());
    }
}
