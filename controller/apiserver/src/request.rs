//! Reading the path and the parameters of a request.

use crate::field::FieldError;
use crate::status::ApiError;

/// The decoded parameters of a URL.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(crate) fn parse(query: &str) -> Self {
        Self(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), Some("true" | "1" | "True" | "TRUE" | "t" | "T"))
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| {
            ApiError::bad_request(format!("{name}: strconv.ParseUint: parsing \"{text}\": invalid syntax"))
        })
    }
}

/// A path that names a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ResourcePath {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) namespace: Option<String>,
    pub(crate) plural: String,
    pub(crate) name: Option<String>,
    pub(crate) subresource: Option<String>,
}

impl ResourcePath {
    /// Takes `/apis/GROUP/VERSION/namespaces/NAMESPACE/PLURAL/NAME/SUBRESOURCE` apart; nothing for any other path.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let parts: Vec<String> = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(|part| {
                url::form_urlencoded::parse(format!("x={}", part.replace('+', "%2B")).as_bytes())
                    .next()
                    .map(|(_, v)| v.into_owned())
            })
            .collect::<Option<_>>()?;
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (group, version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            // `namespaces/NAME/status` and `namespaces/NAME/finalize` are about the namespace itself.
            ["namespaces", _, "status" | "finalize"] | ["namespaces", _] | ["namespaces"] => (None, rest),
            ["namespaces", namespace, rest @ ..] => (Some((*namespace).to_owned()), rest),
            _ => (None, rest),
        };
        let (plural, name, subresource) = match rest {
            [plural] => (*plural, None, None),
            [plural, name] => (*plural, Some(*name), None),
            [plural, name, subresource] => (*plural, Some(*name), Some(*subresource)),
            _ => return None,
        };
        Some(Self {
            group: group.to_owned(),
            version: version.to_owned(),
            namespace,
            plural: plural.to_owned(),
            name: name.map(ToOwned::to_owned),
            subresource: subresource.map(ToOwned::to_owned),
        })
    }
}

/// What a request does, in the words of RBAC.
pub(crate) fn verb(method: &http::Method, path: &ResourcePath, parameters: &Parameters) -> Option<&'static str> {
    let one = path.name.is_some();
    Some(match method.as_str() {
        "GET" | "HEAD" if parameters.flag("watch") => "watch",
        "GET" | "HEAD" if one => "get",
        "GET" | "HEAD" => "list",
        "POST" if !one => "create",
        "PUT" if one => "update",
        "PATCH" if one => "patch",
        "DELETE" if one => "delete",
        "DELETE" => "deletecollection",
        _ => return None,
    })
}

/// What becomes of fields the schema does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}

/// The options every write shares.
#[derive(Debug, Clone)]
pub(crate) struct WriteOptions {
    pub(crate) dry_run: bool,
    pub(crate) field_validation: FieldValidation,
    pub(crate) manager: String,
    pub(crate) explicit_manager: bool,
    pub(crate) force: bool,
}

impl WriteOptions {
    /// `kind` names the options in errors: `CreateOptions`, `UpdateOptions`, `PatchOptions`.
    pub(crate) fn parse(parameters: &Parameters, user_agent: &str, kind: &str) -> Result<Self, ApiError> {
        let dry_run = match parameters.get("dryRun") {
            None => false,
            Some("All") => true,
            Some(other) => {
                let error = FieldError::not_supported("dryRun", &other.into(), &["All".into()]);
                return Err(ApiError::invalid_options(kind, error));
            }
        };
        let field_validation = match parameters.get("fieldValidation") {
            None | Some("Warn") => FieldValidation::Warn,
            Some("Ignore") => FieldValidation::Ignore,
            Some("Strict") => FieldValidation::Strict,
            Some(other) => {
                let supported = ["".into(), "Ignore".into(), "Strict".into(), "Warn".into()];
                let error = FieldError::not_supported("fieldValidation", &other.into(), &supported);
                return Err(ApiError::invalid_options(kind, error));
            }
        };
        let given = parameters.get("fieldManager");
        if given.is_some_and(|manager| manager.len() > 128) {
            return Err(ApiError::invalid_options(kind, FieldError::too_long("fieldManager", 128)));
        }
        // The part of the User-Agent before the first slash stands in, as in the real server.
        let manager = given.or_else(|| user_agent.split('/').next()).filter(|manager| !manager.is_empty());
        Ok(Self {
            dry_run,
            field_validation,
            manager: manager.unwrap_or("unknown").chars().take(128).collect(),
            explicit_manager: given.is_some(),
            force: parameters.flag("force"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> ResourcePath {
        ResourcePath::parse(text).unwrap()
    }

    #[test]
    fn a_namespaced_object_has_all_parts() {
        let found = path("/apis/g.dev/v1/namespaces/team/things/one/status");
        assert_eq!(found.namespace.as_deref(), Some("team"));
        assert_eq!((found.plural.as_str(), found.name.as_deref()), ("things", Some("one")));
        assert_eq!(found.subresource.as_deref(), Some("status"));
    }

    #[test]
    fn a_namespace_is_an_object_and_not_a_place() {
        let found = path("/api/v1/namespaces/team");
        assert_eq!((found.namespace, found.plural.as_str(), found.name.as_deref()), (None, "namespaces", Some("team")));
        assert_eq!(path("/api/v1/namespaces/team/status").subresource.as_deref(), Some("status"));
    }
}
