//! A server as the application API shows it.

use std::collections::BTreeMap;

use hostwright_plugin::{Map, Remote, RemoteOwner, State};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use url::Url;

/// The members of a server that the plugin reads.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Server {
    pub(crate) id: u64,
    pub(crate) external_id: Option<String>,
    pub(crate) uuid: String,
    pub(crate) identifier: String,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(default)]
    status: Option<String>,
    pub(crate) limits: Limits,
    pub(crate) feature_limits: FeatureLimits,
    pub(crate) user: u64,
    node: u64,
    /// The default allocation. Pelican has servers without one.
    #[serde(default)]
    pub(crate) allocation: Option<u64>,
    /// Pelican has none.
    #[serde(default)]
    pub(crate) nest: Option<u64>,
    pub(crate) egg: u64,
    pub(crate) container: Container,
    #[serde(default)]
    relationships: Relationships,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Limits {
    pub(crate) memory: i64,
    pub(crate) swap: i64,
    pub(crate) disk: i64,
    pub(crate) io: i64,
    pub(crate) cpu: i64,
    #[serde(default)]
    pub(crate) threads: Option<String>,
    #[serde(default)]
    oom_disabled: Option<bool>,
    #[serde(default)]
    oom_killer: Option<bool>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct FeatureLimits {
    pub(crate) databases: Option<i64>,
    pub(crate) allocations: Option<i64>,
    pub(crate) backups: Option<i64>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Container {
    pub(crate) startup_command: String,
    pub(crate) image: String,
    /// The variables of the egg, and some of the panel's own.
    #[serde(deserialize_with = "map_or_empty_list")]
    environment: Map,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Relationships {
    #[serde(default)]
    user: Option<UserRelation>,
}

/// Its attributes are null when the key may not read users.
#[derive(Debug, Clone, Deserialize)]
struct UserRelation {
    attributes: Option<ServerOwner>,
}

/// The user a server belongs to.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ServerOwner {
    pub(crate) external_id: Option<String>,
    #[serde(default)]
    pub(crate) email: String,
    #[serde(default)]
    first_name: Option<String>,
    #[serde(default)]
    last_name: Option<String>,
}

impl ServerOwner {
    /// Address and name, for people.
    pub(crate) fn told(&self) -> RemoteOwner {
        let names = [&self.first_name, &self.last_name].map(|name| name.as_deref().unwrap_or_default().trim());
        RemoteOwner { email: self.email.clone(), name: names.join(" ").trim().to_owned() }
    }
}

/// The installation states that a suspension overwrites.
const UNINSTALLED: [&str; 3] = ["installing", "install_failed", "reinstall_failed"];
/// The member of what is remembered that holds such a state.
const INSTALLATION: &str = "installation";

impl Server {
    pub(crate) fn remote(&self, panel: &Url) -> Remote {
        let attributes =
            [("identifier", self.identifier.clone()), ("node", self.node.to_string()), ("uuid", self.uuid.clone())];
        Remote {
            id: self.id.to_string(),
            url: Some(page(panel, &self.identifier)),
            attributes: attributes.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        }
    }

    pub(crate) fn state(&self) -> State {
        match self.status.as_deref() {
            Some("installing") => State::Provisioning,
            Some("install_failed" | "reinstall_failed") => State::Failed,
            Some("suspended") => State::Suspended,
            // Ready, or busy with something that ends by itself, such as `restoring_backup`.
            _ => State::Active,
        }
    }

    /// The installation state that the next suspension would overwrite.
    pub(crate) fn remember(&self) -> Option<Value> {
        let status = self.status.as_deref().filter(|status| UNINSTALLED.contains(status))?;
        Some(json!({ INSTALLATION: status }))
    }

    /// A state that is neither ready nor one of ours, for people.
    pub(crate) fn usage(&self) -> BTreeMap<String, String> {
        let busy = self.status.iter().filter(|_| self.state() == State::Active);
        busy.map(|status| ("status".to_owned(), status.clone())).collect()
    }

    pub(crate) fn oom_killer(&self) -> bool {
        self.limits.oom_killer.unwrap_or_else(|| !self.limits.oom_disabled.unwrap_or(true))
    }

    /// The variables of the egg without those that the panel adds.
    pub(crate) fn variables(&self) -> Map {
        let is_own = |name: &str| name == "STARTUP" || name.starts_with("P_SERVER_");
        self.container
            .environment
            .iter()
            .filter(|(name, _)| !is_own(name))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect()
    }

    /// The owner, where it was asked for and the key may read users.
    pub(crate) fn owner(&self) -> Option<&ServerOwner> {
        self.relationships.user.as_ref()?.attributes.as_ref()
    }
}

/// True when a server had not been installed when this was remembered.
pub(crate) fn was_uninstalled(before: Option<&Value>) -> bool {
    before.and_then(|before| before.get(INSTALLATION)).is_some_and(|status| !status.is_null())
}

/// Where a person finds a server.
fn page(panel: &Url, identifier: &str) -> String {
    let mut url = panel.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["server", identifier]);
    }
    url.into()
}

/// PHP writes an empty map as an empty list.
fn map_or_empty_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Object(map) => Ok(map),
        Value::Array(list) if list.is_empty() => Ok(Map::new()),
        _ => Err(serde::de::Error::custom("environment: expected an object")),
    }
}
