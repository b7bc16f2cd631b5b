//! What a customer logs in with: a password that the caller chooses, a token that is made up here and told once.

use std::collections::BTreeMap;

use hostwright_plugin::{Call, Class, CredentialNames, Error, Map, Secret};
use serde_json::Value;
use uuid::Uuid;

use crate::remote::Simulated;

const PASSWORD: &str = "password";
const TOKEN: &str = "token";

/// The credentials that a package asks for.
pub(crate) fn names(config: &Map) -> CredentialNames {
    let wanted = config.get("credentials").and_then(Value::as_str).unwrap_or_default();
    let named = |name: &str| (wanted == name || wanted == "both").then(|| name.to_owned()).into_iter().collect();
    CredentialNames { chosen: named(PASSWORD), minted: named(TOKEN) }
}

/// New ones.
pub(crate) fn issue(call: &Call) -> Result<BTreeMap<String, String>, Error> {
    let names = names(&call.config);
    let chosen = names.chosen.iter().map(|name| {
        let value = call.credentials.get(name).map(|value| value.expose().to_owned());
        value.map(|value| (name.clone(), value)).ok_or_else(|| unchosen(name))
    });
    let minted = names.minted.iter().map(|name| Ok((name.clone(), Uuid::new_v4().simple().to_string())));
    chosen.chain(minted).collect()
}

/// What of them nobody was told, which is told once.
pub(crate) fn tell(remote: &mut Simulated) -> BTreeMap<String, Secret> {
    if !std::mem::take(&mut remote.untold) {
        return BTreeMap::new();
    }
    let token = remote.credentials.get(TOKEN);
    token.map(|token| (TOKEN.to_owned(), Secret::new(token))).into_iter().collect()
}

fn unchosen(name: &str) -> Error {
    Error::new(Class::Internal, "unchosen", format!("credentials.{name}: the call holds none"))
}
