//! Suspension, reinstallation and deletion.

use axum::extract::{Path, State as Extract};

use crate::errors::ApiError;
use crate::http::{Call, Reply, no_content};
use crate::panel::Panel;
use crate::records::ServerStatus;
use crate::wings::WingsFailure;

pub(super) async fn suspend(Extract(panel): Extract<Panel>, call: Call, Path(id): Path<String>) -> Reply {
    toggle(&panel, &call, &id, true).await
}

pub(super) async fn unsuspend(Extract(panel): Extract<Panel>, call: Call, Path(id): Path<String>) -> Reply {
    toggle(&panel, &call, &id, false).await
}

/// Suspends or unsuspends. A server that is already in the wanted state is left alone, Wings included.
async fn toggle(panel: &Panel, call: &Call, id: &str, suspend: bool) -> Reply {
    let (suspended, ready) = (Some(ServerStatus::Suspended), None);
    let (uuid, node, pelican) = {
        let mut state = panel.lock();
        let server = state.server(id)?.clone();
        call.may_write(&state)?;
        if server.is_suspended() == suspend {
            return no_content();
        }
        if server.transferring {
            let detail = "Cannot toggle suspension status on a server that is currently being transferred.";
            return Err(ApiError::new(409, "ConflictHttpException", detail));
        }
        state.set_status(&server.uuid, if suspend { suspended } else { ready });
        (server.uuid, server.node, state.dialect.is_pelican())
    };
    if let Err(failure) = panel.call_wings(node).await {
        // Pterodactyl does not restore the former status but the opposite of the wanted one; Pelican keeps the new one.
        if !pelican {
            panel.lock().set_status(&uuid, if suspend { ready } else { suspended });
        }
        return Err(failure.into());
    }
    no_content()
}

pub(super) async fn reinstall_by_id(Extract(panel): Extract<Panel>, call: Call, Path(id): Path<String>) -> Reply {
    let uuid = {
        let state = panel.lock();
        let uuid = state.server(&id)?.uuid.clone();
        call.may_write(&state)?;
        uuid
    };
    reinstall(&panel, &uuid).await?;
    no_content()
}

/// Starts the installation of a server again, whatever its status. If Wings fails nothing changes.
pub(crate) async fn reinstall(panel: &Panel, uuid: &str) -> Result<(), ApiError> {
    let node = panel.lock().server_by_uuid(uuid).map(|server| server.node).ok_or_else(ApiError::not_found)?;
    panel.call_wings(node).await?;
    {
        let mut state = panel.lock();
        state.set_status(uuid, Some(ServerStatus::Installing));
        if let Some(server) = state.server_by_uuid_mut(uuid) {
            server.installation += 1;
        }
    }
    panel.begin_installation(uuid);
    Ok(())
}

pub(super) async fn destroy(Extract(panel): Extract<Panel>, call: Call, Path(id): Path<String>) -> Reply {
    delete(&panel, &call, &id, false).await
}

pub(super) async fn destroy_by_force(
    Extract(panel): Extract<Panel>,
    call: Call,
    Path((id, force)): Path<(String, String)>,
) -> Reply {
    delete(&panel, &call, &id, force == "force").await
}

/// Deletes a server unless Wings objects. That Wings does not know it is no objection, and force overrules any.
async fn delete(panel: &Panel, call: &Call, id: &str, force: bool) -> Reply {
    let (uuid, node) = {
        let state = panel.lock();
        let server = state.server(id)?;
        call.may_write(&state)?;
        (server.uuid.clone(), server.node)
    };
    match panel.call_wings(node).await {
        Err(failure) if !force && failure != WingsFailure::NotFound => return Err(failure.into()),
        _ => {}
    }
    panel.lock().remove_server(&uuid);
    no_content()
}
