//! What Wings reports to the panel. The real panel asks for the node's token; there is none here.

use axum::Json;
use axum::Router;
use axum::extract::{Path, State};
use axum::routing::post;
use serde::Deserialize;

use super::call::{Reply, no_content};
use crate::errors::ApiError;
use crate::panel::Panel;
use crate::records::ServerStatus;

pub(super) fn routes() -> Router<Panel> {
    Router::new().route("/servers/{uuid}/install", post(installation_ended))
}

#[derive(Deserialize)]
struct Report {
    successful: bool,
    #[serde(default)]
    reinstall: bool,
}

async fn installation_ended(State(panel): State<Panel>, Path(uuid): Path<String>, Json(report): Json<Report>) -> Reply {
    let mut state = panel.lock();
    if state.server_by_uuid(&uuid).is_none() {
        return Err(ApiError::not_found());
    }
    let outcome = match (report.successful, report.reinstall) {
        (true, _) => None,
        (false, true) => Some(ServerStatus::ReinstallFailed),
        (false, false) => Some(ServerStatus::InstallFailed),
    };
    state.end_installation(&uuid, outcome);
    no_content()
}
