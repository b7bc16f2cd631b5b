//! From what the spec and its Secrets say to settings that a plugin gets. Pure.

use std::collections::BTreeMap;

use hostwright_crds::{ProviderInstanceSpec, SecretKeyRef, reason};
use hostwright_plugin::schema::{Context as SchemaContext, FieldType, Schema};
use hostwright_plugin::{Instance, Map, Plugin, Redactor, Secret};
use serde_json::Value;

use super::token;
use crate::kube::NoValue;
use crate::providers::Hold;

/// Settings that can be used.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// What the plugin gets.
    pub(super) instance: Instance,
    /// Digest of all of it, secrets included. Kept in memory only.
    pub(super) digest: String,
    /// Takes everything that came from a Secret out of texts.
    pub(super) redactor: Redactor,
    /// What people call the provider.
    pub(super) provider: String,
    /// Where the provider is, where a setting says so.
    pub(super) address: Option<String>,
    /// Where each password field comes from, as `key KEY in Secret NAMESPACE/NAME`, by setting.
    credentials: BTreeMap<String, String>,
}

impl Settings {
    /// Where the credentials come from: those of the setting to blame where it is known, else all.
    pub(super) fn credentials(&self, blamed: Option<&str>) -> String {
        if let Some(source) = blamed.and_then(|setting| self.credentials.get(setting)) {
            return source.clone();
        }
        if self.credentials.is_empty() {
            return "the credentials in spec.configFrom".to_owned();
        }
        self.credentials.values().cloned().collect::<Vec<_>>().join(" or ")
    }
}

/// Checks the settings; the first kind of problem wins, and all of its fields are named.
pub(super) fn validate(
    name: &str,
    spec: &ProviderInstanceSpec,
    plugin: Option<&dyn Plugin>,
    known_plugins: &[&str],
    values: &BTreeMap<String, Result<Secret, NoValue>>,
    namespace: &str,
) -> Result<Settings, Hold> {
    let plugin = plugin.ok_or_else(|| no_plugin(name, spec, known_plugins))?;
    let schema = plugin.config_schema();
    no_inline_secret(name, spec, schema, namespace)?;
    every_setting_stands_once(name, spec)?;
    let values = every_reference_has_a_value(name, spec, values, namespace)?;
    let redactor = Redactor::new(values.values().copied());

    let from_secrets = values.iter().map(|(key, value)| ((*key).clone(), Value::from(value.expose())));
    let given: Map = spec.config.clone().into_iter().chain(from_secrets).collect();
    let typed = schema.validate(&given, &SchemaContext::default()).map_err(|errors| {
        let problems = errors.iter().map(|error| {
            let section = if values.contains_key(&error.field) { "configFrom" } else { "config" };
            format!("spec.{section}.{}: {}", error.field, error.message)
        });
        let text = problems.collect::<Vec<_>>().join("; ");
        Hold::new(reason::INVALID_CONFIGURATION, format!("{name}: {}", redactor.redact(&text)))
    })?;

    let digest = digest(plugin, &typed.values, &typed.secrets);
    let sources = spec.config_from.iter().filter(|(key, _)| typed.secrets.contains_key(*key));
    Ok(Settings {
        credentials: sources.map(|(key, from)| (key.clone(), place(&from.secret_key_ref, namespace))).collect(),
        address: address(schema, &typed.values),
        provider: plugin.manifest().name.clone(),
        instance: Instance { name: name.to_owned(), settings: typed.values, secrets: typed.secrets },
        redactor,
        digest,
    })
}

fn no_plugin(name: &str, spec: &ProviderInstanceSpec, known: &[&str]) -> Hold {
    let wanted = &spec.plugin_ref.name;
    let text = format!("{name}: spec.pluginRef.name: there is no plugin {wanted}; known are {}", known.join(", "));
    Hold::new(reason::PLUGIN_NOT_FOUND, text)
}

fn no_inline_secret(name: &str, spec: &ProviderInstanceSpec, schema: &Schema, namespace: &str) -> Result<(), Hold> {
    let inline: Vec<&str> = schema.password_fields().filter(|field| spec.config.contains_key(*field)).collect();
    let Some(first) = inline.first() else { return Ok(()) };
    let fields = inline.iter().map(|field| format!("spec.config.{field}")).collect::<Vec<_>>().join(", ");
    let text = format!(
        "{name}: {fields}: a password does not belong here and was not used; put it in a Secret of namespace {namespace}, \
         refer to it in spec.configFrom.{first}, and replace that key: everybody who reads this object has seen it"
    );
    Err(Hold::new(reason::INLINE_SECRET, text))
}

