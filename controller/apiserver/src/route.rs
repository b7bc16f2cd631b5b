//! From a method and a path to a verb on a resource, or to the refusal of a real server.
//!
//! There, custom resources and built-in kinds are answered by different programs, which refuse methods in different words.

use std::sync::Arc;

use http::Method;

use crate::registry::Registry;
use crate::request::{Parameters, ResourcePath};
use crate::resource::Resource;
use crate::status::ApiError;

/// What a request is about.
pub(crate) struct Route {
    pub(crate) place: ResourcePath,
    pub(crate) resource: Arc<Resource>,
    /// In the words of RBAC.
    pub(crate) verb: &'static str,
}

/// Finds the resource that a path names, and what the request does to it.
pub(crate) fn route(
    registry: &Registry,
    method: &Method,
    path: &str,
    parameters: &Parameters,
) -> Result<Route, ApiError> {
    let place = ResourcePath::parse(path).ok_or_else(ApiError::unknown_path)?;
    let resource = registry.get(&place.group, &place.version, &place.plural).ok_or_else(ApiError::unknown_path)?;
    let in_scope = match (&place.namespace, resource.namespaced) {
        (Some(_), false) => false,
        // Objects in namespaces can be listed over all of them, nothing else.
        (None, true) => place.name.is_none() && (is_read(method) || !resource.is_custom()),
        _ => true,
    };
    if !in_scope {
        return Err(ApiError::unknown_path());
    }
    let verb = if resource.is_custom() {
        custom_verb(&resource, &place, method, parameters)?
    } else {
        builtin_verb(&resource, &place, method, parameters)?
    };
    Ok(Route { place, resource, verb })
}

fn is_read(method: &Method) -> bool {
    matches!(method.as_str(), "GET" | "HEAD")
}

fn verb(method: &Method, place: &ResourcePath, parameters: &Parameters) -> &'static str {
    match method.as_str() {
        "GET" | "HEAD" if place.name.is_none() && parameters.flag("watch") => "watch",
        "GET" | "HEAD" if place.name.is_some() => "get",
        "GET" | "HEAD" => "list",
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" if place.name.is_some() => "delete",
        "DELETE" => "deletecollection",
        _ => "",
    }
}

fn custom_verb(
    resource: &Resource,
    place: &ResourcePath,
    method: &Method,
    parameters: &Parameters,
) -> Result<&'static str, ApiError> {
    let verb = verb(method, place, parameters);
    let allowed = match place.subresource.as_deref() {
        None => !verb.is_empty(),
        Some("status") if resource.status => matches!(verb, "get" | "update" | "patch"),
        Some("scale") if resource.scale.is_some() => matches!(verb, "get" | "update" | "patch"),
        Some(_) => return Err(ApiError::not_found(resource.subject(), place.name.as_deref().unwrap_or_default())),
    };
    if !allowed {
        return Err(ApiError::method_not_allowed(resource.subject(), verb));
    }
    if matches!(verb, "update" | "patch") && place.name.is_none() {
        return Err(ApiError::bad_request("name must be provided"));
    }
    Ok(verb)
}

fn builtin_verb(
    resource: &Resource,
    place: &ResourcePath,
    method: &Method,
    parameters: &Parameters,
) -> Result<&'static str, ApiError> {
    let verb = verb(method, place, parameters);
    let (named, everywhere) = (place.name.is_some(), resource.namespaced && place.namespace.is_none());
    let allowed = match place.subresource.as_deref() {
        None => match verb {
            "create" => !named && !everywhere,
            "update" | "patch" => named,
            "deletecollection" => !everywhere && resource.deletes_collections(),
            other => !other.is_empty(),
        },
        Some("status") if resource.status => matches!(verb, "get" | "update" | "patch"),
        Some("finalize") if resource.finalizes() => verb == "update",
        Some(_) => return Err(ApiError::unknown_path()),
    };
    if allowed { Ok(verb) } else { Err(ApiError::unrouted_method()) }
}
