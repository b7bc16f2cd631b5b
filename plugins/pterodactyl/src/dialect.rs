//! Pterodactyl or its fork Pelican: which of the two a panel is.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use hostwright_plugin::{Error, Instance, Scope};
use http::StatusCode;

use crate::answer::Answer;
use crate::client::Client;
use crate::errors::Failure;
use crate::request::{ApiRequest, permission};

/// The kind of a panel, where the two differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Pterodactyl,
    Pelican,
}

impl Dialect {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pterodactyl => "Pterodactyl",
            Self::Pelican => "Pelican",
        }
    }

    /// The member of a body that says whether the kernel may kill the server, and its value.
    pub(crate) fn oom(self, killer: bool) -> (&'static str, bool) {
        match self {
            Self::Pterodactyl => ("oom_disabled", !killer),
            Self::Pelican => ("oom_killer", killer),
        }
    }
}

/// What the panels turned out to be, by base address.
#[derive(Debug, Default)]
pub(crate) struct Dialects {
    known: Mutex<HashMap<String, Dialect>>,
}

impl Dialects {
    /// More panels than anyone has; beyond it they are asked again.
    const MOST: usize = 1024;

    /// The dialect of the panel: the one that is set, else the one that it turned out to be.
    pub(crate) async fn of(&self, client: &Client, instance: &Instance) -> Result<Dialect, Failure> {
        if let Some(dialect) = configured(client, instance)? {
            return Ok(dialect);
        }
        let known = self.lock().get(client.panel.as_str()).copied();
        match known {
            Some(dialect) => Ok(dialect),
            None => self.detect(client).await,
        }
    }

    /// Asks the panel anew, unless the dialect is set.
    pub(crate) async fn ask(&self, client: &Client, instance: &Instance) -> Result<Dialect, Failure> {
        match configured(client, instance)? {
            Some(dialect) => Ok(dialect),
            None => self.detect(client).await,
        }
    }

    async fn detect(&self, client: &Client) -> Result<Dialect, Failure> {
        let exists = |answer: &Answer| answer.status != StatusCode::NOT_FOUND;
        let nests = ApiRequest::get(permission::NESTS, &["nests"]).query("per_page", "1");
        let eggs = ApiRequest::get(permission::EGGS, &["eggs"]).query("per_page", "1");
        let dialect = if exists(&client.probe(&nests).await?) {
            Dialect::Pterodactyl
        } else if exists(&client.probe(&eggs).await?) {
            Dialect::Pelican
        } else {
            let text = "has neither nests nor eggs below /api/application: is it the base address of a panel?";
            return Err(client.invalid("instance.panel_url", text).scoped(Scope::Instance).into());
        };
        let mut known = self.lock();
        if known.len() >= Self::MOST {
            known.clear();
        }
        known.insert(client.panel.to_string(), dialect);
        Ok(dialect)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Dialect>> {
        // Nothing panics while holding it, and every state of the map is a valid one.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn configured(client: &Client, instance: &Instance) -> Result<Option<Dialect>, Error> {
    match instance.text("dialect").unwrap_or("auto") {
        "auto" => Ok(None),
        "pterodactyl" => Ok(Some(Dialect::Pterodactyl)),
        "pelican" => Ok(Some(Dialect::Pelican)),
        other => {
            let text = format!("dialect: found {other:?}, expected auto, pterodactyl or pelican");
            Err(client.invalid("instance.dialect", &text).scoped(Scope::Instance))
        }
    }
}
