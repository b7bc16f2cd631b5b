//! The identity record: which remote belongs to which object.

use serde::{Deserialize, Serialize};

/// What the annotation [`crate::annotation::IDENTITY`] holds. It is written once, before the first remote call, fenced by
/// the object's resourceVersion, and survives the loss of status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The id of the service at the provider: `<installation>.<namespace>.<name>`.
    pub external_id: String,
    /// `namespace/name` of the object it was written for. A copied record shows by it.
    #[serde(rename = "for")]
    pub for_object: String,
    /// UID of the object it was written for. A restored object shows by it.
    pub uid: String,
    /// The ProviderInstance that has the remote. It wins over the Package.
    pub instance: String,
    /// What the connection test called the panel.
    pub remote_identity: String,
    /// The owner key on the remote.
    pub owner: String,
    /// Set once the end of the remote was confirmed. Final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
}

/// A record that cannot be read.
#[derive(Debug)]
pub struct IdentityError(serde_json::Error);

impl std::fmt::Display for IdentityError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "annotation {}: {}", crate::annotation::IDENTITY, self.0)
    }
}

impl std::error::Error for IdentityError {}

impl Identity {
    /// Reads the annotation's text.
    ///
    /// # Errors
    /// When it is not the JSON of a record.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        serde_json::from_str(text).map_err(IdentityError)
    }

    /// The annotation's text.
    pub fn to_text(&self) -> String {
        // A struct of strings always serialises.
        serde_json::to_string(self).unwrap_or_default()
    }
}
