//! What the controller itself stands on: the installation's record and the lease, both in its own namespace.
//!
//! Without them no controller can lead, in a namespace that is being deleted none can be made anew, and then nobody would
//! be left to end the servers of the services that go at the same time. So both are held by a finalizer while anything has
//! ours, and let go when nothing does.

use std::fmt::Debug;
use std::sync::atomic::Ordering;

use hostwright_crds::{FIELD_MANAGER, FINALIZER, HostingService, IN_USE, ProviderInstance};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{ListParams, PostParams};
use kube::{Api, Client, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{ATTEMPTS, Installation, InstallationError, PAUSE};
use crate::kube::{WriteError, bounded, lease};

impl Installation {
    /// Holds record and lease. Call it before anything gets a finalizer of ours; after the first time it costs nothing.
    ///
    /// # Errors
    /// When that cannot be written down: nothing may be held then.
    pub async fn hold(&self) -> Result<(), InstallationError> {
        if self.held.load(Ordering::SeqCst) {
            return Ok(());
        }
        if self.known().metadata.uid.is_none() {
            // It was let go, and its namespace is used again.
            let record = self.create().await?;
            self.know(record)?;
        }
        self.set_on_record(true).await?;
        let failed = |problem| self.about_lease(problem);
        set_on_lease(&self.client, &self.namespace, true).await.map_err(failed)?;
        self.held.store(true, Ordering::SeqCst);
        Ok(())
    }

    /// Whether record and lease may be held by us.
    pub fn is_held(&self) -> bool {
        self.held.load(Ordering::SeqCst) || is_in_use(self.known().metadata.finalizers.as_deref())
    }

    /// Lets record and lease go where nothing needs the controller.
    ///
    /// # Errors
    /// When that cannot be read or written.
    pub async fn let_go_if_unneeded(&self) -> Result<(), InstallationError> {
        if is_needed(&self.client).await.map_err(|problem| self.failed("read what needs", problem))? {
            return Ok(());
        }
        self.held.store(false, Ordering::SeqCst);
        self.set_on_record(false).await?;
        let failed = |problem| self.about_lease(problem);
        set_on_lease(&self.client, &self.namespace, false).await.map_err(failed)?;
        Ok(())
    }

    async fn set_on_record(&self, held: bool) -> Result<(), InstallationError> {
        for attempt in 1..=ATTEMPTS {
            let finalizers = self.known().metadata.finalizers.clone();
            if is_in_use(finalizers.as_deref()) == held || (held && self.known().metadata.deletion_timestamp.is_some())
            {
                return Ok(());
            }
            match self.patch(json!({"metadata": {"finalizers": changed(finalizers, held)}})).await {
                Ok(written) if written.metadata.deletion_timestamp.is_some() && !held => {
                    *self.known() = super::Known::default();
                }
                Ok(written) => self.know(written)?,
                Err(problem) if matches!(problem, WriteError::Refused(_)) || attempt == ATTEMPTS => {
                    return Err(self.failed("write", problem));
                }
                Err(_) => {
                    tokio::time::sleep(PAUSE * attempt).await;
                    match self.read().await? {
                        Some(latest) => self.know(latest)?,
                        None if held => return Err(InstallationError::Removed { namespace: self.namespace.clone() }),
                        None => *self.known() = super::Known::default(),
                    }
                }
            }
        }
        Ok(())
    }

    fn about_lease(&self, problem: WriteError) -> InstallationError {
        InstallationError::Api { what: format!("hold or let go Lease {}/{}", self.namespace, lease::NAME), problem }
    }
}

/// Lets go of a lease whose record is gone already, where nothing needs the controller.
pub(super) async fn let_go_of_lease(client: &Client, namespace: &str) -> Result<(), InstallationError> {
    let failed =
        |problem| InstallationError::Api { what: format!("let go Lease {namespace}/{}", lease::NAME), problem };
    if !is_needed(client).await.map_err(failed)? {
        set_on_lease(client, namespace, false).await.map_err(failed)?;
    }
    Ok(())
}

/// Whether anything has a finalizer of ours, which only a controller takes away.
async fn is_needed(client: &Client) -> Result<bool, WriteError> {
    Ok(any_held(Api::<ProviderInstance>::all(client.clone())).await?
        || any_held(Api::<HostingService>::all(client.clone())).await?)
}

async fn any_held<K>(api: Api<K>) -> Result<bool, WriteError>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let list = bounded(api.list_metadata(&ListParams::default())).await?;
    Ok(list.items.iter().any(|object| object.finalizers().iter().any(|finalizer| finalizer == FINALIZER)))
}

/// A process without leader election has no lease.
async fn set_on_lease(client: &Client, namespace: &str, held: bool) -> Result<(), WriteError> {
    let api: Api<Lease> = Api::namespaced(client.clone(), namespace);
    let mut attempt = 1;
    while let Some(mut found) = bounded(api.get_opt(lease::NAME)).await? {
        let is_going = found.metadata.deletion_timestamp.is_some();
        if is_in_use(found.metadata.finalizers.as_deref()) == held || (held && is_going) {
            return Ok(());
        }
        found.metadata.finalizers = Some(changed(found.metadata.finalizers.take(), held));
        found.metadata.managed_fields = None;
        let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        match bounded(api.replace(lease::NAME, &params, &found)).await {
            // The leader renews it every few seconds.
            Err(WriteError::Conflict) if attempt < ATTEMPTS => tokio::time::sleep(PAUSE * attempt).await,
            Ok(_) | Err(WriteError::Gone) => return Ok(()),
            Err(problem) => return Err(problem),
        }
        attempt += 1;
    }
    Ok(())
}

fn is_in_use(finalizers: Option<&[String]>) -> bool {
    finalizers.into_iter().flatten().any(|finalizer| finalizer == IN_USE)
}

fn changed(finalizers: Option<Vec<String>>, held: bool) -> Vec<String> {
    let others = finalizers.into_iter().flatten().filter(|finalizer| finalizer != IN_USE);
    others.chain(held.then(|| IN_USE.to_owned())).collect()
}