/// What CEL cannot check, since `config` has no schema there.
fn every_setting_stands_once(name: &str, spec: &ProviderInstanceSpec) -> Result<(), Hold> {
    let twice: Vec<&str> =
        spec.config_from.keys().filter(|key| spec.config.contains_key(*key)).map(String::as_str).collect();
    if twice.is_empty() {
        return Ok(());
    }
    let text =
        format!("{name}: {}: found in spec.config and in spec.configFrom; keep one of the two", twice.join(", "));
    Err(Hold::new(reason::INVALID_CONFIGURATION, text))
}

fn every_reference_has_a_value<'a>(
    name: &str,
    spec: &ProviderInstanceSpec,
    values: &'a BTreeMap<String, Result<Secret, NoValue>>,
    namespace: &str,
) -> Result<BTreeMap<&'a String, &'a Secret>, Hold> {
    let mut problems = Vec::new();
    let mut found = BTreeMap::new();
    for (setting, value) in values {
        let reference = spec.config_from.get(setting).map(|source| &source.secret_key_ref);
        match (value, reference) {
            (Ok(value), _) => drop(found.insert(setting, value)),
            (Err(problem), Some(reference)) => problems.push(missing(setting, *problem, reference, namespace)),
            // Values are read by exactly these references.
            (Err(_), None) => {}
        }
    }
    if problems.is_empty() {
        return Ok(found);
    }
    Err(Hold::new(reason::SECRET_NOT_FOUND, format!("{name}: {}", problems.join("; "))))
}

fn missing(setting: &str, problem: NoValue, reference: &SecretKeyRef, namespace: &str) -> String {
    let secret = format!("Secret {namespace}/{}, key {}", reference.name, reference.key);
    let problem = match problem {
        NoValue::Secret => "the Secret does not exist",
        NoValue::Key => "the Secret has no such key",
        NoValue::Text => "the value is not text",
    };
    format!("spec.configFrom.{setting}: {secret}: {problem}")
}

fn place(reference: &SecretKeyRef, namespace: &str) -> String {
    format!("key {} in Secret {namespace}/{}", reference.key, reference.name)
}

fn digest(plugin: &dyn Plugin, settings: &Map, secrets: &BTreeMap<String, Secret>) -> String {
    // serde_json keeps keys in one order here: the schema's.
    let settings = Value::Object(settings.clone()).to_string();
    let manifest = plugin.manifest();
    let mut parts = vec![manifest.provider.as_str(), manifest.version.as_str(), settings.as_str()];
    for (key, secret) in secrets {
        parts.extend([key.as_str(), secret.expose()]);
    }
    token::hex(&token::hash(&parts))
}

/// The first address among the settings, without the credentials that a URL may carry.
fn address(schema: &Schema, settings: &Map) -> Option<String> {
    let field = schema.fields().iter().find(|field| field.field_type() == FieldType::Url)?;
    let address = settings.get(field.key())?.as_str()?;
    Some(match address.split_once("://") {
        Some((protocol, rest)) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            format!("{protocol}://{host}{path}")
        }
        None => address.to_owned(),
    })
}

#[cfg(test)]
pub(super) mod fixtures {
    use super::*;

