//! A folder of manifests: what its files say is applied, at every start, at every change, and from time to time.

mod apply;
mod document;
mod manifest;
mod owned;
mod pass;
mod prune;
mod pruning;
mod report;
mod rhythm;
mod scan;
mod target;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::Client;
use tokio::time::{Instant, MissedTickBehavior};

use super::SERVICES_NAMESPACE;
use manifest::Contents;
use report::{Remark, Report};
use rhythm::{Done, Rhythm, Work};
use scan::{Snapshot, Stamp};

/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The folder, kept applied.
pub(super) struct Folder {
    root: PathBuf,
    client: Client,
    prune_after: Option<Duration>,
    rhythm: Rhythm,
    report: Report,
}

impl Folder {
    /// `prune_after` is how long the folder has to be at rest before anything is deleted; none, and nothing ever is.
    pub(super) fn new(root: &Path, client: Client, prune_after: Option<Duration>) -> std::io::Result<Self> {
        let root = std::path::absolute(root)?;
        Ok(Self { root, client, prune_after, rhythm: Rhythm::new(Instant::now()), report: Report::default() })
    }

    /// Applies it until dropped, which is safe at any moment.
    pub(super) async fn keep_applied(mut self) -> Infallible {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let snapshot = self.look().await;
            if let Some(work) = self.rhythm.see(snapshot.clone(), Instant::now()) {
                let (contents, read) = self.read(&work).await;
                let done = self.pass(&snapshot, &work, contents, &read).await;
                self.rhythm.did(&work, read, done, Instant::now());
            }
        }
    }

    async fn look(&self) -> Snapshot {
        let root = self.root.clone();
        // Fails only while the process ends.
        tokio::task::spawn_blocking(move || scan::scan(&root)).await.unwrap_or_default()
    }

    /// What the files say, and which of them said it.
    async fn read(&self, work: &Work) -> (Contents, BTreeMap<PathBuf, Stamp>) {
        let (root, files) = (self.root.clone(), work.files.clone());
        let read = move || manifest::read(&files, |file, stamp| scan::read(&root, file, stamp));
        tokio::task::spawn_blocking(read).await.unwrap_or_default()
    }

    /// Applies everything once, and says what is new about it.
    async fn pass(
        &mut self,
        snapshot: &Snapshot,
        work: &Work,
        contents: Contents,
        read: &BTreeMap<PathBuf, Stamp>,
    ) -> Done {
        let folder = self.name();
        let mut gaps = gaps(snapshot, read, &contents);
        let Contents { manifests, problems, .. } = contents;
        let outcome = match pass::apply_all(&self.client, &folder, SERVICES_NAMESPACE, manifests).await {
            Ok(outcome) => outcome,
            Err(error) => {
                let text = format!("{folder}: nothing can be applied: {error}");
                report::say(&self.report.news([Remark::Problem(text)].into()));
                return Done { try_again: true, wait: None };
            }
        };
        gaps.extend(outcome.unknown.iter().map(|problem| format!("{} is not understood", problem.place)));
        let pruned = self.prune(&outcome, gaps, work).await;
        let problems: Vec<_> = problems.iter().chain(&outcome.problems).chain(&outcome.unknown).collect();
        let seen =
            snapshot.problems.iter().map(|(path, problem)| format!("{}: {problem}", self.root.join(path).display()));
        let said = problems.iter().map(ToString::to_string).chain(seen).map(Remark::Problem);
        let news = self.report.news(said.chain(pruned.remarks).collect());
        report::say(&news);
        if outcome.changed > 0 || !news.is_empty() {
            let (applied, problems) = (outcome.applied, problems.len() + snapshot.problems.len());
            tracing::info!(folder, files = read.len(), applied, problems, "the folder was applied");
        }
        let try_again = pruned.try_again || problems.iter().any(|problem| problem.may_pass);
        Done { try_again, wait: pruned.wait }
    }

    /// The folder as objects and people are told it.
    fn name(&self) -> String {
        self.root.display().to_string()
    }
}

/// Why the files may ask for more than was understood of them.
fn gaps(snapshot: &Snapshot, read: &BTreeMap<PathBuf, Stamp>, contents: &Contents) -> Vec<String> {
    let shown =
        |path: &Path| if path.as_os_str().is_empty() { "the folder".to_owned() } else { path.display().to_string() };
    let unseen = snapshot.problems.iter().map(|(path, problem)| format!("{} {problem}", shown(path)));
    let empty = snapshot.empty.iter().map(|path| format!("{} is empty, as where something was mounted", shown(path)));
    let moving = snapshot.files.keys().filter(|file| !read.contains_key(*file));
    let moving = moving.map(|file| format!("{} is being written", shown(file)));
    let unread = contents.problems.iter().map(|problem| format!("{} is not understood", problem.place));
    let blank = contents.blank.iter().map(|file| format!("{} holds no object; remove it, or write it", shown(file)));
    let nothing = contents.manifests.is_empty().then(|| "no file asks for anything".to_owned());
    unseen.chain(empty).chain(moving).chain(unread).chain(blank).chain(nothing).collect()
}

#[cfg(test)]
mod tests;
