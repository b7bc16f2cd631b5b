//! What a cluster without nodes lacks: it runs the Pods of the chart's Deployment as processes of this machine, with the
//! arguments, the environment and the rights that the Deployment says, and nothing else.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use futures::TryStreamExt as _;
use hostwright_tests::kube::{ControlPlane, ServiceAccount};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Container, EnvVar};
use kube::api::{Patch, PatchParams};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, ResourceExt as _};
use serde_json::json;

use crate::cluster::SYSTEM;

/// Runs Pods until it is aborted.
pub async fn run(plane: Arc<ControlPlane>, folder: PathBuf) {
    let api: Api<Deployment> = Api::namespaced(plane.admin().client().await, SYSTEM);
    let mut changes = Box::pin(watcher(api.clone(), watcher::Config::default()));
    let mut pods = Vec::new();
    let mut seen = None;
    while let Some(event) = changes.try_next().await.unwrap() {
        match event {
            Event::Apply(deployment) | Event::InitApply(deployment) => {
                let generation = (deployment.uid(), deployment.metadata.generation);
                // Its status is written here, and is no news.
                if seen.replace(generation.clone()) != Some(generation) {
                    pods.clear();
                    pods = start(&plane, &folder, &deployment);
                    report(&api, &deployment).await;
                }
            }
            Event::Delete(_) => pods.clear(),
            Event::Init | Event::InitDone => {}
        }
    }
}

/// One process for each replica.
fn start(plane: &ControlPlane, folder: &Path, deployment: &Deployment) -> Vec<Pod> {
    let spec = deployment.spec.as_ref().unwrap();
    let template = spec.template.spec.as_ref().unwrap();
    let account = ServiceAccount { namespace: SYSTEM, name: template.service_account_name.as_deref().unwrap() };
    let kubeconfig = plane.kubeconfig_of(account);
    let generation = deployment.metadata.generation.unwrap();
    (0..spec.replicas.unwrap())
        .map(|replica| {
            Pod::start(&template.containers[0], &kubeconfig, folder, &format!("hostwright-{generation}-{replica}"))
        })
        .collect()
}

async fn report(api: &Api<Deployment>, deployment: &Deployment) {
    let replicas = deployment.spec.as_ref().and_then(|spec| spec.replicas);
    let status = json!({"status": {
        "observedGeneration": deployment.metadata.generation,
        "replicas": replicas, "updatedReplicas": replicas, "readyReplicas": replicas, "availableReplicas": replicas,
    }});
    let written = api.patch_status(&deployment.name_any(), &PatchParams::default(), &Patch::Merge(status)).await;
    // It may have been deleted meanwhile.
    assert!(written.is_ok() || api.get_opt(&deployment.name_any()).await.unwrap().is_none(), "{written:?}");
}

/// A running controller. It is asked to end, and waited for, when this is dropped.
struct Pod(Child);

impl Pod {
    fn start(container: &Container, kubeconfig: &Path, folder: &Path, name: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hostwright"));
        command.args(container.args.iter().flatten()).env_clear().env("KUBECONFIG", kubeconfig);
        for variable in container.env.iter().flatten() {
            command.env(&variable.name, value(variable, name));
        }
        let log = File::create(folder.join(format!("{name}.log"))).unwrap();
        Self(command.stdin(Stdio::null()).stderr(log).spawn().unwrap())
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        // One that has ended already cannot be asked.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

fn value(variable: &EnvVar, pod: &str) -> String {
    let source = variable.value_from.as_ref().and_then(|source| source.field_ref.as_ref());
    match source.map(|field| field.field_path.as_str()) {
        None => variable.value.clone().unwrap_or_default(),
        Some("metadata.namespace") => SYSTEM.to_owned(),
        Some("metadata.name") => pod.to_owned(),
        Some(other) => panic!("{}: this test knows no field {other}", variable.name),
    }
}
