//! Lists in pages: all pages of one list show the same revision.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Value, json};

use crate::status::ApiError;
use crate::store::Key;

/// Where a list goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Continue {
    pub(crate) revision: u64,
    /// The last object of the page before.
    pub(crate) after: Key,
}

impl Continue {
    /// The token has the form of the real server's: version, revision, and the key to start from.
    pub(crate) fn encode(&self, within_namespace: bool) -> String {
        let (namespace, name) = &self.after;
        let start = if within_namespace || namespace.is_empty() {
            format!("/{name}\0")
        } else {
            format!("/{namespace}/{name}\0")
        };
        STANDARD_NO_PAD.encode(json!({ "v": "meta.k8s.io/v1", "rv": self.revision, "start": start }).to_string())
    }

    pub(crate) fn decode(token: &str, namespace: Option<&str>) -> Result<Self, ApiError> {
        let refused = || ApiError::bad_request("continue key is not valid");
        let bytes = STANDARD_NO_PAD.decode(token.trim_end_matches('=')).map_err(|_| refused())?;
        let token: Value = serde_json::from_slice(&bytes).map_err(|_| refused())?;
        let start = token["start"].as_str().ok_or_else(refused)?;
        let start = start.strip_prefix('/').ok_or_else(refused)?.trim_end_matches('\0');
        let after = match (namespace, start.split_once('/')) {
            (Some(namespace), None) => (namespace.to_owned(), start.to_owned()),
            (None, Some((namespace, name))) => (namespace.to_owned(), name.to_owned()),
            (None, None) => (String::new(), start.to_owned()),
            (Some(_), Some(_)) => return Err(refused()),
        };
        Ok(Self { revision: token["rv"].as_u64().ok_or_else(refused)?, after })
    }
}

pub(crate) fn expired_token() -> ApiError {
    ApiError::expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without the \
         continue parameter.",
    )
}
