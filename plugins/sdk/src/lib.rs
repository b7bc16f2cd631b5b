//! The contract between Hostwright and its provider plugins.
//!
//! A plugin teaches Hostwright one provider: a game panel, a container host, a database server. It says what it can do
//! ([`Capabilities`]), which settings it takes ([`schema`]), and carries out verbs ([`Plugin`]). It never decides *when*:
//! the controller plans, records, retries and observes. Nothing here knows Kubernetes.
//!
//! # What a plugin promises
//! - **One remote per external id.** `create` puts [`Call::external_id`] and [`Owner::key`] on the remote, and `observe`
//!   finds it again by exactly that id, never by a partial match.
//! - **Repeating is safe.** A verb on a remote already in the wanted state succeeds; `terminate` of an absent one too.
//! - **Honest errors.** An [`Error`] says by its [`Class`] whether the request may have been applied. When in doubt:
//!   [`Class::Unknown`]. Unreachable is never [`Observation::Absent`].
//! - **No secrets out.** Nothing a plugin returns contains a credential, except [`RemoteState::credentials`].
//! - **The newest credentials count.** `rotate_credentials` may be called again after an answer was lost, and what it answers
//!   last is what the provider accepts.
#![warn(missing_docs)]

mod call;
mod capabilities;
mod credentials;
mod definitions;
mod error;
mod manifest;
mod outcome;
mod plugin;
pub mod schema;
mod secret;

pub use call::{Call, Instance, Owner};
pub use capabilities::{Capabilities, CreateUniqueness, RenewSupport};
pub use credentials::CredentialNames;
pub use definitions::{Definitions, DefinitionsError, Texts};
pub use error::{Class, Error, Scope};
pub use manifest::{Manifest, ManifestError, PROTOCOL_VERSION};
pub use outcome::{
    ActionDescriptor, ActionKind, ActionResult, Connection, Difference, Observation, Outcome, Page, Permission,
    PlannedChange, Present, Remote, RemoteOwner, RemoteState, RemoteUser, State, UserPage,
};
pub use plugin::Plugin;
pub use secret::{Redactor, Secret};

/// A JSON object: settings, configuration, attributes.
pub type Map = serde_json::Map<String, serde_json::Value>;
