//! An installation that another cluster took over: this controller does nothing from then on, and begins again when that
//! is taken back.

use futures::TryStreamExt as _;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use tokio::sync::watch;

use super::{HANDED_OVER, Installation, NAME};

impl Installation {
    /// Whether this controller may act for the installation, as it changes.
    pub fn acting(&self) -> watch::Receiver<bool> {
        self.acting.subscribe()
    }

    /// Follows the record, for ever.
    pub async fn follow(self) {
        let record = watcher::Config::default().fields(&format!("metadata.name={NAME}"));
        let events = watcher(self.api(), record).default_backoff().try_for_each(|event| {
            if let Event::Apply(record) | Event::InitApply(record) = event {
                self.act_unless(record.data.as_ref().and_then(|data| data.get(HANDED_OVER)).map(String::as_str));
            }
            std::future::ready(Ok(()))
        });
        if let Err(error) = events.await {
            tracing::error!(%error, "the watch of the installation's record ended");
        }
    }

    pub(super) fn act_unless(&self, handed_over: Option<&str>) {
        let changed = self
            .acting
            .send_if_modified(|acting| std::mem::replace(acting, handed_over.is_none()) == handed_over.is_some());
        match handed_over {
            Some(at) if changed => tracing::error!(
                since = at,
                "this installation was handed over to another cluster, which acts on its servers now; this controller does \
                 nothing. If no other one does: hostwright export --take-back"
            ),
            None if changed => tracing::info!("this installation was taken back; the controller goes on"),
            Some(_) | None => {}
        }
    }
}
