//! The record of the installation: which one this is, on which cluster, and which instances it has seen.
//!
//! Remotes are found again by names that begin with the installation's id, so two clusters that share an id and a panel
//! would end each other's services, and a changed id would make every remote anew. The record stops both before the first
//! call.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hostwright_crds::FIELD_MANAGER;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::Client;
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use serde_json::json;

use super::{WriteError, bounded};

/// Name of the `ConfigMap`.
pub const NAME: &str = "hostwright-installation";
/// The longest installation id: it is the first label of names that providers limit.
const ID_LENGTH: usize = 40;
/// Its UID is that of the cluster.
const CLUSTER_NAMESPACE: &str = "kube-system";
const ATTEMPTS: u32 = 8;
const PAUSE: Duration = Duration::from_millis(200);

const ID: &str = "installationId";
const CLUSTER: &str = "clusterUid";
const INSTANCES: &str = "instances";

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
}

/// The record as it was read or written last.
struct Known {
    metadata: ObjectMeta,
    instances: BTreeMap<String, String>,
}

impl Installation {
    /// Opens the record in a namespace, and makes it where there is none.
    ///
    /// # Errors
    /// When the id is none, or the record belongs to another installation or cluster: nothing may be called then.
    pub async fn open(client: &Client, namespace: &str, id: &str) -> Result<Self, InstallationError> {
        check_installation_id(id)?;
        let mut installation = Self {
            client: client.clone(),
            namespace: namespace.to_owned(),
            id: id.to_owned(),
            cluster: cluster_uid(client).await?,
            known: Arc::new(Mutex::new(Known { metadata: ObjectMeta::default(), instances: BTreeMap::new() })),
        };
        let record = match installation.read().await? {
            Some(record) => record,
            None => installation.create().await?,
        };
        let known = installation.check(record)?;
        installation.known = Arc::new(Mutex::new(known));
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
                    *self.known() = self.check(written)?;
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
            *self.known() = self.check(latest.ok_or_else(removed)?)?;
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
            // Another replica was faster: what it wrote is checked like any other.
            Err(problem @ WriteError::Conflict) => self.read().await?.ok_or_else(|| self.failed("create", problem)),
            Err(problem) => Err(self.failed("create", problem)),
        }
    }

    async fn write(&self, instance: &str, identity: &str) -> Result<ConfigMap, WriteError> {
        let patch = {
            let known = self.known();
            let mut instances = known.instances.clone();
            instances.insert(instance.to_owned(), identity.to_owned());
            json!({
                "metadata": {"uid": known.metadata.uid, "resourceVersion": known.metadata.resource_version},
                "data": {INSTANCES: json!(instances).to_string()},
            })
        };
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        bounded(self.api().patch(NAME, &params, &Patch::Merge(patch))).await
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
        Ok(Known { metadata: record.metadata, instances })
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
