//! What stands in the Secret of a service's credentials, and what is to be changed about it. Pure but for the dice.

use std::collections::BTreeMap;

use hostwright_crds::{HostingService, reason};
use hostwright_plugin::{CredentialNames, Redactor, Secret};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret as KubeSecret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::{Resource as _, ResourceExt as _};
use serde_json::{Value, json};

use super::super::digest;
use crate::kube::WriteError;
use crate::providers::Hold;

/// The longest name of a Secret, in bytes.
const NAME_BYTES: usize = 253;
/// Ends the key of a value that was chosen for a rotation, until the provider took it.
const NEXT: &str = ".next";
/// Characters that people tell apart. 24 of them are 138 bits.
const CHARACTERS: &[u8] = b"abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const LENGTH: usize = 24;

/// Values by key.
pub(super) type Values = BTreeMap<String, Secret>;
/// New values by key; None takes the key away.
pub(super) type Changes = BTreeMap<String, Option<Secret>>;

/// The Secret of a service's credentials: `alice-credentials`.
pub(in super::super) fn secret_name(service: &str) -> String {
    let name = format!("{service}-credentials");
    if name.len() <= NAME_BYTES {
        return name;
    }
    let mark = digest::of(&[service]);
    // Names of services are ASCII.
    format!("{}-{mark}-credentials", service.chars().take(NAME_BYTES - 32).collect::<String>())
}

/// What is to change before a create: chosen values that are not there yet, and nothing left of an earlier remote. One that is
/// completed keeps what it was given.
pub(super) fn for_a_create(kept: &Values, names: &CredentialNames, completes: bool) -> Changes {
    let unchosen = names.chosen.iter().filter(|name| !kept.contains_key(*name));
    let unchosen = unchosen.map(|name| (name.clone(), Some(generate())));
    let outdated = kept.keys().filter(|key| key.ends_with(NEXT) || (!completes && names.minted.contains(*key)));
    unchosen.chain(outdated.map(|key| (key.clone(), None))).collect()
}

/// What is to change before a rotation: the values that it is to bring about, beside those that the provider has.
pub(super) fn for_a_rotation(kept: &Values, names: &CredentialNames) -> Changes {
    let unchosen = names.chosen.iter().map(|name| format!("{name}{NEXT}")).filter(|key| !kept.contains_key(key));
    unchosen.map(|key| (key, Some(generate()))).collect()
}

/// The values that a create takes along.
pub(super) fn chosen(kept: &Values, names: &CredentialNames) -> Values {
    names.chosen.iter().filter_map(|name| Some((name.clone(), kept.get(name)?.clone()))).collect()
}

/// The values that a rotation takes along.
pub(super) fn chosen_next(kept: &Values, names: &CredentialNames) -> Values {
    names.chosen.iter().filter_map(|name| Some((name.clone(), kept.get(&format!("{name}{NEXT}"))?.clone()))).collect()
}

/// What is to change after an answer: what it told, and after a rotation what was chosen for it.
pub(super) fn issued(kept: &Values, told: &Values, rotated: bool) -> Changes {
    let mut changes = Changes::new();
    for (key, value) in kept.iter().filter(|_| rotated) {
        if let Some(name) = key.strip_suffix(NEXT) {
            changes.insert(key.clone(), None);
            changes.insert(name.to_owned(), Some(value.clone()));
        }
    }
    changes.extend(told.iter().map(|(name, value)| (name.clone(), Some(value.clone()))));
    changes.retain(|key, value| kept.get(key) != value.as_ref());
    changes
}

/// The values after a change.
pub(super) fn after(mut kept: Values, changes: Changes) -> Values {
    for (key, value) in changes {
        match value {
            Some(value) => drop(kept.insert(key, value)),
            None => drop(kept.remove(&key)),
        }
    }
    kept
}

/// The keys that a customer uses.
pub(super) fn keys(kept: &Values) -> Vec<String> {
    kept.keys().filter(|key| !key.ends_with(NEXT)).cloned().collect()
}

