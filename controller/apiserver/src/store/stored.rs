//! One version of an object, as it is kept in memory.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use super::Key;
use crate::object;

/// An object as text. That takes a tenth of the memory of a tree of values, and can be sent as it is.
#[derive(Debug)]
pub(crate) struct Stored {
    key: Key,
    revision: u64,
    text: Box<str>,
    /// The uids of its owners.
    owners: Box<[Box<str>]>,
    /// The id of the resource whose clients are shown just this text; 0 while there is none.
    shown_by: AtomicU64,
}

impl Stored {
    pub(crate) fn new(value: &Value, revision: u64, shown_by: Option<u64>) -> Self {
        Self::with_text(value, revision, value.to_string().into_boxed_str(), shown_by)
    }

    /// An object whose text is known already.
    pub(crate) fn with_text(value: &Value, revision: u64, text: Box<str>, shown_by: Option<u64>) -> Self {
        let owners = object::meta(value, "ownerReferences").as_array().into_iter().flatten();
        Self {
            key: (object::namespace(value).to_owned(), object::name(value).to_owned()),
            revision,
            text,
            owners: owners.filter_map(|owner| owner["uid"].as_str().map(Into::into)).collect(),
            shown_by: AtomicU64::new(shown_by.unwrap_or_default()),
        }
    }

    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn owners(&self) -> impl Iterator<Item = &str> {
        self.owners.iter().map(AsRef::as_ref)
    }

    /// The object as a tree, made anew each time.
    pub(crate) fn value(&self) -> Value {
        // What was written as JSON, or was read from disk and checked, is JSON.
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// Whether clients of this resource are shown just this text.
    pub(crate) fn is_shown_by(&self, resource: u64) -> bool {
        self.shown_by.load(Ordering::Relaxed) == resource
    }

    /// Notes that they are.
    pub(crate) fn note_shown_by(&self, resource: u64) {
        self.shown_by.store(resource, Ordering::Relaxed);
    }
}
