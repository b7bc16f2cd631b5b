//! The identity record: which remote belongs to which object.

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// The Package of which it holds a unit since it was ordered; absent in records of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// Until when it was paid when the record was written: the period that the first create buys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_until: Option<String>,
    /// The Package to which it was changed last: it holds a unit of both until the outcome is definite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_to: Option<String>,
    /// Set once the end of the remote was confirmed. Final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// What status knew when the object was exported, since status does not move with a manifest. It goes once the object
    /// that it was applied as has a status of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried: Option<Carried>,
}

/// What of a status is needed where the object is applied anew.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Carried {
    /// No create was ever known to have succeeded: that there is no remote is no loss, and one is made.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub never_made: bool,
    /// When the controller suspended the remote; absent where it is not suspended, or others suspended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspended_at: Option<String>,
    /// What the plugin wants back when the suspension is lifted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remembered: Option<Value>,
    /// Until when the provider was paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renewed_until: Option<String>,
    /// The date of a renewal that may or may not have been carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renewal_in_doubt: Option<String>,
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
        // A struct of texts and JSON always serialises.
        serde_json::to_string(self).unwrap_or_default()
    }
}
