//! The connection test: address, key, rights, and which panel it is.

use hostwright_plugin::{Class, Connection, Error, Instance, Permission, Scope};
use http::StatusCode;
use serde_json::Value;

use crate::Pterodactyl;
use crate::answer::{Answer, List};
use crate::client::Client;
use crate::dialect::Dialect;
use crate::digest::short_digest;
use crate::errors::Failure;
use crate::request::{ApiRequest, permission};

pub(crate) async fn test(plugin: &Pterodactyl, instance: &Instance) -> Result<Connection, Error> {
    let client = plugin.client_for(instance)?;
    // The first look: a wrong key ends the test here.
    let users = client.probe(&first(permission::USERS, &["users"]).query("sort", "id")).await?;
    let servers = first_of(&client, permission::SERVERS, &["servers"]).await?;
    let dialect = plugin.dialects.ask(&client, instance).await?;
    let mut permissions = vec![granted(permission::USERS, &users), granted(permission::SERVERS, &servers)];
    let templates = match dialect {
        Dialect::Pterodactyl => {
            let nests = first_of(&client, permission::NESTS, &["nests"]).await?;
            permissions.push(granted(permission::NESTS, &nests));
            if let Some(nest) = attribute(&nests, "id").and_then(|id| id.as_u64()) {
                let eggs = first_of(&client, permission::EGGS, &["nests", &nest.to_string(), "eggs"]).await?;
                permissions.push(granted(permission::EGGS, &eggs));
            }
            let locations = first_of(&client, permission::LOCATIONS, &["locations"]).await?;
            permissions.push(granted(permission::LOCATIONS, &locations));
            nests
        }
        Dialect::Pelican => {
            let eggs = first_of(&client, permission::EGGS, &["eggs"]).await?;
            permissions.push(granted(permission::EGGS, &eggs));
            eggs
        }
    };
    permissions.push(granted(permission::NODES, &first_of(&client, permission::NODES, &["nodes"]).await?));
    Ok(Connection {
        identity: identity([("user", &users), ("template", &templates)]).ok_or_else(|| nameless(&client))?,
        version: None,
        permissions,
        note: Some(format!(
            "A {} panel. Whether the key may also write shows only when something is written.",
            dialect.name()
        )),
    })
}

fn first(permission: &'static str, path: &[&str]) -> ApiRequest {
    ApiRequest::get(permission, path).query("per_page", "1")
}

async fn first_of(client: &Client, permission: &'static str, path: &[&str]) -> Result<Answer, Failure> {
    client.probe(&first(permission, path)).await
}

fn granted(name: &str, answer: &Answer) -> Permission {
    Permission { name: name.to_owned(), granted: answer.status == StatusCode::OK }
}

/// A digest of the uuid of the oldest user, the administrator who set the panel up. A panel draws it when it is
/// installed; it survives another address, another key and an update, and goes along when the database is moved. A key
/// that may not read users makes do with the first nest or egg.
fn identity<'a>(candidates: impl IntoIterator<Item = (&'a str, &'a Answer)>) -> Option<String> {
    let (kind, uuid) = candidates.into_iter().find_map(|(kind, answer)| {
        let uuid = attribute(answer, "uuid")?;
        Some((kind, uuid.as_str()?.to_owned()))
    })?;
    Some(format!("{kind}-{}", short_digest(&uuid)))
}

fn nameless(client: &Client) -> Error {
    let text = format!(
        "{}: the API key may read neither users nor nests and eggs, so it cannot be told which panel this is; give it the \
         permissions r_users, r_nests and r_eggs",
        client.instance
    );
    Error::new(Class::Unauthorized, "identity", text).scoped(Scope::Instance).on_field("instance.api_key")
}

/// A member of the first item of a list.
fn attribute(answer: &Answer, name: &str) -> Option<Value> {
    let list: List = answer.json()?;
    list.data.first()?.get("attributes")?.get(name).cloned()
}
