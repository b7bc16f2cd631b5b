//! Bringing a server to another configuration, keeping what was not asked to change.

use hostwright_plugin::{Call, Class, Error, Map, Outcome, RemoteState};
use http::StatusCode;
use serde_json::{Value, json};

use crate::Pterodactyl;
use crate::client::Client;
use crate::dialect::Dialect;
use crate::eggs::EggAddress;
use crate::lifecycle::{absent, server_id};
use crate::observe::{agrees, find};
use crate::request::{ApiRequest, permission};
use crate::server::Server;
use crate::settings::{Settings, environment, invalid};

/// Mends a lost external id, then changes egg, image, start command and variables, and limits last: they are what drift
/// is enforced on, so a scale that was cut short still shows.
pub(crate) async fn scale(plugin: &Pterodactyl, call: &Call) -> Result<Outcome, Error> {
    let client = plugin.client(call)?;
    let dialect = plugin.dialects.of(&client, &call.instance).await?;
    let mut server = current(&client, call).await?;
    if let Some(request) = details(&client, call, &server)? {
        server = client.object(&request, StatusCode::OK).await?;
    }
    if let Some(request) = startup(plugin, &client, call, dialect, &server).await? {
        server = client.object(&request, StatusCode::OK).await?;
    }
    if let Some(request) = build(call, dialect, &server)? {
        server = client.object(&request, StatusCode::OK).await.map_err(|failure| failure.error).map_err(moved)?;
    }
    Ok(Outcome::Done(RemoteState::new(server.remote(&client.panel), server.state())))
}

/// The server as it is now, its default allocation above all: customers may change it.
async fn current(client: &Client, call: &Call) -> Result<Server, Error> {
    let found = match &call.remote {
        Some(remote) => {
            let id = server_id(client, &remote.id)?;
            client.find(&ApiRequest::get(permission::SERVERS, &["servers", &id])).await?
        }
        None => find(client, call).await?,
    };
    found.ok_or_else(|| absent(client, call))
}

/// Puts a lost external id back. The panel clears whatever these details omit.
fn details(client: &Client, call: &Call, server: &Server) -> Result<Option<ApiRequest>, Error> {
    match &server.external_id {
        Some(external_id) if *external_id == call.external_id => Ok(None),
        Some(other) => {
            let text = format!(
                "{}: server {} carries external id {other:?} in place of {:?}; remove it on the panel if the server belongs \
                 to this service",
                client.instance, server.id, call.external_id
            );
            Err(Error::new(Class::Conflict, "ExternalIdReplaced", text))
        }
        None => Ok(Some(mark(server, call))),
    }
}

/// Sets the external id.
pub(crate) fn mark(server: &Server, call: &Call) -> ApiRequest {
    let body = json!({
        "external_id": call.external_id,
        "name": server.name,
        "user": server.user,
        "description": server.description,
    });
    patch(server, "details", body)
}

/// What a server runs.
struct Program {
    egg: u64,
    image: String,
    startup: String,
    variables: Map,
}

/// Egg, image, start command and variables, where the configuration asks for others than it did before. A customer may
/// have chosen another image or value on the panel; that stays.
async fn startup(
    plugin: &Pterodactyl,
    client: &Client,
    call: &Call,
    dialect: Dialect,
    server: &Server,
) -> Result<Option<ApiRequest>, Error> {
    let asked = Settings::new(&call.config);
    let egg = asked.integer("egg_id")?.filter(|egg| is_asked(call, "egg_id") && u64::try_from(*egg) != Ok(server.egg));
    let program = match egg {
        Some(egg) => replaced(plugin, client, call, dialect, egg).await?,
        None => adjusted(call, server)?,
    };
    let is_running = program.egg == server.egg
        && program.image == server.container.image
        && program.startup == server.container.startup_command
        && agrees(&server.variables(), &program.variables);
    if is_running {
        return Ok(None);
    }
    let body = json!({
        "egg": program.egg,
        "image": program.image,
        "startup": program.startup,
        "environment": program.variables,
        // The panel does not show it, so it cannot be kept.
        "skip_scripts": asked.flag("skip_scripts")?.unwrap_or(false),
    });
    Ok(Some(patch(server, "startup", body)))
}