    /// Settings of an instance `panel-eu` with one password.
    pub(in crate::instance) fn settings() -> Settings {
        let secret = Secret::new("hunter2-secret");
        Settings {
            redactor: Redactor::new([&secret]),
            instance: Instance {
                name: "panel-eu".into(),
                settings: Map::new(),
                secrets: BTreeMap::from([("api_key".to_owned(), secret)]),
            },
            digest: "digest".into(),
            provider: "Demo".into(),
            address: Some("https://panel.example.com".into()),
            credentials: BTreeMap::from([(
                "api_key".to_owned(),
                "key api_key in Secret hostwright-system/panel-eu-api".to_owned(),
            )]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::sample::Sample;
    use hostwright_crds::{NameRef, SecretSource};
    use serde_json::json;

    const KEY: &str = "ptla_secret_value";

    fn spec(config: Value) -> ProviderInstanceSpec {
        let Value::Object(config) = config else { panic!("an object") };
        let source =
            |key: &str| SecretSource { secret_key_ref: SecretKeyRef { name: "panel-eu-api".into(), key: key.into() } };
        ProviderInstanceSpec {
            plugin_ref: NameRef::to("sample"),
            config,
            config_from: BTreeMap::from([("api_key".to_owned(), source("api_key"))]),
            ..ProviderInstanceSpec::default()
        }
    }

    fn check(spec: &ProviderInstanceSpec, value: Result<Secret, NoValue>) -> Result<Settings, Hold> {
        let plugin = Sample::new();
        let values = BTreeMap::from([("api_key".to_owned(), value)]);
        validate("panel-eu", spec, Some(&plugin), &["sample"], &values, "hostwright-system")
    }

    #[test]
    fn valid_settings_keep_secrets_apart_and_take_defaults() {
        let settings =
            check(&spec(json!({"panel_url": "https://user:pw@panel.example.com/x"})), Ok(Secret::new(KEY))).unwrap();
        assert_eq!(settings.instance.secret("api_key").unwrap().expose(), KEY);
        assert_eq!(settings.instance.text("dialect"), Some("auto"));
        assert!(!settings.instance.settings.contains_key("api_key"));
        assert_eq!(settings.address.as_deref(), Some("https://panel.example.com/x"));
        assert_eq!(settings.credentials(None), "key api_key in Secret hostwright-system/panel-eu-api");
        assert!(!format!("{settings:?}").contains(KEY));
    }

    #[test]
    fn what_is_wrong_is_named_by_its_path_and_never_by_its_secret() {
        let url = json!({"panel_url": "https://panel.example.com"});
        let rows = [
            (
                json!({"panel_url": "https://p.example.com", "api_key": KEY}),
                Ok(Secret::new(KEY)),
                reason::INLINE_SECRET,
                "spec.config.api_key",
            ),
            (
                url.clone(),
                Err(NoValue::Secret),
                reason::SECRET_NOT_FOUND,
                "Secret hostwright-system/panel-eu-api, key api_key",
            ),
            (url.clone(), Err(NoValue::Key), reason::SECRET_NOT_FOUND, "spec.configFrom.api_key"),
            (url, Ok(Secret::new("")), reason::INVALID_CONFIGURATION, "spec.configFrom.api_key: "),
            (json!({}), Ok(Secret::new(KEY)), reason::INVALID_CONFIGURATION, "spec.config.panel_url: "),
            (
                json!({"panel_url": "https://p.example.com", "dialekt": "auto"}),
                Ok(Secret::new(KEY)),
                reason::INVALID_CONFIGURATION,
                "spec.config.dialekt: unknown field, did you mean dialect?",
            ),
        ];
        for (config, value, reason, part) in rows {
            let hold = check(&spec(config), value).unwrap_err();
            assert_eq!(hold.reason, reason, "{}", hold.message);
            assert!(hold.message.contains(part) && !hold.message.contains(KEY), "{}", hold.message);
        }
    }

    #[test]
    fn a_setting_that_stands_twice_is_refused_by_name() {
        let mut twice = spec(json!({"panel_url": "https://panel.example.com"}));
        let from = twice.config_from["api_key"].clone();
        twice.config_from.insert("panel_url".to_owned(), from);
        let values = ["api_key", "panel_url"].map(|key| (key.to_owned(), Ok(Secret::new(KEY))));
        let hold = validate("p", &twice, Some(&Sample::new()), &[], &BTreeMap::from(values), "ns").unwrap_err();
        assert_eq!(hold.message, "p: panel_url: found in spec.config and in spec.configFrom; keep one of the two");
    }

    #[test]
    fn another_secret_value_makes_another_digest() {
        let spec = spec(json!({"panel_url": "https://panel.example.com"}));
        let digest = |value: &str| check(&spec, Ok(Secret::new(value))).unwrap().digest;
        assert_eq!(digest("one"), digest("one"));
        assert_ne!(digest("one"), digest("two"));
    }

    #[test]
    fn an_unknown_plugin_is_answered_with_the_known_ones() {
        let spec = spec(json!({}));
        let hold = validate("panel-eu", &spec, None, &["demo", "pterodactyl"], &BTreeMap::new(), "ns").unwrap_err();
        assert_eq!(hold.reason, reason::PLUGIN_NOT_FOUND);
        assert!(hold.message.contains("known are demo, pterodactyl"), "{}", hold.message);
    }
}
