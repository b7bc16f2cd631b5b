//! Passes that fail: one broken object, or one panic, harms that object only, and is tried again with growing pauses.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use kube::runtime::controller::Action;
use kube::{Resource, ResourceExt as _};
use serde::de::DeserializeOwned;

use crate::kube::WriteError;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// What can be watched and reconciled.
pub(super) trait Watched:
    Resource<DynamicType: Default + Clone + Eq + Hash + Debug + Unpin + Send + Sync>
    + Clone
    + Debug
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
}

impl<K> Watched for K
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    K::DynamicType: Default + Clone + Eq + Hash + Debug + Unpin + Send + Sync,
{
}

/// Why a pass failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure<E: std::error::Error + 'static> {
    /// The pass said so.
    #[error(transparent)]
    Pass(E),
    /// It panicked, which is a bug; the message went to standard error.
    #[error("the pass panicked")]
    Panic,
}

/// How often in a row the passes of each object failed, by UID.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<HashMap<String, u32>>);

impl Failures {
    /// Notes a failure, and says how long to pause.
    pub(super) fn pause<K: Watched>(&self, object: &Arc<K>, error: &dyn std::error::Error) -> Action {
        let mut counts = self.lock();
        let count = counts.entry(object.uid().unwrap_or_default()).or_default();
        *count = count.saturating_add(1);
        let pause = FIRST_PAUSE.saturating_mul(1 << (*count - 1).min(16)).min(LONGEST_PAUSE);
        let kind = K::kind(&K::DynamicType::default()).into_owned();
        let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
        // A lost race is how writers learn of each other, and no news; the chain of sources hides its type.
        if error.to_string().ends_with(&WriteError::Conflict.to_string()) {
            tracing::debug!(kind, namespace, name, %error, "another writer was first");
        } else {
            tracing::warn!(kind, namespace, name, failures = *count, %error, ?pause, "the pass failed");
        }
        Action::requeue(pause)
    }

    fn forget(&self, uid: Option<&str>) {
        self.lock().remove(uid.unwrap_or_default());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A pass whose panic is a failure of that pass only.
pub(super) async fn guarded<K, E>(
    failures: Arc<Failures>,
    object: Arc<K>,
    pass: impl Future<Output = Result<Action, E>>,
) -> Result<Action, Failure<E>>
where
    K: Watched,
    E: std::error::Error + 'static,
{
    let outcome = AssertUnwindSafe(pass).catch_unwind().await;
    let action = outcome.map_err(|_panic| Failure::Panic)?.map_err(Failure::Pass)?;
    failures.forget(object.uid().as_deref());
    Ok(action)
}