/// The values of a Secret; what is no text is none of ours.
pub(super) fn values(secret: &KubeSecret) -> Values {
    let data = secret.data.iter().flatten();
    let text = |(key, ByteString(bytes)): (&String, &ByteString)| {
        Some((key.clone(), Secret::new(std::str::from_utf8(bytes).ok()?)))
    };
    data.filter_map(text).collect()
}

/// Whether this very service owns a Secret.
pub(super) fn is_owned(secret: &KubeSecret, service: &HostingService) -> bool {
    secret.owner_references().iter().any(|owner| Some(&owner.uid) == service.metadata.uid.as_ref())
}

/// A new Secret, which goes when the service does.
pub(super) fn owned(service: &HostingService, name: &str, changes: &Changes) -> KubeSecret {
    let owner = OwnerReference {
        api_version: HostingService::api_version(&()).into_owned(),
        kind: HostingService::kind(&()).into_owned(),
        name: service.name_any(),
        uid: service.uid().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: None,
    };
    let mut secret = KubeSecret { type_: Some("Opaque".to_owned()), ..KubeSecret::default() };
    secret.metadata.name = Some(name.to_owned());
    secret.metadata.namespace = service.namespace();
    secret.metadata.owner_references = Some(vec![owner]);
    let new = changes.iter().filter_map(|(key, value)| Some((key.clone(), bytes(value.as_ref()?))));
    secret.data = Some(new.collect());
    secret
}

/// A merge patch for the very version that was read.
pub(super) fn patch(secret: &KubeSecret, changes: &Changes) -> Value {
    let data: BTreeMap<_, _> = changes.iter().map(|(key, value)| (key, value.as_ref().map(bytes))).collect();
    let (uid, version) = (&secret.metadata.uid, &secret.metadata.resource_version);
    json!({"metadata": {"uid": uid, "resourceVersion": version}, "data": data})
}

fn bytes(value: &Secret) -> ByteString {
    ByteString(value.expose().as_bytes().to_vec())
}

/// Why the Secret cannot be used.
pub(super) fn taken(namespace: &str, name: &str) -> Hold {
    let text = format!(
        "Secret {namespace}/{name} is not this service's and is not overwritten; the credentials of the remote belong there, \
         so move it: rename or delete it"
    );
    Hold::new(reason::CREDENTIALS_SECRET_TAKEN, text)
}

/// Why it cannot be written. The words of the API server are shown without the values that were sent.
pub(super) fn unwritten(namespace: &str, name: &str, error: &WriteError, changes: &Changes) -> Hold {
    let sent: Vec<Secret> = changes.values().flatten().flat_map(|value| [value.clone(), encoded(value)]).collect();
    let words = Redactor::new(&sent).redact(&error.to_string());
    let text = match error {
        WriteError::Refused(_) => format!(
            "Secret {namespace}/{name} for the credentials of the remote: the controller may not read or write it ({words}); \
             the platform team allows it by credentialSecrets.namespaces of the Helm chart, see docs/install.md"
        ),
        _ => format!(
            "Secret {namespace}/{name} for the credentials of the remote was not written: {words}; trying again"
        ),
    };
    Hold::new(reason::CREDENTIALS_NOT_STORED, text)
}

fn encoded(value: &Secret) -> Secret {
    let json = serde_json::to_value(bytes(value)).unwrap_or_default();
    Secret::new(json.as_str().unwrap_or_default())
}

/// A value that nobody guesses, with a lower-case letter, an upper-case one and a digit, since many providers ask for that.
fn generate() -> Secret {
    loop {
        let draw = |_| char::from(CHARACTERS[rand::random_range(0..CHARACTERS.len())]);
        let text: String = (0..LENGTH).map(draw).collect();
        let has = |class: fn(&char) -> bool| text.chars().any(|character| class(&character));
        if has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase) && has(char::is_ascii_digit) {
            return Secret::new(text);
        }
    }
}

#[cfg(test)]
mod tests;
