//! References to keys of Secrets.

use std::collections::BTreeMap;

use hostwright_crds::SecretKeyRef;
use hostwright_plugin::Secret;
use k8s_openapi::api::core::v1::Secret as KubeSecret;

/// Why a reference leads to no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoValue {
    /// No such Secret.
    Secret,
    /// The Secret has no such key.
    Key,
    /// The value is not text.
    Text,
}

/// The text of one key.
///
/// # Errors
/// Why there is none.
pub fn value_of(secrets: &BTreeMap<String, KubeSecret>, reference: &SecretKeyRef) -> Result<Secret, NoValue> {
    let secret = secrets.get(&reference.name).ok_or(NoValue::Secret)?;
    let bytes = secret.data.as_ref().and_then(|data| data.get(&reference.key)).ok_or(NoValue::Key)?;
    let text = std::str::from_utf8(&bytes.0).map_err(|_| NoValue::Text)?;
    // `kubectl create secret --from-file` keeps the line break that editors put at the end of a file.
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::ByteString;

    #[test]
    fn a_reference_leads_to_the_text_of_one_key() {
        let data = BTreeMap::from([
            ("key".to_owned(), ByteString(b"ptla_1\n".to_vec())),
            ("bytes".to_owned(), ByteString(vec![0xff])),
        ]);
        let secrets = BTreeMap::from([("panel-api".to_owned(), KubeSecret { data: Some(data), ..Default::default() })]);
        let value = |name: &str, key: &str| value_of(&secrets, &SecretKeyRef { name: name.into(), key: key.into() });
        assert_eq!(value("panel-api", "key"), Ok(Secret::new("ptla_1")));
        assert_eq!(value("panel-api", "other"), Err(NoValue::Key));
        assert_eq!(value("panel-api", "bytes"), Err(NoValue::Text));
        assert_eq!(value("other", "key"), Err(NoValue::Secret));
    }
}
