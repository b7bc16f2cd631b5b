//! `plugin.json`: who the plugin is.

use serde::{Deserialize, Serialize};

/// The version of the contract that this crate describes.
pub const PROTOCOL_VERSION: u32 = 1;

/// The manifest of a plugin, the original system's `plugin.json` with a protocol version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// What people call it: `Pterodactyl`.
    pub name: String,
    /// The slug by which instances refer to it: lower-case letters, digits and dashes.
    pub provider: String,
    /// Always `provisioning`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The plugin's own version.
    pub version: String,
    /// One sentence about what it provisions.
    pub description: String,
    /// Who made it.
    pub author: String,
    /// Absolute URL of a logo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// The contract it speaks, see [`PROTOCOL_VERSION`].
    pub protocol_version: u32,
}

/// Why a `plugin.json` was refused.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not JSON, or fields missing or unknown.
    #[error("plugin.json: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A field has a value that is not allowed.
    #[error("plugin.json: {field}: found {found:?}, expected {expected}")]
    Field {
        /// The field.
        field: &'static str,
        /// What it holds.
        found: String,
        /// What it may hold.
        expected: &'static str,
    },
}

impl Manifest {
    /// Reads and checks the text of a `plugin.json`.
    ///
    /// # Errors
    /// When it is not the JSON of a manifest, or a field has a value that is not allowed.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let manifest: Self = serde_json::from_str(text)?;
        let field = |field, found: &str, expected| ManifestError::Field { field, found: found.to_owned(), expected };
        if manifest.kind != "provisioning" {
            return Err(field("type", &manifest.kind, "\"provisioning\""));
        }
        if !is_slug(&manifest.provider) {
            let expected = "a slug of 1 to 63 lower-case letters, digits and dashes, starting with a letter";
            return Err(field("provider", &manifest.provider, expected));
        }
        if manifest.protocol_version != PROTOCOL_VERSION {
            return Err(field("protocolVersion", &manifest.protocol_version.to_string(), "1"));
        }
        Ok(manifest)
    }
}

fn is_slug(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(provider: &str, kind: &str) -> String {
        format!(
            r#"{{"name":"N","provider":"{provider}","type":"{kind}","version":"1.0.0","description":"d","author":"a","protocolVersion":1}}"#
        )
    }

    #[test]
    fn a_complete_manifest_is_read() {
        assert_eq!(Manifest::parse(&manifest("game-panel", "provisioning")).unwrap().provider, "game-panel");
    }

    #[test]
    fn what_is_not_allowed_is_refused_by_name() {
        let refused = |text: &str| Manifest::parse(text).unwrap_err().to_string();
        assert!(refused(&manifest("../etc", "provisioning")).starts_with("plugin.json: provider: found \"../etc\""));
        assert!(refused(&manifest("x", "gateway")).contains("type: found \"gateway\", expected \"provisioning\""));
        assert!(refused("{").starts_with("plugin.json: "));
    }
}
