//! Taking over a server that is there already: its external id is set, and nothing else of it is changed.

use hostwright_plugin::{Call, Class, Error, Outcome, RemoteState};
use http::StatusCode;

use crate::Pterodactyl;
use crate::client::Client;
use crate::lifecycle::absent;
use crate::observe::find;
use crate::owner;
use crate::scale::mark;
use crate::server::Server;

/// What the controller tells from other refusals.
const REFUSED: &str = "AdoptionRefused";

pub(crate) async fn adopt(plugin: &Pterodactyl, call: &Call) -> Result<Outcome, Error> {
    let client = plugin.client(call)?;
    // The one with our external id comes first, so that no second server is given it.
    let found = find(&client, call).await?;
    let server = found.filter(|server| is_named(server, call)).ok_or_else(|| absent(&client, call))?;
    if server.external_id.as_ref() == Some(&call.external_id) {
        return Ok(done(&client, &server));
    }
    if let Some(mark) = &server.external_id {
        return Err(refused(
            &client,
            &server,
            &format!("carries the external id {mark:?}; remove it on the panel first"),
        ));
    }
    belongs_to_owner(&client, call, &server)?;
    let marked = client.object(&mark(&server, call), StatusCode::OK).await?;
    Ok(done(&client, &marked))
}

fn is_named(server: &Server, call: &Call) -> bool {
    call.remote.as_ref().is_some_and(|remote| remote.id == server.id.to_string())
}

/// The user is marked as this owner, or has the owner's address and no mark: an existing user is never edited.
fn belongs_to_owner(client: &Client, call: &Call, server: &Server) -> Result<(), Error> {
    let Some(user) = server.owner() else {
        let text = "shows no user, so nobody can tell whose it is; the application key needs to read users";
        return Err(refused(client, server, text));
    };
    if owner::is_of(call, user) {
        return Ok(());
    }
    let text = format!(
        "belongs to panel user {}, who has another e-mail address than the owner of this service or is marked for somebody \
         else; correct spec.owner, or give the server to the owner on the panel",
        server.user
    );
    Err(refused(client, server, &text).on_field("owner.email"))
}

fn refused(client: &Client, server: &Server, why: &str) -> Error {
    Error::new(Class::Invalid, REFUSED, format!("{}: server {} {why}", client.instance, server.id))
}

fn done(client: &Client, server: &Server) -> Outcome {
    Outcome::Done(RemoteState::new(server.remote(&client.panel), server.state()))
}
