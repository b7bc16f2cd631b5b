//! Suspending, lifting a suspension, and ending.

use hostwright_plugin::{Call, Class, Error, Outcome, RemoteState, State};
use http::{Method, StatusCode};

use crate::Pterodactyl;
use crate::client::Client;
use crate::dialect::Dialect;
use crate::errors::Failure;
use crate::observe::find;
use crate::request::{ApiRequest, permission};
use crate::server::{Server, was_uninstalled};

pub(crate) async fn suspend(plugin: &Pterodactyl, call: &Call) -> Result<Outcome, Error> {
    let client = plugin.client(call)?;
    let target = Target::of(&client, call).await?.ok_or_else(|| absent(&client, call))?;
    switch(plugin, &client, call, &target, Switch::Suspend).await?;
    Ok(target.left(State::Suspended))
}

/// Lifting a suspension makes a server look installed, whatever it was before; so an installation that the suspension
/// interrupted or hid is started again.
pub(crate) async fn unsuspend(plugin: &Pterodactyl, call: &Call) -> Result<Outcome, Error> {
    let client = plugin.client(call)?;
    let target = Target::of(&client, call).await?.ok_or_else(|| absent(&client, call))?;
    switch(plugin, &client, call, &target, Switch::Unsuspend).await?;
    if !was_uninstalled(call.before.as_ref()) {
        return Ok(target.left(State::Active));
    }
    let path = ["servers", &target.id];
    let server: Server = client.object(&ApiRequest::get(permission::SERVERS, &path), StatusCode::OK).await?;
    // An earlier attempt may have started it.
    if server.state() != State::Provisioning {
        client.perform(&ApiRequest::post(permission::SERVERS, &["servers", &target.id, "reinstall"])).await?;
    }
    Ok(target.left(State::Provisioning))
}

pub(crate) async fn terminate(plugin: &Pterodactyl, call: &Call) -> Result<Outcome, Error> {
    let client = plugin.client(call)?;
    let Some(target) = Target::of(&client, call).await? else {
        return Ok(Outcome::Gone);
    };
    let path = ["servers", &target.id, "force"];
    let path = if call.force { &path[..] } else { &path[..2] };
    client.perform_if_present(&ApiRequest::new(Method::DELETE, permission::SERVERS, path)).await?;
    Ok(Outcome::Gone)
}

/// The server that a verb acts on.
struct Target {
    id: String,
    remote: hostwright_plugin::Remote,
}

impl Target {
    /// The remote that the caller knows and has verified, else the one with the external id.
    async fn of(client: &Client, call: &Call) -> Result<Option<Self>, Failure> {
        if let Some(remote) = &call.remote {
            return Ok(Some(Self { id: server_id(client, &remote.id)?, remote: remote.clone() }));
        }
        let found = find(client, call).await?;
        Ok(found.map(|server| Self { id: server.id.to_string(), remote: server.remote(&client.panel) }))
    }

    fn left(self, state: State) -> Outcome {
        Outcome::Done(RemoteState::new(self.remote, state))
    }
}

/// A remote id, checked: as a path segment, an empty one would lead to all servers.
pub(crate) fn server_id(client: &Client, text: &str) -> Result<String, Error> {
    let number: u64 = text.parse().map_err(|_| {
        let text = format!("{}: remote id {text:?} is not the number of a server", client.instance);
        Error::new(Class::Invalid, "malformed_remote", text)
    })?;
    Ok(number.to_string())
}

pub(crate) fn absent(client: &Client, call: &Call) -> Error {
    let text = format!("{}: there is no server with external id {}", client.instance, call.external_id);
    Error::new(Class::NotFound, crate::errors::NOT_FOUND, text)
}

#[derive(Debug, Clone, Copy)]
enum Switch {
    Suspend,
    Unsuspend,
}

impl Switch {
    fn request(self, id: &str) -> ApiRequest {
        let action = match self {
            Self::Suspend => "suspend",
            Self::Unsuspend => "unsuspend",
        };
        ApiRequest::post(permission::SERVERS, &["servers", id, action])
    }

    fn opposite(self) -> Self {
        match self {
            Self::Suspend => Self::Unsuspend,
            Self::Unsuspend => Self::Suspend,
        }
    }
}

/// Suspends or unsuspends. When Wings fails, Pterodactyl puts its own record back, but Pelican does not: it then shows a
/// state that Wings never heard of, and would do nothing when asked again. So there the record is put back here; Wings
/// may well fail again, but the record changes all the same.
async fn switch(plugin: &Pterodactyl, client: &Client, call: &Call, target: &Target, to: Switch) -> Result<(), Error> {
    let result = client.perform(&to.request(&target.id)).await;
    if let Err(failure) = &result
        && failure.is_from_wings()
        && plugin.dialects.of(client, &call.instance).await.is_ok_and(|dialect| dialect == Dialect::Pelican)
        && let Err(failure) = client.perform(&to.opposite().request(&target.id)).await
    {
        tracing::debug!(error = %failure.error, "putting back the panel's record after a failure of Wings");
    }
    Ok(result?)
}
