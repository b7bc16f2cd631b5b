//! Making a server.

use hostwright_plugin::{Call, Class, Error, Map, Outcome, RemoteState};
use http::StatusCode;
use serde_json::{Value, json};

use crate::Pterodactyl;
use crate::client::Client;
use crate::dialect::Dialect;
use crate::eggs::{Egg, EggAddress};
use crate::errors::Failure;
use crate::owner;
use crate::request::{ApiRequest, permission};
use crate::server::Server;
use crate::settings::{Settings, invalid};

pub(crate) async fn create(plugin: &Pterodactyl, call: &Call) -> Result<Outcome, Error> {
    let client = plugin.client(call)?;
    let dialect = plugin.dialects.of(&client, &call.instance).await?;
    let order = Order::read(&client, call, dialect)?;
    let _turn = plugin.creates.turn(client.panel.as_str()).await;
    let user = owner::find_or_create(&client, call, dialect).await?;
    let server = order.send(plugin, &client, user).await.map_err(|failure| meaning(&client, call, failure))?;
    Ok(Outcome::Done(RemoteState::new(server.remote(&client.panel), server.state())))
}

/// Checks what no schema can: that the settings fit the kind of panel, and that the egg exists.
pub(crate) async fn validate(plugin: &Pterodactyl, call: &Call) -> Result<(), Error> {
    let client = plugin.client(call)?;
    let dialect = plugin.dialects.of(&client, &call.instance).await?;
    let order = Order::read(&client, call, dialect)?;
    if order.needs_egg() {
        plugin.eggs.get(&client, &order.egg_address).await?;
    }
    Ok(())
}

/// A create that was found to be well-formed.
struct Order {
    dialect: Dialect,
    egg_address: EggAddress,
    /// What the package sets of the egg's variables.
    variables: Map,
    /// The body but for the user and what may come from the egg.
    body: Value,
}

impl Order {
    fn read(client: &Client, call: &Call, dialect: Dialect) -> Result<Self, Error> {
        let settings = Settings::new(&call.config);
        let egg = settings.required_integer("egg_id")?;
        let (oom, oom_value) = dialect.oom(settings.flag("oom_killer")?.unwrap_or(true));
        let mut body = json!({
            "external_id": call.external_id,
            "name": Settings::new(&call.checkout).text("server_name")?.unwrap_or(&call.external_id),
            "egg": egg,
            "skip_scripts": settings.flag("skip_scripts")?.unwrap_or(false),
            "start_on_completion": settings.flag("start_on_completion")?.unwrap_or(true),
            "limits": {
                "memory": settings.required_integer("memory")?,
                "swap": settings.integer("swap")?.unwrap_or(0),
                "disk": settings.required_integer("disk")?,
                "io": settings.integer("io")?.unwrap_or(500),
                "cpu": settings.required_integer("cpu")?,
                "threads": settings.text("threads")?,
            },
            "feature_limits": {
                "databases": settings.integer("databases")?.unwrap_or(0),
                "allocations": settings.integer("allocations")?.unwrap_or(0),
                "backups": settings.integer("backups")?.unwrap_or(0),
            },
        });
        body[oom] = oom_value.into();
        for key in ["docker_image", "startup"] {
            if let Some(text) = settings.text(key)? {
                body[key] = text.into();
            }
        }
        let (member, placement) = placement(settings, dialect)?;
        body[member] = placement;
        let egg_address = EggAddress::new(client, dialect, settings.integer("nest_id")?, egg)?;
        Ok(Self { dialect, egg_address, variables: settings.environment()?, body })
    }

    /// Pelican takes image, start command and variables from the egg by itself.
    fn needs_egg(&self) -> bool {
        self.dialect == Dialect::Pterodactyl
    }

    async fn send(&self, plugin: &Pterodactyl, client: &Client, user: u64) -> Result<Server, Failure> {
        if !self.needs_egg() {
            return post(client, self.complete(user, None)).await;
        }
        let found = plugin.eggs.get(client, &self.egg_address).await?;
        let result = post(client, self.complete(user, Some(&found.egg))).await;
        match result {
            Err(failure) if failure.blames_the_environment() => {
                plugin.eggs.forget(&self.egg_address);
                if found.is_fresh {
                    return Err(failure);
                }
                // The egg may have been edited since it was read. Nothing was made: rules are checked first.
                let found = plugin.eggs.get(client, &self.egg_address).await?;
                post(client, self.complete(user, Some(&found.egg))).await
            }
            result => result,
        }
    }

    fn complete(&self, user: u64, egg: Option<&Egg>) -> Value {
        let mut body = self.body.clone();
        body["user"] = user.into();
        let mut variables = Map::new();
        if let Some(egg) = egg {
            variables.clone_from(&egg.variables);
            for (key, text) in [("docker_image", &egg.docker_image), ("startup", &egg.startup)] {
                if body.get(key).is_none() {
                    body[key] = text.as_str().into();
                }
            }
        }
        variables.extend(self.variables.clone());
        body["environment"] = variables.into();
        body
    }
}

async fn post(client: &Client, body: Value) -> Result<Server, Failure> {
    client.object(&ApiRequest::post(permission::SERVERS, &["servers"]).body(body), StatusCode::CREATED).await
}

/// One fixed allocation, or the terms by which the panel chooses one.
fn placement(settings: Settings<'_>, dialect: Dialect) -> Result<(&'static str, Value), Error> {
    let locations = settings.integers("location_ids")?;
    let tags = settings.texts("node_tags")?;
    if let Some(allocation) = settings.integer("allocation_id")? {
        return Ok(("allocation", json!({ "default": allocation })));
    }
    let (member, choice) = match dialect {
        Dialect::Pterodactyl if !tags.is_empty() => {
            return Err(invalid("node_tags", "Pterodactyl has no node tags; use location_ids"));
        }
        Dialect::Pelican if !locations.is_empty() => {
            return Err(invalid("location_ids", "Pelican has no locations; use node_tags"));
        }
        Dialect::Pterodactyl => ("locations", json!(locations)),
        Dialect::Pelican => ("tags", json!(tags)),
    };
    let mut deploy = json!({
        "dedicated_ip": settings.flag("dedicated_ip")?.unwrap_or(false),
        "port_range": settings.texts("port_range")?,
    });
    deploy[member] = choice;
    Ok(("deploy", deploy))
}

/// What a refused create means beyond what its status says.
fn meaning(client: &Client, call: &Call, failure: Failure) -> Error {
    if failure.broke("external_id", "unique") {
        let text = format!("{}: a server with external id {} exists already", client.instance, call.external_id);
        return Error::new(Class::Conflict, "ExternalIdTaken", text);
    }
    if failure.broke("user", "exists") {
        let text = format!("{}: the owner's panel user was removed meanwhile", client.instance);
        return Error::new(Class::Conflict, "UserVanished", text);
    }
    failure.error
}
