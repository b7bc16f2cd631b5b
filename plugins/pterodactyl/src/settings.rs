//! The package configuration and checkout of a call, typed.

use hostwright_plugin::{Class, Error, Map};
use serde_json::Value;

/// Reads settings; what is absent or null is none, what has another type is an error that names the setting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings<'a> {
    config: &'a Map,
}

impl<'a> Settings<'a> {
    pub(crate) fn new(config: &'a Map) -> Self {
        Self { config }
    }

    pub(crate) fn value(self, key: &str) -> Option<&'a Value> {
        self.config.get(key).filter(|value| !value.is_null())
    }

    pub(crate) fn integer(self, key: &str) -> Result<Option<i64>, Error> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let number = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
        number.map(Some).ok_or_else(|| invalid(key, "expected a whole number"))
    }

    pub(crate) fn required_integer(self, key: &str) -> Result<i64, Error> {
        self.integer(key)?.ok_or_else(|| invalid(key, "is required"))
    }

    pub(crate) fn flag(self, key: &str) -> Result<Option<bool>, Error> {
        let Some(value) = self.value(key) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| invalid(key, "expected true or false"))
    }

    /// A text, trimmed as the panel trims it; a blank one is none.
    pub(crate) fn text(self, key: &str) -> Result<Option<&'a str>, Error> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| invalid(key, "expected a text"))?.trim();
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// The parts of a text that are separated by commas.
    pub(crate) fn texts(self, key: &str) -> Result<Vec<&'a str>, Error> {
        let text = self.text(key)?.unwrap_or_default();
        Ok(text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect())
    }

    /// Whole numbers that are separated by commas.
    pub(crate) fn integers(self, key: &str) -> Result<Vec<i64>, Error> {
        if let Some(number) = self.value(key).and_then(Value::as_i64) {
            return Ok(vec![number]);
        }
        let parse = |part: &str| part.parse().map_err(|_| invalid(key, "expected whole numbers separated by commas"));
        self.texts(key)?.into_iter().map(parse).collect()
    }

    /// The egg variables that the package sets, as the texts the panel stores.
    pub(crate) fn environment(self) -> Result<Map, Error> {
        let Some(value) = self.value("environment") else {
            return Ok(Map::new());
        };
        environment(value)
    }
}

/// Egg variables from JSON text or from an object.
pub(crate) fn environment(value: &Value) -> Result<Map, Error> {
    let parsed = match value {
        Value::String(text) if text.trim().is_empty() => return Ok(Map::new()),
        Value::String(text) => {
            serde_json::from_str(text).map_err(|error| invalid("environment", &error.to_string()))?
        }
        other => other.clone(),
    };
    let Value::Object(variables) = parsed else {
        return Err(invalid("environment", r#"expected a JSON object such as {"VANILLA_VERSION": "latest"}"#));
    };
    variables.into_iter().map(|(name, value)| variable(&name, value).map(|value| (name, value))).collect()
}

fn variable(name: &str, value: Value) -> Result<Value, Error> {
    match value {
        // The panel trims every text, and an empty one becomes null.
        Value::String(text) if text.trim().is_empty() => Ok(Value::Null),
        Value::String(text) => Ok(text.trim().into()),
        Value::Number(number) => Ok(number.to_string().into()),
        Value::Null => Ok(Value::Null),
        Value::Bool(_) => Err(invalid(
            "environment",
            &format!("{name}: write the text that the egg expects, \"1\" or \"true\", in place of a boolean"),
        )),
        Value::Array(_) | Value::Object(_) => Err(invalid("environment", &format!("{name}: expected a text"))),
    }
}

pub(crate) fn invalid(key: &str, text: &str) -> Error {
    Error::new(Class::Invalid, "invalid", format!("{key}: {text}")).on_field(format!("config.{key}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn absent_null_and_blank_are_none() {
        let config = map(json!({"memory": null, "startup": "  "}));
        let settings = Settings::new(&config);
        assert_eq!(settings.integer("memory").unwrap(), None);
        assert_eq!(settings.text("startup").unwrap(), None);
        assert_eq!(settings.flag("oom_killer").unwrap(), None);
        assert!(settings.integers("location_ids").unwrap().is_empty());
    }

    #[test]
    fn a_wrong_type_names_the_setting() {
        let config = map(json!({"memory": "much", "oom_killer": "yes", "location_ids": "1,x"}));
        let settings = Settings::new(&config);
        let field = |error: Error| error.field.unwrap();
        assert_eq!(field(settings.integer("memory").unwrap_err()), "config.memory");
        assert_eq!(field(settings.flag("oom_killer").unwrap_err()), "config.oom_killer");
        assert_eq!(field(settings.integers("location_ids").unwrap_err()), "config.location_ids");
    }

    #[test]
    fn lists_are_separated_by_commas() {
        let config = map(json!({"location_ids": " 1, 22 ", "node_tags": "fast,,eu"}));
        let settings = Settings::new(&config);
        assert_eq!(settings.integers("location_ids").unwrap(), [1, 22]);
        assert_eq!(settings.texts("node_tags").unwrap(), ["fast", "eu"]);
    }

    #[test]
    fn variables_become_the_texts_that_the_panel_stores() {
        let text = json!(r#"{"A": " x ", "B": 7, "C": "", "D": null}"#);
        let expected = map(json!({"A": "x", "B": "7", "C": null, "D": null}));
        assert_eq!(environment(&text).unwrap(), expected);
        assert_eq!(environment(&json!({"A": "x", "B": 7, "C": " ", "D": null})).unwrap(), expected);
    }

    #[test]
    fn a_variable_that_is_no_text_is_refused_by_name() {
        for (value, word) in [("true", "\"1\" or \"true\""), ("[1]", "expected a text"), ("{}", "expected a text")] {
            let error = environment(&json!(format!("{{\"EULA\": {value}}}"))).unwrap_err();
            assert!(error.message.contains("EULA") && error.message.contains(word), "{}", error.message);
            assert_eq!(error.field.as_deref(), Some("config.environment"));
        }
        assert!(environment(&json!("[1]")).is_err());
        assert!(environment(&json!("{")).is_err());
    }
}
