//! What the server knows of one resource in one version.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::builtin::events;
use crate::column::Column;
use crate::scale::Scale;
use crate::schema::cel::Rules;
use crate::schema::{Schema, apply_defaults, prune};
use crate::status::Subject;
use crate::store::{Key, Stored};

/// Which rules beyond the schema an object follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Custom,
    Namespace,
    Secret,
    ConfigMap,
    /// `v1` events; they are stored in this form.
    CoreEvent,
    /// `events.k8s.io/v1` events: the same objects in other words.
    Event,
    Lease,
    Definition,
}

#[derive(Debug)]
pub(crate) struct Resource {
    /// Of this resource as it is served now; with every change of its definition there is another one.
    pub(crate) id: u64,
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) list_kind: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) namespaced: bool,
    /// The name of the table its objects are in; versions share it, and so do the two groups of events.
    pub(crate) table: String,
    pub(crate) family: Family,
    pub(crate) schema: Schema,
    /// The same with the schema of metadata, for field owners.
    pub(crate) typed_schema: Schema,
    /// The schema as the definition has it, for OpenAPI.
    pub(crate) raw_schema: Value,
    pub(crate) rules: Option<Rules>,
    pub(crate) status: bool,
    pub(crate) scale: Option<Scale>,
    pub(crate) columns: Vec<Column>,
    /// Paths that field selectors may name, without a leading dot.
    pub(crate) selectable: Vec<String>,
    /// Sent as a warning with every answer of a deprecated version.
    pub(crate) deprecation: Option<String>,
    /// The definition is being deleted: nothing new may be created.
    pub(crate) terminating: bool,
}

/// An id that no other resource has.
pub(crate) fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Resource {
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Group and plural name, for errors about an object's place.
    pub(crate) fn subject(&self) -> Subject<'_> {
        Subject { group: &self.group, kind: &self.plural }
    }

    /// Group and kind, for errors about an object's content.
    pub(crate) fn kind_subject(&self) -> Subject<'_> {
        Subject { group: &self.group, kind: &self.kind }
    }

    pub(crate) fn is_custom(&self) -> bool {
        self.family == Family::Custom
    }

    /// Whether objects count the changes of their spec.
    pub(crate) fn has_generation(&self) -> bool {
        matches!(self.family, Family::Custom | Family::Definition)
    }

    /// Namespaces can only be deleted one by one.
    pub(crate) fn deletes_collections(&self) -> bool {
        self.family != Family::Namespace
    }

    /// Whether finalizers in the specification are taken away by a subresource of their own.
    pub(crate) fn finalizes(&self) -> bool {
        self.family == Family::Namespace
    }

    /// Whether an update is judged as a create is, once more.
    pub(crate) fn is_judged_whole(&self) -> bool {
        matches!(self.family, Family::ConfigMap | Family::Secret)
    }

    /// Whether a PUT may leave out the resourceVersion.
    pub(crate) fn unconditional_update(&self) -> bool {
        matches!(
            self.family,
            Family::Namespace | Family::Secret | Family::ConfigMap | Family::CoreEvent | Family::Event
        )
    }

    /// Whether a PUT on a missing name creates the object.
    pub(crate) fn create_on_update(&self) -> bool {
        matches!(self.family, Family::Lease | Family::CoreEvent | Family::Event)
    }

    pub(crate) fn key(&self, namespace: &str, name: &str) -> Key {
        (if self.namespaced { namespace.to_owned() } else { String::new() }, name.to_owned())
    }

    /// An object of this kind in which nothing is set.
    pub(crate) fn skeleton(&self) -> Value {
        let mut object = json!({});
        crate::builtin::shape(self.family, &mut object);
        object
    }

    /// The key in the real server's storage, which some of its errors show.
    pub(crate) fn storage_key(&self, namespace: &str, name: &str) -> String {
        let group = if self.is_custom() || self.family == Family::Definition { self.group.as_str() } else { "" };
        let parts = ["/registry", group, self.plural.as_str(), namespace, name];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
    }

    /// What discovery calls the storage: eight bytes of the hash of group, version and kind, in Base64.
    pub(crate) fn storage_hash(&self) -> String {
        use base64::Engine as _;
        // Where a real server stores a kind in another group or version.
        let (group, version) = match self.family {
            Family::Event => ("", "v1"),
            Family::Definition => (self.group.as_str(), "v1beta1"),
            _ => (self.group.as_str(), self.version.as_str()),
        };
        let digest = Sha256::digest(format!("{group}/{version}/{}", self.kind));
        base64::engine::general_purpose::STANDARD.encode(&digest[..8])
    }

    /// A stored object in the words of this version, with the defaults of today's schema.
    pub(crate) fn present(&self, stored: &Stored) -> Value {
        let mut object = stored.value();
        if stored.is_shown_by(self.id) {
            return object;
        }
        match self.family {
            Family::Event => events::to_events_group(&mut object),
            Family::CoreEvent => events::to_core(&mut object),
            Family::Custom => {
                let other_version = object.get("apiVersion").and_then(Value::as_str) != Some(&self.api_version());
                object["apiVersion"] = json!(self.api_version());
                object["kind"] = json!(self.kind);
                if other_version {
                    prune(&mut object, &self.schema, "", true, &mut Vec::new());
                }
                apply_defaults(&mut object, &self.schema);
            }
            _ => {}
        }
        object
    }

    /// The text of [`Self::present`].
    pub(crate) fn text<'a>(&self, stored: &'a Stored) -> Cow<'a, str> {
        if !stored.is_shown_by(self.id) {
            let text = self.present(stored).to_string();
            if text != stored.text() {
                return Cow::Owned(text);
            }
            // Found out once for all, after a restart or a change of the definition.
            stored.note_shown_by(self.id);
        }
        Cow::Borrowed(stored.text())
    }

    /// The object as it is kept.
    pub(crate) fn store_form(&self, mut object: Value) -> Value {
        if self.family == Family::Event {
            events::to_core(&mut object);
        }
        object
    }

    /// An object in a list; typed lists do not repeat the kind in every item.
    pub(crate) fn item(&self, stored: &Stored) -> Value {
        let mut object = self.present(stored);
        if !self.is_custom()
            && let Some(map) = object.as_object_mut()
        {
            map.remove("kind");
            map.remove("apiVersion");
        }
        object
    }

    /// Writes the JSON of [`Self::item`].
    pub(crate) fn push_item(&self, list: &mut String, stored: &Stored) {
        if self.is_custom() {
            list.push_str(&self.text(stored));
        } else {
            list.push_str(&self.item(stored).to_string());
        }
    }

    pub(crate) fn list(&self, items: &[Value], metadata: &Value) -> Value {
        json!({ "apiVersion": self.api_version(), "kind": self.list_kind, "metadata": metadata, "items": items })
    }
}
