//! Writing an outcome down until it stands there.

use std::time::Duration;

use hostwright_crds::{HostingService, HostingServiceStatus};
use kube::{Client, ResourceExt};
use serde_json::Value;

use super::{live, write_status};
use crate::kube::WriteError;

/// How often it is tried: with the pauses, a little more than half a minute and what the requests take.
const ATTEMPTS: u32 = 10;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Writes the status that `fold` makes of a service, on the given version first, then on the latest, until it lands. For
/// outcomes: what happened at a provider stays true, whatever became of the object meanwhile.
///
/// An outcome is written once: a write without an answer that shows in the latest version has landed.
///
/// The service as written; None when it is gone, be its name taken by another object or not.
///
/// # Errors
/// What the API server refused, or the last failure once it has been tried often enough.
pub async fn fold_status(
    client: &Client,
    service: &HostingService,
    fold: impl Fn(&HostingService) -> HostingServiceStatus,
) -> Result<Option<HostingService>, WriteError> {
    let (namespace, name) = (service.namespace().unwrap_or_default(), service.name_any());
    let mut attempt = Attempt { known: Some(service.clone()), unanswered: Vec::new() };
    let mut pause = FIRST_PAUSE;
    let mut tries = 1;
    loop {
        let latest = match attempt.known.take() {
            Some(known) => Ok(Some(known)),
            None => live(client, &namespace, &name).await,
        };
        let error = match latest {
            Ok(Some(latest)) if latest.metadata.uid == service.metadata.uid => {
                if attempt.has_landed(&latest) {
                    return Ok(Some(latest));
                }
                match attempt.write(client, &latest, fold(&latest)).await {
                    Ok(written) => return Ok(Some(written)),
                    Err(error) => error,
                }
            }
            Ok(_) => return Ok(None),
            Err(error) => error,
        };
        if matches!(error, WriteError::Refused(_)) || tries == ATTEMPTS {
            return Err(error);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
        tries += 1;
    }
}

struct Attempt {
    /// The version to try on; None when it must be read.
    known: Option<HostingService>,
    /// Statuses that may have landed.
    unanswered: Vec<Value>,
}

impl Attempt {
    async fn write(
        &mut self,
        client: &Client,
        latest: &HostingService,
        status: HostingServiceStatus,
    ) -> Result<HostingService, WriteError> {
        let sent = as_stored(&status);
        let written = write_status(client, latest, status).await;
        if matches!(written, Err(WriteError::Unanswered(_))) {
            self.unanswered.push(sent);
        }
        written
    }

    /// Nobody else writes status, so one equal to what was sent is what was sent.
    fn has_landed(&self, latest: &HostingService) -> bool {
        let stored = as_stored(&latest.status.clone().unwrap_or_default());
        self.unanswered.contains(&stored)
    }
}

/// As JSON, in which the server keeps it: times lose their fractions there.
fn as_stored(status: &HostingServiceStatus) -> Value {
    serde_json::to_value(status).unwrap_or_default()
}
