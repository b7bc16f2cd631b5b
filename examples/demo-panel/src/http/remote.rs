//! What Wings reports to the panel. The real panel asks for the node's token; there is none here.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::routing::post;
use serde_json::Value;

use super::call::{Reply, no_content};
use crate::errors::ApiError;
use crate::panel::Panel;
use crate::records::ServerStatus;
use crate::validation::{self, Field};

pub(super) fn routes() -> Router<Panel> {
    Router::new().route("/servers/{uuid}/install", post(installation_ended))
}

async fn installation_ended(State(panel): State<Panel>, Path(uuid): Path<String>, body: Bytes) -> Reply {
    let report: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut state = panel.lock();
    let fields = [Field::new("successful", "present|boolean"), Field::new("reinstall", "sometimes|boolean")];
    validation::validate(&report, &fields, &*state).map_err(ApiError::validation)?;
    if state.server_by_uuid(&uuid).is_none() {
        return Err(ApiError::not_found());
    }
    let holds = |name: &str| report.get(name).and_then(validation::text).is_some_and(|text| text == "1");
    let outcome = match (holds("successful"), holds("reinstall")) {
        (true, _) => None,
        (false, true) => Some(ServerStatus::ReinstallFailed),
        (false, false) => Some(ServerStatus::InstallFailed),
    };
    state.end_installation(&uuid, outcome);
    no_content()
}