/// Another egg: nothing of the old one applies.
async fn replaced(
    plugin: &Pterodactyl,
    client: &Client,
    call: &Call,
    dialect: Dialect,
    egg: i64,
) -> Result<Program, Error> {
    let asked = Settings::new(&call.config);
    let address = EggAddress::new(client, dialect, asked.integer("nest_id")?, egg)?;
    let defaults = plugin.eggs.get(client, &address).await?.egg;
    let mut variables = defaults.variables.clone();
    variables.extend(asked.environment()?);
    Ok(Program {
        egg: u64::try_from(egg).map_err(|_| invalid("egg_id", "expected the number of an egg"))?,
        image: asked.text("docker_image")?.unwrap_or(&defaults.docker_image).to_owned(),
        startup: asked.text("startup")?.unwrap_or(&defaults.startup).to_owned(),
        variables,
    })
}

/// The same egg with what the configuration newly asks for.
fn adjusted(call: &Call, server: &Server) -> Result<Program, Error> {
    let asked = Settings::new(&call.config);
    let text = |key, current: &str| {
        let wanted = asked.text(key)?.filter(|_| is_asked(call, key));
        Ok::<_, Error>(wanted.unwrap_or(current).to_owned())
    };
    let mut variables = server.variables();
    if is_asked(call, "environment") {
        variables.extend(changed_variables(call)?);
    }
    Ok(Program {
        egg: server.egg,
        image: text("docker_image", &server.container.image)?,
        startup: text("startup", &server.container.startup_command)?,
        variables,
    })
}

/// True when the configuration sets this and did not set the same before.
fn is_asked(call: &Call, key: &str) -> bool {
    let wanted = Settings::new(&call.config).value(key);
    wanted.is_some() && applied_value(call, key) != wanted
}

/// The variables whose wanted value is another than before.
fn changed_variables(call: &Call) -> Result<Map, Error> {
    let wanted = Settings::new(&call.config).environment()?;
    let before = match applied_value(call, "environment") {
        Some(value) => environment(value)?,
        None => Map::new(),
    };
    Ok(wanted.into_iter().filter(|(name, value)| before.get(name) != Some(value)).collect())
}

fn applied_value<'a>(call: &'a Call, key: &str) -> Option<&'a Value> {
    Settings::new(call.applied.as_ref()?).value(key)
}

/// The limits, where the server has others than the configuration.
fn build(call: &Call, dialect: Dialect, server: &Server) -> Result<Option<ApiRequest>, Error> {
    let asked = Settings::new(&call.config);
    let limit = |key, current: i64| Ok::<_, Error>(asked.integer(key)?.unwrap_or(current));
    let feature = |key, current: Option<i64>| Ok::<_, Error>(asked.integer(key)?.or(current));
    let kept_threads = server.limits.threads.clone();
    let body_with = |limits: Value, features: Value, killer: bool| {
        let (oom, value) = dialect.oom(killer);
        let mut body = json!({ "allocation": server.allocation, "limits": limits, "feature_limits": features });
        body[oom] = value.into();
        body
    };
    let now = &server.limits;
    let features = &server.feature_limits;
    let wanted = body_with(
        json!({
            "memory": limit("memory", now.memory)?,
            "swap": limit("swap", now.swap)?,
            "disk": limit("disk", now.disk)?,
            "io": limit("io", now.io)?,
            "cpu": limit("cpu", now.cpu)?,
            "threads": asked.text("threads")?.map(str::to_owned).or(kept_threads),
        }),
        json!({
            "databases": feature("databases", features.databases)?,
            "allocations": feature("allocations", features.allocations)?,
            "backups": feature("backups", features.backups)?,
        }),
        asked.flag("oom_killer")?.unwrap_or_else(|| server.oom_killer()),
    );
    let current = body_with(
        json!({
            "memory": now.memory, "swap": now.swap, "disk": now.disk, "io": now.io, "cpu": now.cpu, "threads": now.threads,
        }),
        json!({ "databases": features.databases, "allocations": features.allocations, "backups": features.backups }),
        server.oom_killer(),
    );
    Ok((wanted != current).then(|| patch(server, "build", wanted)))
}

fn patch(server: &Server, part: &str, body: Value) -> ApiRequest {
    ApiRequest::patch(permission::SERVERS, &["servers", &server.id.to_string(), part]).body(body)
}

/// A business rule of the panel: the default allocation was changed between the look and the call.
fn moved(error: Error) -> Error {
    if error.code == "DisplayException" { Error { class: Class::Conflict, ..error } } else { error }
}
