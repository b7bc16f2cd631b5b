//! Lists in pages: all pages of one list show the same revision.

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::{DecodeError, Engine as _};
use serde_json::{Value, json};

use crate::status::ApiError;
use crate::store::Key;
use crate::syntax;

/// Where a list goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Continue {
    /// Nothing where the rest of the list may be of another version than its beginning.
    pub(crate) revision: Option<u64>,
    /// The last object of the page before.
    pub(crate) after: Key,
}

impl Continue {
    /// The token has the form of the real server's: version, revision, and the key to start from.
    pub(crate) fn encode(&self, within_namespace: bool) -> String {
        let (namespace, name) = &self.after;
        let start = if within_namespace || namespace.is_empty() {
            format!("{name}\0")
        } else {
            format!("{namespace}/{name}\0")
        };
        let revision = self.revision.map_or_else(|| json!(-1), |revision| json!(revision));
        URL_SAFE_NO_PAD.encode(json!({ "v": "meta.k8s.io/v1", "rv": revision, "start": start }).to_string())
    }

    pub(crate) fn decode(token: &str, namespace: Option<&str>) -> Result<Self, ApiError> {
        let refused =
            |why: &str| ApiError::bad_request(format!("invalid continue token: continue key is not valid{why}"));
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|error| {
            let at = match error {
                DecodeError::InvalidByte(at, _) | DecodeError::InvalidLastSymbol(at, _) => at,
                _ => token.len(),
            };
            refused(&format!(": illegal base64 data at input byte {at}"))
        })?;
        if let Some(problem) = syntax::problem(&bytes) {
            return Err(refused(&format!(": {problem}")));
        }
        let token: Value = serde_json::from_slice(&bytes).map_err(|_| refused(""))?;
        let text = |field: &str| token[field].as_str().unwrap_or_default();
        if text("v") != "meta.k8s.io/v1" {
            return Err(refused(&format!(": server does not recognize this encoded version {}", text("v"))));
        }
        let revision = match token["rv"].as_i64() {
            None | Some(0) => {
                return Err(refused(": incorrect encoded start resourceVersion (version meta.k8s.io/v1)"));
            }
            Some(revision) => u64::try_from(revision).ok(),
        };
        let start = text("start");
        if start.is_empty() {
            return Err(refused(": encoded start key empty (version meta.k8s.io/v1)"));
        }
        let key = start.trim_start_matches('/').trim_end_matches('\0');
        let after = match (namespace, key.split_once('/')) {
            (Some(namespace), None) => (namespace.to_owned(), key.to_owned()),
            (None, Some((namespace, name))) => (namespace.to_owned(), name.to_owned()),
            (None, None) => (String::new(), key.to_owned()),
            (Some(_), Some(_)) => return Err(refused(&format!(": {start}"))),
        };
        Ok(Self { revision, after })
    }
}

/// The version of the first page is forgotten; the token in the answer goes on with what there is now.
pub(crate) fn expired_token(after: Key, within_namespace: bool) -> ApiError {
    let token = Continue { revision: None, after }.encode(within_namespace);
    let message = "The provided continue parameter is too old to display a consistent list result. You can start a new list \
                   without the continue parameter, or use the continue token in this response to retrieve the remainder of the \
                   results. Continuing with the provided token results in an inconsistent list - objects that were created, \
                   modified, or deleted between the time the first chunk was returned and now may show up in the list.";
    ApiError { list_metadata: Some(json!({ "continue": token })), ..ApiError::expired(message) }
}
