//! The client API, for the owners of servers.

mod access;
mod actions;
mod view;

use axum::Router;
use axum::extract::{Path, State as Extract};
use axum::routing::{get, post};
use serde_json::{Value, json};

use self::access::Access;
use self::view::{client_server_item, permissions};
use crate::errors::ApiError;
use crate::http::{Call, Listing, Reply, ok};
use crate::panel::Panel;
use crate::records::Server;

/// Routes below `/api/client`.
pub(crate) fn routes() -> Router<Panel> {
    Router::new()
        .route("/", get(index))
        .route("/account", get(account))
        .route("/servers/{server}", get(show))
        .route("/servers/{server}/resources", get(actions::resources))
        .route("/servers/{server}/websocket", get(actions::websocket))
        .route("/servers/{server}/power", post(actions::power))
        .route("/servers/{server}/command", post(actions::command))
        .route("/servers/{server}/settings/reinstall", post(actions::reinstall))
}

/// The servers of the key's user; an administrator's `type` widens the list.
async fn index(Extract(panel): Extract<Panel>, call: Call) -> Reply {
    let state = panel.lock();
    call.may_read(&state)?;
    let admin = state.is_root_admin(call.user());
    let listed = |server: &&Server| {
        let own = server.owner == call.user();
        match call.query_value("type") {
            Some("admin") => admin && !own,
            Some("admin-all") => admin,
            _ => own,
        }
    };
    let listing = Listing {
        filters: &["uuid", "name", "description", "external_id", "*"],
        largest_page: Some(100),
        links_keep_query: true,
        ..Listing::new("/api/client")
    };
    let servers = state.servers.rows().filter(listed);
    ok(listing.page(&call, servers, |server| client_server_item(&state, server, call.user()))?)
}

async fn account(Extract(panel): Extract<Panel>, call: Call) -> Reply {
    let state = panel.lock();
    call.may_read(&state)?;
    let user = state.users.get(call.user()).ok_or_else(ApiError::not_found)?;
    ok(json!({
        "object": "user",
        "attributes": {
            "id": user.id,
            "admin": user.root_admin,
            "username": user.username,
            "email": user.email,
            "first_name": user.first_name,
            "last_name": user.last_name,
            "language": user.language,
        },
    }))
}

async fn show(Extract(panel): Extract<Panel>, call: Call, Path(server): Path<String>) -> Reply {
    let state = panel.lock();
    let server = Access::View.check(&state, &call, &server)?;
    let mut body = client_server_item(&state, server, call.user());
    if let Value::Object(members) = &mut body {
        let meta = json!({
            "is_server_owner": server.owner == call.user(),
            "user_permissions": permissions(&state, call.user()),
        });
        members.insert("meta".to_owned(), meta);
    }
    ok(body)
}
