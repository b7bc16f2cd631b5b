//! One request on one resource: from the verb to the answer.

mod admit;
mod create;
mod delete;
mod identity;
mod judge;
mod patch;
mod read;
mod scale;
mod update;

use std::sync::{Arc, OnceLock};

use axum::body::Body;
use http::Response;
use serde_json::Value;

use crate::durable::Ticket;
use crate::faults::Request;
use crate::request::{Parameters, ResourcePath, WriteOptions};
use crate::resource::Resource;
use crate::response::{self, Answer};
use crate::shared::{Shared, Writing};
use crate::status::ApiError;
use crate::{object, table, watch};

pub(crate) use read::check_not_ahead;

/// A request that names an existing resource.
pub(crate) struct Call {
    pub(crate) shared: Arc<Shared>,
    pub(crate) resource: Arc<Resource>,
    pub(crate) path: ResourcePath,
    pub(crate) parameters: Parameters,
    pub(crate) request: Request,
    pub(crate) content_type: String,
    pub(crate) accept: String,
    pub(crate) body: bytes::Bytes,
    /// Tells when the changes of this request are on disk.
    pub(crate) ticket: OnceLock<Ticket>,
}

impl Call {
    pub(crate) fn namespace(&self) -> &str {
        self.path.namespace.as_deref().unwrap_or_default()
    }

    pub(crate) fn name(&self) -> &str {
        self.path.name.as_deref().unwrap_or_default()
    }

    pub(crate) fn key(&self) -> crate::store::Key {
        self.resource.key(self.namespace(), self.name())
    }

    pub(crate) fn subresource(&self) -> &str {
        self.path.subresource.as_deref().unwrap_or_default()
    }

    /// The state, to change it.
    fn write(&self) -> Result<Writing<'_>, ApiError> {
        self.shared.write_for(Some(&self.ticket))
    }

    /// What is stored has a limit of its own: defaults and several writers can make more of it than was sent at once.
    fn check_size(&self, value: &Value) -> Result<(), ApiError> {
        let limit = self.shared.config.limits.object;
        object::excess(value, limit).map_or(Ok(()), |length| {
            let message =
                format!("Request entity too large: the object would have {length} bytes; the limit is {limit}");
            Err(ApiError::new(413, "RequestEntityTooLarge", message))
        })
    }

    fn options(&self, kind: &str) -> Result<WriteOptions, ApiError> {
        WriteOptions::parse(&self.parameters, &self.request.user_agent, kind)
    }

    fn patch_options(&self, is_apply: bool) -> Result<WriteOptions, ApiError> {
        WriteOptions::of_patch(&self.parameters, &self.request.user_agent, is_apply)
    }

    fn not_found(&self) -> ApiError {
        ApiError::not_found(self.resource.subject(), self.name())
    }
}

/// Answers the request.
pub(crate) fn handle(call: &Call) -> Response<Body> {
    let mut warnings: Vec<String> = call.resource.deprecation.iter().cloned().collect();
    match dispatch(call, &mut warnings) {
        Ok(Outcome::Answer(answer)) => match table::negotiate(call, answer.content) {
            Ok(body) => response::written(answer.code, body, &warnings),
            Err(error) => response::error(&error, &warnings),
        },
        Ok(Outcome::Stream(body)) => watch::response(body, &warnings),
        Err(error) => response::error(&error, &warnings),
    }
}

enum Outcome {
    Answer(Answer),
    Stream(Body),
}

fn dispatch(call: &Call, warnings: &mut Vec<String>) -> Result<Outcome, ApiError> {
    let answer = match (call.request.verb.as_str(), call.subresource()) {
        ("watch", "") => return watch::start(call).map(Outcome::Stream),
        ("get", "scale") => scale::get(call)?,
        ("update", "scale") => scale::update(call, warnings)?,
        ("patch", "scale") => scale::patch(call, warnings)?,
        ("get", _) => read::get(call)?,
        ("list", "") => read::list(call)?,
        ("create", "") => create::create(call, warnings)?,
        ("update", _) => update::replace(call, warnings)?,
        ("patch", _) => patch::patch(call, warnings)?,
        ("delete", "") => delete::delete(call)?,
        ("deletecollection", "") => delete::delete_collection(call)?,
        (verb, _) => return Err(ApiError::method_not_allowed(call.resource.subject(), verb)),
    };
    Ok(Outcome::Answer(answer))
}
