//! The record of the installation: which one this is, on which cluster, and which instances it has seen.
//!
//! Remotes are found again by names that begin with the installation's id, so two clusters that share an id and a panel
//! would end each other's services, and a changed id would make every remote anew. The record stops both before the first
//! call. It also says whether another cluster took this installation over, and stays, with the lease, while anything needs
//! the controller.

mod foothold;
mod hand_over;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hostwright_crds::FIELD_MANAGER;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::Client;
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{WriteError, bounded};

/// Name of the `ConfigMap`.
pub const NAME: &str = "hostwright-installation";
/// The longest installation id: it is the first label of names that providers limit.
const ID_LENGTH: usize = 40;
/// Its UID is that of the cluster.
pub const CLUSTER_NAMESPACE: &str = "kube-system";
const ATTEMPTS: u32 = 8;
const PAUSE: Duration = Duration::from_millis(200);

/// The key of the installation id.
pub const ID: &str = "installationId";
/// The key of the UID of the cluster.
pub const CLUSTER: &str = "clusterUid";
const INSTANCES: &str = "instances";
/// The key of the time at which another cluster took this installation over; absent while it is this cluster's.
pub const HANDED_OVER: &str = "handedOver";

/// Why the record cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InstallationError {
    /// The id is none.
    #[error(
        "installation id {0:?}: expected 1 to {ID_LENGTH} lower-case letters, digits and dashes, beginning and ending with \
         a letter or digit; use the name of the cluster or environment, such as prod-eu"
    )]
    InvalidId(String),
    /// The namespace of the record does not exist.
    #[error(
        "namespace {0} does not exist, where the installation's record belongs; create it: kubectl create namespace {0}"
    )]
    NoNamespace(String),
    /// The record is another installation's.
    #[error(
        "ConfigMap {namespace}/{NAME} says that this is the installation {recorded:?}, but {wanted:?} is set; with another \
         id none of its remotes would be found again. Set the installation id back to {recorded:?}. Only where nothing was \
         ever made under {recorded:?}: kubectl -n {namespace} delete configmap {NAME}"
    )]
    OtherInstallation {
        /// Where the record is.
        namespace: String,
        /// The id in it.
        recorded: String,
        /// The id that is set.
        wanted: String,
    },
    /// The record was copied or restored from another cluster.
    #[error(
        "ConfigMap {namespace}/{NAME} belongs to the cluster {recorded} (UID of its namespace {CLUSTER_NAMESPACE}), this is \
         {found}: it was copied or restored. Two clusters with the same installation id end each other's services. While the \
         other one is in use, set another installation id here and delete the copy. Once it is gone for good: \
         kubectl -n {namespace} delete configmap {NAME}; each instance is then confirmed once before anything on it is ended"
    )]
    OtherCluster {
        /// Where the record is.
        namespace: String,
        /// The cluster in it.
        recorded: String,
        /// The cluster this is.
        found: String,
    },
    /// The record has a form that this version does not write.
    #[error("ConfigMap {namespace}/{NAME}, data.{key}: {problem}; expected {expected}. Restore it from a backup")]
    Unreadable {
        /// Where the record is.
        namespace: String,
        /// The key to blame.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// The namespace of the record is being deleted, and takes no new one.
    #[error(
        "namespace {0} is being deleted, and nothing needs it any more; when it is gone, create it again: kubectl create \
         namespace {0}"
    )]
    NamespaceEnding(String),
    /// Something removed the record while this process ran.
    #[error("ConfigMap {namespace}/{NAME} was removed; restart the controller to make it anew")]
    Removed {
        /// Where the record was.
        namespace: String,
    },
    /// It could not be read or written.
    #[error("cannot {what}: {problem}")]
    Api {
        /// What was tried.
        what: String,
        /// Why it failed.
        problem: WriteError,
    },
}

/// The installation's record, open. Clones share it.
#[derive(Clone)]
pub struct Installation {
    client: Client,
    namespace: String,
    id: String,
    cluster: String,
    known: Arc<Mutex<Known>>,
    /// Whether record and lease are known to be held.
    held: Arc<AtomicBool>,
    /// Whether this installation is this cluster's to act for.
    acting: watch::Sender<bool>,
}

