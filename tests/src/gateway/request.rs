//! A request in the words of RBAC.

/// A request to the API server as a test looks at it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// `get list watch create update patch delete deletecollection`.
    pub verb: String,
    /// The API group; empty for the core group.
    pub group: String,
    /// Plural name: `secrets`.
    pub resource: String,
    /// `status` or another subresource; empty for the object itself.
    pub subresource: String,
    /// Empty for what has no namespace and for lists over all of them.
    pub namespace: String,
    /// Empty for lists and creates.
    pub name: String,
    /// The HTTP status of the answer.
    pub status: u16,
}

impl Request {
    pub(crate) fn of<B>(request: &http::Request<B>) -> Self {
        let parts: Vec<&str> = request.uri().path().split('/').filter(|part| !part.is_empty()).collect();
        let (group, rest) = match parts.as_slice() {
            ["api", _version, rest @ ..] => ("", rest),
            ["apis", group, _version, rest @ ..] => (*group, rest),
            _ => ("", &[][..]),
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
            _ => ("", rest),
        };
        let part = |index: usize| rest.get(index).copied().unwrap_or_default().to_owned();
        let watches = request.uri().query().is_some_and(|query| query.contains("watch=true"));
        let verb = match (request.method().as_str(), rest.len()) {
            ("GET", _) if watches => "watch",
            ("GET", 1) => "list",
            ("GET", _) => "get",
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("DELETE", 1) => "deletecollection",
            ("DELETE", _) => "delete",
            _ => "",
        };
        Self {
            verb: verb.to_owned(),
            group: group.to_owned(),
            resource: part(0),
            subresource: part(2),
            namespace: namespace.to_owned(),
            name: part(1),
            status: 0,
        }
    }

    /// Whether it could change something.
    pub fn is_write(&self) -> bool {
        !matches!(self.verb.as_str(), "get" | "list" | "watch")
    }

    /// `update hostingservices/status alice`
    pub(crate) fn described(&self) -> String {
        let slash = if self.subresource.is_empty() { "" } else { "/" };
        format!("{} {}{slash}{} {}", self.verb, self.resource, self.subresource, self.name).trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: &str, uri: &str) -> Request {
        Request::of(&http::Request::builder().method(method).uri(uri).body(()).unwrap())
    }

    #[test]
    fn a_request_is_told_in_the_words_of_rbac() {
        let services = "/apis/hostwright.dev/v1alpha1/namespaces/customers/hostingservices";
        let update = of("PUT", &format!("{services}/alice/status?fieldManager=x"));
        assert_eq!(update.described(), "update hostingservices/status alice");
        assert_eq!((update.group.as_str(), update.namespace.as_str()), ("hostwright.dev", "customers"));
        assert_eq!(of("GET", "/apis/hostwright.dev/v1alpha1/packages?watch=true&resourceVersion=5").verb, "watch");
        assert_eq!(of("GET", "/api/v1/namespaces/kube-system").described(), "get namespaces kube-system");
        assert_eq!(of("POST", "/api/v1/namespaces").described(), "create namespaces");
    }
}
