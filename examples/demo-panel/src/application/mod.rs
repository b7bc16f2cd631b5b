//! The application API, for administrators' programs.

mod allocations;
mod locations;
mod nests;
mod nodes;
pub(crate) mod servers;
mod users;

use axum::Router;

use crate::config::Dialect;
use crate::panel::Panel;

/// Routes below `/api/application`.
pub(crate) fn routes(dialect: Dialect) -> Router<Panel> {
    let routes = Router::new()
        .merge(users::routes())
        .merge(nodes::routes())
        .merge(allocations::routes())
        .merge(servers::routes());
    match dialect {
        Dialect::Pterodactyl => routes.merge(locations::routes()).merge(nests::routes()),
        Dialect::Pelican => routes.merge(nests::pelican_routes()),
    }
}