/// The record as it was read or written last.
#[derive(Default)]
struct Known {
    metadata: ObjectMeta,
    instances: BTreeMap<String, String>,
    handed_over: Option<String>,
}

impl Installation {
    /// Opens the record in a namespace, and makes it where there is none.
    ///
    /// # Errors
    /// When the id is none, or the record belongs to another installation or cluster: nothing may be called then.
    pub async fn open(client: &Client, namespace: &str, id: &str) -> Result<Self, InstallationError> {
        check_installation_id(id)?;
        let installation = Self {
            client: client.clone(),
            namespace: namespace.to_owned(),
            id: id.to_owned(),
            cluster: cluster_uid(client).await?,
            known: Arc::default(),
            held: Arc::default(),
            acting: watch::Sender::new(true),
        };
        let record = match installation.read().await? {
            Some(record) => record,
            None => installation.create().await?,
        };
        installation.know(record)?;
        Ok(installation)
    }

    /// The installation id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether this cluster has seen the instance before.
    pub fn knows(&self, instance: &str) -> bool {
        self.known().instances.contains_key(instance)
    }

    /// Which panel the instance was when it was added.
    pub fn identity_of(&self, instance: &str) -> Option<String> {
        self.known().instances.get(instance).cloned()
    }

    /// Adds an instance, or replaces its identity.
    ///
    /// # Errors
    /// When the record cannot be written, or is not this installation's any more.
    pub async fn add(&self, instance: &str, identity: &str) -> Result<(), InstallationError> {
        let mut tries = 1;
        while self.identity_of(instance).as_deref() != Some(identity) {
            let problem = match self.write(instance, identity).await {
                Ok(written) => {
                    self.know(written)?;
                    continue;
                }
                Err(problem) => problem,
            };
            if matches!(problem, WriteError::Refused(_)) || tries == ATTEMPTS {
                return Err(self.failed("write", problem));
            }
            tokio::time::sleep(PAUSE * tries).await;
            let latest = self.read().await?;
            let removed = || InstallationError::Removed { namespace: self.namespace.clone() };
            self.know(latest.ok_or_else(removed)?)?;
            tries += 1;
        }
        Ok(())
    }

    async fn read(&self) -> Result<Option<ConfigMap>, InstallationError> {
        bounded(self.api().get_opt(NAME)).await.map_err(|problem| self.failed("read", problem))
    }

