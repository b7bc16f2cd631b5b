//! Giving the installation to another cluster, and taking it back.

use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::{Value, json};

use super::super::cluster::answer;
use super::super::failure::Failure;
use super::super::installed::Installed;
use super::collect::Collected;
use crate::kube::installation;

/// Refuses where a remote would be left without an object that knows it.
pub(super) fn check(collected: &Collected) -> Result<(), Failure> {
    let lost: Vec<String> =
        collected.left_out.iter().filter(|one| one.has_remote()).map(|one| one.object.clone()).collect();
    if lost.is_empty() {
        return Ok(());
    }
    Err(Failure::failed(format!(
        "being deleted, and their servers are still there: {}. No cluster would know of these servers any more. Wait until they \
         are gone, or let them go and keep their servers: deletionPolicy Retain. Nothing was handed over or exported",
        lost.join(", ")
    )))
}

/// Writes down that another cluster has it from now on. The controller sees that, and does nothing any more.
pub(super) async fn hand_over(client: &Client, installed: &Installed) -> Result<(), Failure> {
    if installed.handed_over().is_some() {
        return Ok(());
    }
    let Some(record) = installed.record() else {
        return Err(Failure::failed(format!(
            "no controller ever ran with the namespace {}: there is nothing to hand over; leave out --hand-over",
            installed.namespace()
        )));
    };
    write(client, record, &json!(Timestamp::now().to_string())).await
}

/// Writes down that this cluster has it again.
pub(super) async fn take_back(client: &Client, installed: &Installed) -> Result<(), Failure> {
    match installed.record() {
        Some(record) => write(client, record, &Value::Null).await,
        None => Ok(()),
    }
}

/// On the very version that was read.
async fn write(client: &Client, record: &ConfigMap, since: &Value) -> Result<(), Failure> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), &record.namespace().unwrap_or_default());
    let patch = json!({
        "metadata": {"uid": record.uid(), "resourceVersion": record.resource_version()},
        "data": {installation::HANDED_OVER: since},
    });
    let params = PatchParams { field_manager: Some("hostwright-export".to_owned()), ..PatchParams::default() };
    let written = answer(api.patch(installation::NAME, &params, &Patch::Merge(patch))).await;
    written.map(drop).map_err(|refusal| {
        let namespace = record.namespace().unwrap_or_default();
        Failure::failed(format!(
            "ConfigMap {namespace}/{} cannot be changed: {refusal}; run this again",
            installation::NAME
        ))
    })
}
