//! What can be said about the settings of an instance without the values of its Secrets. Pure.

use hostwright_crds::ProviderInstanceSpec;
use hostwright_plugin::Map;
use hostwright_plugin::schema::{Context, Field, Schema};
use serde_json::Value;

use crate::package::Problem;

/// Each problem with the path of its field. The value of a setting that comes from a Secret is never judged.
pub fn problems_without_secrets(schema: &Schema, spec: &ProviderInstanceSpec) -> Vec<Problem> {
    let inline: Vec<&str> = schema.password_fields().filter(|field| spec.config.contains_key(*field)).collect();
    let mut problems: Vec<Problem> = inline
        .iter()
        .map(|field| Problem {
            field: format!("spec.config.{field}"),
            message: format!(
                "a password does not belong here; put it in a Secret, refer to it in spec.configFrom.{field}, and \
                 replace it: everybody who reads this file has seen it"
            ),
        })
        .collect();
    let twice = spec.config_from.keys().filter(|key| spec.config.contains_key(*key) && !inline.contains(&key.as_str()));
    problems.extend(twice.map(|key| Problem {
        field: format!("spec.config.{key}"),
        message: format!("found here and in spec.configFrom.{key}; keep one of the two"),
    }));
    // Rules are told nothing of a password that stands inline: a message could repeat it.
    let own = spec.config.iter().filter(|(key, _)| !inline.contains(&key.as_str()));
    let unknown_values = spec.config_from.keys().map(String::as_str).chain(inline.iter().copied());
    let unknown_values = unknown_values.map(|key| (key.to_owned(), Value::from("unknown")));
    let given: Map = own.map(|(key, value)| (key.clone(), value.clone())).chain(unknown_values).collect();
    let errors = schema.validate(&given, &Context::default()).err().unwrap_or_default();
    let told = errors.into_iter().filter_map(|error| {
        let is_from_secret = spec.config_from.contains_key(&error.field);
        if (is_from_secret && error.rule != "unknown") || inline.contains(&error.field.as_str()) {
            return None;
        }
        let is_password = schema.field(&error.field).is_some_and(Field::is_password);
        let section = if is_from_secret || is_password { "configFrom" } else { "config" };
        Some(Problem { field: format!("spec.{section}.{}", error.field), message: error.message })
    });
    problems.extend(told);
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::sample::Sample;
    use hostwright_plugin::Plugin as _;
    use serde_json::json;

    fn said(config: &Value, from: &[&str]) -> String {
        let from: Map = from
            .iter()
            .map(|key| ((*key).to_owned(), json!({"secretKeyRef": {"name": "panel-eu-api", "key": "api_key"}})))
            .collect();
        let spec = json!({"pluginRef": {"name": "sample"}, "config": config, "configFrom": from});
        let spec = serde_json::from_value(spec).unwrap();
        let problems = problems_without_secrets(Sample::new().config_schema(), &spec);
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_is_wrong_is_named_by_its_path_and_never_by_a_password() {
        let url = "https://panel.example.com";
        assert_eq!(said(&json!({"panel_url": url}), &["api_key"]), "");
        let rows = [
            (json!({"panel_url": url}), &[][..], "spec.configFrom.api_key: is required"),
            (json!({"panel_url": url}), &["api_key", "api_kye"], "spec.configFrom.api_kye: unknown field"),
            (
                json!({"panel_url": url, "dialekt": 1}),
                &["api_key"],
                "spec.config.dialekt: unknown field, did you mean dialect?",
            ),
            (json!({"panel_url": url}), &["api_key", "panel_url"], "spec.config.panel_url: found here and in"),
            (
                json!({"panel_url": url, "api_key": "hunter2"}),
                &[],
                "spec.config.api_key: a password does not belong here",
            ),
        ];
        for (config, from, expected) in rows {
            let said = said(&config, from);
            assert!(said.starts_with(expected) && !said.contains("hunter2"), "{said}");
            assert_eq!(said.lines().count(), 1, "{said}");
        }
    }
}
