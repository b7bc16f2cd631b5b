//! Reading the path and the parameters of a request.

use std::num::{IntErrorKind, ParseIntError};

use crate::field::FieldError;
use crate::metadata::check_manager;
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

    /// Every value of a parameter that may come several times.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// Whatever does not say no says yes, also nothing at all: `?watch`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        let value = self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.to_lowercase());
        value.is_some_and(|value| value != "false" && value != "0")
    }

    /// A whole number, as the options of a request have them.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let refused = |error: ParseIntError| {
            ApiError::bad_request(format!("strconv.ParseInt: parsing {text:?}: {}", number_problem(&error)))
        };
        text.parse().map(Some).map_err(refused)
    }

    /// The version of a list.
    pub(crate) fn version(&self) -> Result<Option<u64>, ApiError> {
        self.parsed_version().map_err(|why| ApiError::bad_request(format!("invalid resource version: {why}")))
    }

    /// The version of a single object or of a watch; only the code is another than that of lists.
    pub(crate) fn version_of_one(&self) -> Result<Option<u64>, ApiError> {
        self.parsed_version().map_err(|why| ApiError::new(500, "", why))
    }

    fn parsed_version(&self) -> Result<Option<u64>, String> {
        let Some(text) = self.get("resourceVersion") else { return Ok(None) };
        let refused = |_| {
            format!("resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax")
        };
        text.parse().map(Some).map_err(refused)
    }
}

fn number_problem(error: &ParseIntError) -> &'static str {
    match error.kind() {
        IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => "value out of range",
        _ => "invalid syntax",
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
            // Whatever follows, a real server does not look at it.
            [plural, name, subresource, ..] => (*plural, Some(*name), Some(*subresource)),
            [] => return None,
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
    pub(crate) force: bool,
}

impl WriteOptions {
    /// `kind` names the options in errors: `CreateOptions`, `UpdateOptions`.
    pub(crate) fn parse(parameters: &Parameters, user_agent: &str, kind: &str) -> Result<Self, ApiError> {
        Self::check(parameters, user_agent, kind, Vec::new())
    }

    /// The options of a patch; only an apply may be forced, and only an apply has to name its manager.
    pub(crate) fn of_patch(parameters: &Parameters, user_agent: &str, is_apply: bool) -> Result<Self, ApiError> {
        let mut errors = Vec::new();
        if is_apply && parameters.get("fieldManager").is_none() {
            errors.push(FieldError::required("fieldManager", "is required for apply patch"));
        }
        if !is_apply && parameters.get("force").is_some() {
            errors.push(FieldError::forbidden("force", "may not be specified for non-apply patch"));
        }
        Self::check(parameters, user_agent, "PatchOptions", errors)
    }

    fn check(
        parameters: &Parameters,
        user_agent: &str,
        kind: &str,
        mut errors: Vec<FieldError>,
    ) -> Result<Self, ApiError> {
        let manager = parameters.get("fieldManager").unwrap_or_default();
        errors.extend(check_manager("fieldManager", manager));
        let dry_run = parameters.all("dryRun");
        errors.extend(check_dry_run(&dry_run));
        let field_validation = match parameters.get("fieldValidation") {
            None | Some("Warn") => FieldValidation::Warn,
            Some("Ignore") => FieldValidation::Ignore,
            Some("Strict") => FieldValidation::Strict,
            Some(other) => {
                let supported = ["".into(), "Ignore".into(), "Strict".into(), "Warn".into()];
                errors.push(FieldError::not_supported("fieldValidation", &other.into(), &supported));
                FieldValidation::Warn
            }
        };
        if !errors.is_empty() {
            return Err(ApiError::invalid_options(kind, &errors));
        }
        // The part of the User-Agent before the first slash stands in, as in the real server.
        let agent = user_agent.split('/').next().unwrap_or_default();
        let manager = if manager.is_empty() { agent } else { manager };
        Ok(Self {
            dry_run: !dry_run.is_empty(),
            field_validation,
            manager: Some(manager).filter(|name| !name.is_empty()).unwrap_or("unknown").chars().take(128).collect(),
            force: parameters.flag("force"),
        })
    }
}

/// The only thing that can be asked for is to try everything.
pub(crate) fn check_dry_run(values: &[&str]) -> Option<FieldError> {
    let known = values.iter().all(|value| *value == "All");
    (!known).then(|| FieldError::not_supported("dryRun", &values.into(), &["All".into()]))
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
