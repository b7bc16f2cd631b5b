//! The clock of the API server, by the Date header of what it answers.

use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderMap;
use http::header::DATE;
use k8s_openapi::jiff::Timestamp;
use k8s_openapi::jiff::fmt::rfc2822;
use kube::Client;
use tokio::time::Instant;

/// What the API server's clock shows.
#[derive(Debug, Clone, Default)]
pub struct ServerTime {
    /// The last date it told, and when.
    told: Arc<Mutex<Option<(Timestamp, Instant)>>>,
}

impl ServerTime {
    /// A client whose answers tell the time.
    pub fn noting(&self, client: Client) -> Client {
        let (this, namespace) = (self.clone(), client.default_namespace().to_owned());
        let noting = tower::service_fn(move |request| {
            let (this, client) = (this.clone(), client.clone());
            async move {
                let answer = client.send(request).await?;
                this.note(answer.headers());
                Ok::<_, kube::Error>(answer)
            }
        });
        Client::new(noting, namespace)
    }

    /// What it shows now; None where it never told. The embedded API tells nothing: its clock is this machine's.
    pub fn now(&self) -> Option<Timestamp> {
        let (date, then) = (*self.told.lock().unwrap_or_else(PoisonError::into_inner))?;
        date.saturating_add(then.elapsed()).ok()
    }

    fn note(&self, headers: &HeaderMap) {
        let date = headers.get(DATE).and_then(|date| rfc2822::parse(date.to_str().ok()?).ok());
        if let Some(date) = date {
            let told = (date.timestamp(), Instant::now());
            *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn headers(date: &str) -> HeaderMap {
        HeaderMap::from_iter([(DATE, date.parse().unwrap())])
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_date_that_was_told_runs_on() {
        let server = ServerTime::default();
        assert_eq!(server.now(), None);
        server.note(&headers("Tue, 15 Nov 1994 08:12:31 GMT"));
        server.note(&headers("yesterday"));
        tokio::time::advance(Duration::from_secs(29)).await;
        assert_eq!(server.now(), Some("1994-11-15T08:13:00Z".parse().unwrap()));
    }
}
