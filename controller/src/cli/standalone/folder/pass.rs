//! Applying everything that the files say, each object for itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use kube::api::DynamicObject;
use kube::{Api, Client};

use super::super::super::manifests::document::Lines;
use super::super::voice::Remark;
use super::apply::{Applied, Change, Item, apply};
use super::manifest::{Manifest, Problem};
use super::target::{Catalogue, Key};
use crate::kube::{WriteError, bounded};

/// What came of it.
pub(super) struct Outcome {
    /// The kinds that the API has in the end.
    pub(super) catalogue: Catalogue,
    /// Every object that the files ask for, whether or not it could be applied.
    pub(super) wanted: BTreeSet<Key>,
    pub(super) problems: Vec<Problem>,
    /// Where something is asked for of which nobody knows what it is.
    pub(super) unknown: Vec<Problem>,
    /// The objects that are as the files say.
    pub(super) places: Places,
    /// What was done to become so.
    pub(super) done: Vec<Remark>,
}

/// Where each object is written.
pub(super) type Places = BTreeMap<Key, Placed>;

/// Where an object is written, and what it became.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) file: PathBuf,
    pub(super) lines: Lines,
    /// That of the object since then; what was found about an earlier one does not count.
    pub(super) generation: Option<i64>,
}

/// Applies all of them in an order that works. Definitions come first, since they make kinds that others are of.
///
/// # Errors
/// When the API does not say which kinds it has.
pub(super) async fn apply_all(
    client: &Client,
    folder: &str,
    namespace: &'static str,
    manifests: Vec<Manifest>,
) -> Result<Outcome, WriteError> {
    let ask = || bounded(Catalogue::ask(client, namespace));
    let (definitions, others): (Vec<_>, Vec<_>) = manifests.into_iter().partition(is_definition);
    let has_definitions = !definitions.is_empty();
    let mut outcome = Outcome {
        catalogue: ask().await?,
        wanted: BTreeSet::new(),
        problems: Vec::new(),
        unknown: Vec::new(),
        places: Places::new(),
        done: Vec::new(),
    };
    outcome.apply(folder, definitions).await;
    if has_definitions {
        outcome.catalogue = ask().await?;
    }
    outcome.apply(folder, others).await;
    Ok(outcome)
}

fn is_definition(manifest: &Manifest) -> bool {
    manifest.kind.kind == "CustomResourceDefinition"
}

type Found = (Api<DynamicObject>, Manifest);

impl Outcome {
    async fn apply(&mut self, folder: &str, manifests: Vec<Manifest>) {
        for (key, found) in self.find(manifests) {
            match found.as_slice() {
                [(api, manifest)] => {
                    let done = apply(&Item { api, key: &key, manifest, folder }).await;
                    self.note(&key, manifest, done);
                }
                twice => self.refuse_both(&key, twice),
            }
            self.wanted.insert(key);
        }
    }

    /// The objects that these are about, in the order in which they are applied.
    fn find(&mut self, manifests: Vec<Manifest>) -> Vec<(Key, Vec<Found>)> {
        let mut found: BTreeMap<Key, Vec<Found>> = BTreeMap::new();
        for manifest in manifests {
            match self.catalogue.find(&manifest) {
                Ok((key, api)) => found.entry(key).or_default().push((api, manifest)),
                Err((field, text)) => {
                    self.unknown.push(Problem { place: manifest.place_of(field), text, may_pass: true });
                }
            }
        }
        let mut found: Vec<_> = found.into_iter().collect();
        found.sort_by_key(|(key, found)| (key.rank(), found.first().map(|(_, manifest)| manifest.place())));
        found
    }

    fn note(&mut self, key: &Key, manifest: &Manifest, done: Result<Applied, Vec<Problem>>) {
        let Applied { change, taken, generation } = match done {
            Ok(applied) => applied,
            Err(problems) => {
                self.problems.extend(problems);
                return;
            }
        };
        let (file, lines) = (manifest.file.clone(), manifest.lines.clone());
        self.places.insert(key.clone(), Placed { file, lines, generation });
        let place = manifest.place();
        let what = match change {
            Change::Created => "created",
            Change::Changed => "changed",
            Change::None => return,
        };
        self.done.push(if taken.is_empty() {
            Remark::Note(format!("{place}: {key}: {what}"))
        } else {
            let taken = taken.join(", ");
            let why = format!("somebody else had set {taken}, and the file is right about what it names");
            Remark::Warning(format!("{place}: {key}: {what}; {why}"))
        });
    }

    /// Which of them is meant is not known, and each pass would undo the other.
    fn refuse_both(&mut self, key: &Key, found: &[Found]) {
        for (_, manifest) in found {
            let others = found.iter().map(|(_, other)| other.place()).filter(|place| *place != manifest.place());
            let others = others.map(|place| place.to_string()).collect::<Vec<_>>().join(" and ");
            let text = format!("{key}: is written at {others} too, and none of them is applied; remove all but one");
            self.problems.push(Problem { place: manifest.place(), text, may_pass: false });
        }
    }
}
