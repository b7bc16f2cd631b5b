//! Looking at one server.

use hostwright_plugin::{Call, Difference, Error, Map, Observation, Present};
use serde_json::{Value, json};
use url::Url;

use crate::Pterodactyl;
use crate::client::Client;
use crate::errors::Failure;
use crate::lifecycle::server_id;
use crate::owner;
use crate::request::{ApiRequest, permission};
use crate::server::{Server, ServerOwner, was_uninstalled};
use crate::settings::environment;

pub(crate) async fn observe(plugin: &Pterodactyl, call: &Call) -> Result<Observation, Error> {
    let client = plugin.client(call)?;
    let Some(server) = find(&client, call).await? else {
        return Ok(Observation::Absent);
    };
    Ok(Observation::Present(Box::new(seen(&client.panel, &server, Some(call)))))
}

/// The server of this call: the one with its external id, else the one that had it when it was last seen and is still
/// the same. Numbers may be given out again after a restored backup; a uuid is not. Else the one that somebody named.
pub(crate) async fn find(client: &Client, call: &Call) -> Result<Option<Server>, Failure> {
    let by_external_id = ApiRequest::get(permission::SERVERS, &["servers", "external", &call.external_id]);
    let found: Option<Server> = client.find(&by_external_id.query("include", "user")).await?;
    // The database may compare without regard to case.
    if let Some(server) = found.filter(|server| server.external_id.as_ref() == Some(&call.external_id)) {
        return Ok(Some(server));
    }
    let known = call.remote.as_ref().and_then(|remote| Some((&remote.id, Some(remote.attributes.get("uuid")?))));
    let Some((id, uuid)) = known.or_else(|| call.named.as_ref().map(|id| (id, None))) else { return Ok(None) };
    let by_id = ApiRequest::get(permission::SERVERS, &["servers", &server_id(client, id)?]);
    let found: Option<Server> = client.find(&by_id.query("include", "user")).await?;
    Ok(found.filter(|server| uuid.is_none_or(|uuid| server.uuid == *uuid)))
}

/// What is told of a server that was found for a call, or on a list.
pub(crate) fn seen(panel: &Url, server: &Server, call: Option<&Call>) -> Present {
    let owner_key = server.owner().and_then(|user| owner::owner_key(call, user));
    Present {
        applied: applied(server, call.map(|call| &call.config)),
        drift: call.and_then(|call| lost_mark(server, call)).into_iter().collect(),
        remember: server.remember().or_else(|| still_remembered(server, call)),
        usage: server.usage(),
        external_id: server.external_id.clone(),
        owner: server.owner().map(ServerOwner::told),
        ..Present::new(server.remote(panel), server.state(), owner_key)
    }
}

fn lost_mark(server: &Server, call: &Call) -> Option<Difference> {
    if server.external_id.as_ref() == Some(&call.external_id) {
        return None;
    }
    Some(Difference {
        field: "external_id".to_owned(),
        found: server.external_id.clone().into(),
        wanted: call.external_id.clone().into(),
    })
}

/// A suspended server no longer shows whether it was installed: what was remembered stays true.
fn still_remembered(server: &Server, call: Option<&Call>) -> Option<Value> {
    let before = call?.before.as_ref();
    let is_suspended = server.state() == hostwright_plugin::State::Suspended;
    before.filter(|_| is_suspended && was_uninstalled(before)).cloned()
}

/// The package settings that a server shows. Where the panel stores a setting in another spelling that means the same,
/// the spelling of the configuration is given, so that equal settings compare equal.
fn applied(server: &Server, config: Option<&Map>) -> Map {
    let limits = &server.limits;
    let features = &server.feature_limits;
    let Value::Object(mut applied) = json!({
        "egg_id": server.egg,
        "docker_image": server.container.image,
        "startup": server.container.startup_command,
        "memory": limits.memory,
        "swap": limits.swap,
        "disk": limits.disk,
        "io": limits.io,
        "cpu": limits.cpu,
        "threads": limits.threads,
        "oom_killer": server.oom_killer(),
        // Null is none, and the panel shows either.
        "databases": features.databases.unwrap_or(0),
        "allocations": features.allocations.unwrap_or(0),
        "backups": features.backups.unwrap_or(0),
    }) else {
        return Map::new();
    };
    applied.extend(server.nest.map(|nest| ("nest_id".to_owned(), nest.into())));
    applied.extend(server.allocation.map(|allocation| ("allocation_id".to_owned(), allocation.into())));
    let Some(config) = config else { return applied };
    for key in ["docker_image", "startup", "threads"] {
        if let (Some(Value::String(wanted)), Some(Value::String(found))) = (config.get(key), applied.get(key))
            && wanted.trim() == found
        {
            applied.insert(key.to_owned(), wanted.clone().into());
        }
    }
    applied.extend(applied_environment(server, config).map(|found| ("environment".to_owned(), found)));
    applied
}

/// The variables that the configuration sets, with the values that the server has. The panel adds the variables of the
/// egg, so that only these can be compared.
fn applied_environment(server: &Server, config: &Map) -> Option<Value> {
    let configured = config.get("environment").filter(|value| !value.is_null())?;
    let wanted = environment(configured).ok()?;
    let current = server.variables();
    if agrees(&current, &wanted) {
        return Some(configured.clone());
    }
    let found: Map = wanted.keys().filter_map(|name| Some((name.clone(), current.get(name)?.clone()))).collect();
    Some(if configured.is_string() { Value::Object(found).to_string().into() } else { found.into() })
}

/// True when every wanted variable that the server has is as wanted. The panel ignores names that the egg does not know.
pub(crate) fn agrees(current: &Map, wanted: &Map) -> bool {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    wanted.iter().all(|(name, value)| current.get(name).is_none_or(|found| text(found) == text(value)))
}
