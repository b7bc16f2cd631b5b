//! Eggs: the templates whose defaults Pterodactyl does not apply by itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hostwright_plugin::{Error, Map};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use crate::answer::Envelope;
use crate::client::Client;
use crate::dialect::Dialect;
use crate::errors::Failure;
use crate::request::{ApiRequest, permission};

/// What a server gets from its egg where the package says nothing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Egg {
    pub(crate) docker_image: String,
    pub(crate) startup: String,
    /// The default of every variable. The panel takes a missing one for null, not for its default.
    pub(crate) variables: Map,
}

/// Where an egg is found.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct EggAddress {
    panel: String,
    /// None on Pelican.
    nest: Option<i64>,
    egg: i64,
}

/// Eggs that were read a short while ago.
#[derive(Debug, Default)]
pub(crate) struct Eggs {
    read: Mutex<HashMap<EggAddress, (Instant, Arc<Egg>)>>,
}

/// An egg and whether it was read just now.
pub(crate) struct FoundEgg {
    pub(crate) egg: Arc<Egg>,
    pub(crate) is_fresh: bool,
}

impl EggAddress {
    pub(crate) fn new(client: &Client, dialect: Dialect, nest: Option<i64>, egg: i64) -> Result<Self, Error> {
        let nest = match dialect {
            Dialect::Pterodactyl => Some(nest.ok_or_else(|| {
                client.invalid(
                    "config.nest_id",
                    "nest_id is required on Pterodactyl: the number of the nest that holds the egg",
                )
            })?),
            Dialect::Pelican => None,
        };
        Ok(Self { panel: client.panel.to_string(), nest, egg })
    }
}

impl Eggs {
    const MOST: usize = 256;
    /// How long an edit of an egg on the panel may go unnoticed. One that makes the old defaults invalid shows at once:
    /// the panel refuses them.
    const FRESH_FOR: Duration = Duration::from_mins(10);

    /// The egg, from memory or from the panel.
    pub(crate) async fn get(&self, client: &Client, address: &EggAddress) -> Result<FoundEgg, Failure> {
        if let Some(egg) = self.remembered(address) {
            return Ok(FoundEgg { egg, is_fresh: false });
        }
        let egg = Arc::new(read(client, address).await?);
        self.remember(address, &egg);
        Ok(FoundEgg { egg, is_fresh: true })
    }

    /// Forgets an egg whose defaults the panel has refused.
    pub(crate) fn forget(&self, address: &EggAddress) {
        self.lock().remove(address);
    }

    fn remembered(&self, address: &EggAddress) -> Option<Arc<Egg>> {
        let read = self.lock();
        let (since, egg) = read.get(address)?;
        (since.elapsed() < Self::FRESH_FOR).then(|| Arc::clone(egg))
    }

    fn remember(&self, address: &EggAddress, egg: &Arc<Egg>) {
        let mut read = self.lock();
        if read.len() >= Self::MOST {
            read.retain(|_, (since, _)| since.elapsed() < Self::FRESH_FOR);
        }
        if read.len() >= Self::MOST {
            read.clear();
        }
        read.insert(address.clone(), (Instant::now(), Arc::clone(egg)));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<EggAddress, (Instant, Arc<Egg>)>> {
        // Nothing panics while holding it, and every state of the map is a valid one.
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn read(client: &Client, address: &EggAddress) -> Result<Egg, Failure> {
    let egg = address.egg.to_string();
    let request = match address.nest.map(|nest| nest.to_string()) {
        Some(nest) => ApiRequest::get(permission::EGGS, &["nests", &nest, "eggs", &egg]),
        None => ApiRequest::get(permission::EGGS, &["eggs", &egg]),
    };
    let found: Option<EggBody> = client.find(&request.query("include", "variables")).await?;
    let body = found.ok_or_else(|| match address.nest {
        Some(nest) => client
            .invalid("config.egg_id", &format!("nest {nest} of the panel has no egg {egg}; check nest_id and egg_id")),
        None => client.invalid("config.egg_id", &format!("the panel has no egg {egg}; check egg_id")),
    })?;
    Ok(body.into_egg())
}

#[derive(Deserialize)]
struct EggBody {
    #[serde(default)]
    docker_image: Option<String>,
    /// Label to image; Pelican has only these.
    #[serde(default)]
    docker_images: Value,
    #[serde(default)]
    startup: Option<String>,
    relationships: EggRelationships,
}

#[derive(Deserialize)]
struct EggRelationships {
    variables: Variables,
}

#[derive(Deserialize)]
struct Variables {
    data: Vec<Envelope<Variable>>,
}

#[derive(Deserialize)]
struct Variable {
    env_variable: String,
    #[serde(default)]
    default_value: Value,
}

impl EggBody {
    fn into_egg(self) -> Egg {
        let first_image = || self.docker_images.as_object()?.values().next()?.as_str().map(str::to_owned);
        Egg {
            docker_image: self.docker_image.clone().or_else(first_image).unwrap_or_default(),
            startup: self.startup.unwrap_or_default(),
            variables: self
                .relationships
                .variables
                .data
                .into_iter()
                .map(|variable| (variable.attributes.env_variable, variable.attributes.default_value))
                .collect(),
        }
    }
}
