//! A folder of manifests: what its files say is applied, at every start, at every change, and from time to time.

mod apply;
mod findings;
mod manifest;
mod owned;
mod pass;
mod prune;
mod pruning;
mod report;
mod rhythm;
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::StreamExt as _;
use kube::Client;
use tokio::time::{Instant, MissedTickBehavior};

use super::super::manifests::scan::{self, Snapshot, Stamp};
use super::SERVICES_NAMESPACE;
use super::voice::{Remark, Voice};
use findings::Findings;
use manifest::{Contents, Place};
use pass::Outcome;
use report::Report;
use rhythm::{Done, Rhythm, Work};

/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The folder, kept applied.
pub(super) struct Folder {
    root: PathBuf,
    client: Client,
    prune_after: Option<Duration>,
    voice: Voice,
    rhythm: Rhythm,
    findings: Findings,
    /// What the last pass found.
    standing: BTreeSet<Remark>,
    /// What it applied, to find the lines of what becomes of that.
    applied: pass::Places,
    report: Report,
    /// The last summary of a pass.
    summary: String,
}

impl Folder {
    /// `prune_after` is how long the folder has to be at rest before anything is deleted; none, and nothing ever is.
    pub(super) fn new(
        root: &Path,
        client: &Client,
        prune_after: Option<Duration>,
        voice: Voice,
    ) -> std::io::Result<Self> {
        Ok(Self {
            root: std::path::absolute(root)?,
            client: client.clone(),
            prune_after,
            voice,
            rhythm: Rhythm::new(Instant::now()),
            findings: Findings::default(),
            standing: BTreeSet::new(),
            applied: pass::Places::default(),
            report: Report::default(),
            summary: String::new(),
        })
    }

    /// Applies it until dropped, which is safe at any moment.
    pub(super) async fn keep_applied(mut self) -> Infallible {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut changes = findings::changes(&self.client);
        loop {
            tokio::select! {
                _ = looks.tick() => self.look_after_it().await,
                Some(change) = changes.next() => {
                    if self.findings.note(change) {
                        self.tell();
                    }
                }
            }
        }
    }

    /// Applies the folder if that is due.
    async fn look_after_it(&mut self) {
        let snapshot = self.look().await;
        if let Some(work) = self.rhythm.see(snapshot.clone(), Instant::now()) {
            let (contents, read) = self.read(&work).await;
            let done = self.pass(&snapshot, &work, contents, &read).await;
            self.rhythm.did(&work, read, done, Instant::now());
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
                self.standing = [Remark::Problem(format!("{folder}: nothing can be applied: {error}"))].into();
                self.tell();
                return Done { try_again: true, wait: None };
            }
        };
        self.voice.say(&outcome.done);
        gaps.extend(outcome.unknown.iter().map(|problem| format!("{} is not understood", problem.place)));
        let pruned = self.prune(&outcome, gaps, work).await;
        let Outcome { problems: refused, unknown, places, done, .. } = outcome;
        let problems: Vec<_> = problems.into_iter().chain(refused).chain(unknown).collect();
        let place = |path: &Path| if path.as_os_str().is_empty() { folder.clone() } else { path.display().to_string() };
        let unseen = snapshot.problems.iter().map(|(path, problem)| format!("{}: {problem}", place(path)));
        let all: Vec<_> = problems.iter().map(ToString::to_string).chain(unseen).map(Remark::Problem).collect();
        let summary = summary(&folder, read.len(), places.len(), all.len());
        self.standing = all.into_iter().chain(pruned.remarks).collect();
        self.applied = places;
        if self.tell() || !done.is_empty() || summary != self.summary {
            self.voice.say(&[Remark::Note(summary.clone())]);
            self.summary = summary;
        }
        let try_again = pruned.try_again || problems.iter().any(|problem| problem.may_pass);
        Done { try_again, wait: pruned.wait }
    }

    /// Says what stands now and is new. Answers whether anything was.
    fn tell(&mut self) -> bool {
        let found = self.applied.iter().filter_map(|(key, placed)| {
            let finding = self.findings.about(key, placed.generation)?;
            let line = finding.field().map_or(placed.lines.first(), |field| placed.lines.of(field));
            let place = Place { file: placed.file.clone(), line };
            Some(Remark::Problem(format!("{place}: {key}: {finding}")))
        });
        let news = self.report.news(self.standing.iter().cloned().chain(found).collect());
        self.voice.say(&news);
        !news.is_empty()
    }

    /// The folder as objects and people are told it.
    fn name(&self) -> String {
        self.root.display().to_string()
    }
}

fn summary(folder: &str, files: usize, objects: usize, problems: usize) -> String {
    let counted = |count: usize, thing: &str| format!("{count} {thing}{}", if count == 1 { "" } else { "s" });
    let (files, objects) = (counted(files, "file"), counted(objects, "object"));
    let but = if problems > 0 { format!(", {}", counted(problems, "problem")) } else { String::new() };
    format!("{folder}: {files}, {objects} applied{but}")
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
