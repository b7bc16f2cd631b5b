//! What is asked of the panel's application API.

use bytes::Bytes;
use hostwright_plugin::Secret;
use http::{Method, header};
use serde_json::Value;
use url::Url;

/// The permissions of an application key, by their names at the panel.
pub(crate) mod permission {
    pub(crate) const SERVERS: &str = "r_servers";
    pub(crate) const USERS: &str = "r_users";
    pub(crate) const NESTS: &str = "r_nests";
    pub(crate) const EGGS: &str = "r_eggs";
    pub(crate) const NODES: &str = "r_nodes";
    pub(crate) const LOCATIONS: &str = "r_locations";
}

/// One request to the application API.
#[derive(Debug, Clone)]
pub(crate) struct ApiRequest {
    pub(crate) method: Method,
    /// The permission it needs.
    pub(crate) permission: &'static str,
    /// Path segments below `/api/application`, not yet encoded.
    segments: Vec<String>,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
}

impl ApiRequest {
    pub(crate) fn new(method: Method, permission: &'static str, path: &[&str]) -> Self {
        let segments = path.iter().map(|&segment| segment.to_owned()).collect();
        Self { method, permission, segments, query: Vec::new(), body: None }
    }

    pub(crate) fn get(permission: &'static str, path: &[&str]) -> Self {
        Self::new(Method::GET, permission, path)
    }

    pub(crate) fn post(permission: &'static str, path: &[&str]) -> Self {
        Self::new(Method::POST, permission, path)
    }

    pub(crate) fn patch(permission: &'static str, path: &[&str]) -> Self {
        Self::new(Method::PATCH, permission, path)
    }

    pub(crate) fn query(mut self, name: &'static str, value: &str) -> Self {
        self.query.push((name, value.to_owned()));
        self
    }

    pub(crate) fn body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    /// True when it changes nothing, so that no answer at all means that nothing was changed.
    pub(crate) fn is_read(&self) -> bool {
        self.method == Method::GET
    }

    /// True when the path leads to one object, which may be absent, rather than to a collection, which never is.
    pub(crate) fn names_an_object(&self) -> bool {
        self.segments.len() > 1
    }

    /// Method and path, for messages.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.segments.join("/"))
    }

    /// The request as it goes out.
    pub(crate) fn to_http(&self, base: &Url, key: &Secret) -> Result<http::Request<Bytes>, http::Error> {
        let mut url = base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["api", "application"]).extend(&self.segments);
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        let mut credential = header::HeaderValue::try_from(format!("Bearer {}", key.expose()))?;
        credential.set_sensitive(true);
        let request = http::Request::builder()
            .method(self.method.clone())
            .uri(url.as_str())
            // Without it the panel answers errors with HTML pages and redirects.
            .header(header::ACCEPT, "application/json")
            .header(header::AUTHORIZATION, credential);
        match &self.body {
            Some(body) => request.header(header::CONTENT_TYPE, "application/json").body(Bytes::from(body.to_string())),
            None => request.body(Bytes::new()),
        }
    }
}