    async fn create(&self) -> Result<ConfigMap, InstallationError> {
        let data = [(ID, self.id.as_str()), (CLUSTER, &self.cluster), (INSTANCES, "{}")];
        let record = ConfigMap {
            metadata: ObjectMeta { name: Some(NAME.to_owned()), ..ObjectMeta::default() },
            data: Some(data.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
            ..ConfigMap::default()
        };
        let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        match bounded(self.api().create(&params, &record)).await {
            Ok(created) => Ok(created),
            Err(WriteError::Gone) => Err(InstallationError::NoNamespace(self.namespace.clone())),
            Err(WriteError::NamespaceEnding) => {
                foothold::let_go_of_lease(&self.client, &self.namespace).await?;
                Err(InstallationError::NamespaceEnding(self.namespace.clone()))
            }
            // Another replica was faster: what it wrote is checked like any other.
            Err(problem @ WriteError::Conflict) => self.read().await?.ok_or_else(|| self.failed("create", problem)),
            Err(problem) => Err(self.failed("create", problem)),
        }
    }

    async fn write(&self, instance: &str, identity: &str) -> Result<ConfigMap, WriteError> {
        let mut instances = self.known().instances.clone();
        instances.insert(instance.to_owned(), identity.to_owned());
        self.patch(json!({"data": {INSTANCES: json!(instances).to_string()}})).await
    }

    /// Changes the very version of the record that is known.
    async fn patch(&self, mut patch: Value) -> Result<ConfigMap, WriteError> {
        {
            let known = self.known();
            patch["metadata"]["uid"] = json!(known.metadata.uid);
            patch["metadata"]["resourceVersion"] = json!(known.metadata.resource_version);
        }
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        bounded(self.api().patch(NAME, &params, &Patch::Merge(patch))).await
    }

    /// Remembers a record, once it is checked to be ours.
    fn know(&self, record: ConfigMap) -> Result<(), InstallationError> {
        let known = self.check(record)?;
        self.act_unless(known.handed_over.as_deref());
        *self.known() = known;
        Ok(())
    }

    /// Takes a record for ours, or says why it is not.
    fn check(&self, record: ConfigMap) -> Result<Known, InstallationError> {
        let data = record.data.unwrap_or_default();
        let recorded = self.value(&data, ID, "the installation id")?;
        if recorded != self.id {
            return Err(InstallationError::OtherInstallation {
                namespace: self.namespace.clone(),
                recorded: recorded.to_owned(),
                wanted: self.id.clone(),
            });
        }
        let recorded = self.value(&data, CLUSTER, "the UID of the namespace kube-system")?;
        if recorded != self.cluster {
            return Err(InstallationError::OtherCluster {
                namespace: self.namespace.clone(),
                recorded: recorded.to_owned(),
                found: self.cluster.clone(),
            });
        }
        let expected = "a JSON object of instance names and the identities of their panels";
        let instances = serde_json::from_str(self.value(&data, INSTANCES, expected)?)
            .map_err(|error| self.unreadable(INSTANCES, error.to_string(), expected))?;
        Ok(Known { metadata: record.metadata, instances, handed_over: data.get(HANDED_OVER).cloned() })
    }

    fn value<'a>(
        &self,
        data: &'a BTreeMap<String, String>,
        key: &'static str,
        expected: &'static str,
    ) -> Result<&'a str, InstallationError> {
        let value = data.get(key).map(String::as_str);
        value.ok_or_else(|| self.unreadable(key, "it is missing".to_owned(), expected))
    }

    fn unreadable(&self, key: &'static str, problem: String, expected: &'static str) -> InstallationError {
        InstallationError::Unreadable { namespace: self.namespace.clone(), key, problem, expected }
    }

    fn failed(&self, verb: &str, problem: WriteError) -> InstallationError {
        InstallationError::Api { what: format!("{verb} ConfigMap {}/{NAME}", self.namespace), problem }
    }

    fn api(&self) -> Api<ConfigMap> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which installation the record in a namespace says this is; none where nothing was recorded yet.
///
/// # Errors
/// When it cannot be read, or is none.
pub async fn recorded_installation_id(client: &Client, namespace: &str) -> Result<Option<String>, InstallationError> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let record = bounded(api.get_opt(NAME))
        .await
        .map_err(|problem| InstallationError::Api { what: format!("read ConfigMap {namespace}/{NAME}"), problem })?;
    let Some(record) = record else { return Ok(None) };
    match record.data.and_then(|mut data| data.remove(ID)) {
        Some(id) => check_installation_id(&id).map(|()| Some(id)),
        None => Err(InstallationError::Unreadable {
            namespace: namespace.to_owned(),
            key: ID,
            problem: "it is missing".to_owned(),
            expected: "the installation id",
        }),
    }
}

/// Whether this can be an installation id.
///
/// # Errors
/// [`InstallationError::InvalidId`] when it cannot.
pub fn check_installation_id(id: &str) -> Result<(), InstallationError> {
    if is_valid_id(id) { Ok(()) } else { Err(InstallationError::InvalidId(id.to_owned())) }
}

/// A DNS label, which has no dots: dots separate the parts of external ids and owner keys.
fn is_valid_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=ID_LENGTH).contains(&id.len()) && id.bytes().all(allowed) && !id.starts_with('-') && !id.ends_with('-')
}

async fn cluster_uid(client: &Client) -> Result<String, InstallationError> {
    let failed = |problem| InstallationError::Api {
        what: format!("read namespace {CLUSTER_NAMESPACE}, whose UID identifies the cluster"),
        problem,
    };
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let namespace = bounded(namespaces.get(CLUSTER_NAMESPACE)).await.map_err(failed)?;
    namespace.metadata.uid.ok_or_else(|| failed(WriteError::Unanswered("it has no UID".to_owned())))
}

#[cfg(test)]
mod tests;
