//! What the customer entered, by the checkout schema. Pure: a password is judged by where it stands, and by its value only
//! once that was read.

use std::collections::BTreeMap;

use hostwright_crds::{CHECKOUT_LABEL, HostingService, SecretKeyRef, reason};
use hostwright_plugin::schema::{Field, FieldError, Schema};
use hostwright_plugin::{Map, Plugin, Secret};
use kube::ResourceExt as _;
use serde_json::Value;

use super::refused::Refused;
use crate::package::{Form, context};

/// What the customer entered, typed, without the values of passwords.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Checkout {
    /// What may be shown.
    pub values: Map,
    /// Where the passwords are that a create needs.
    pub passwords: BTreeMap<String, SecretKeyRef>,
}

/// Validates it as far as that is possible without reading a Secret.
///
/// # Errors
/// `InlineSecret` or `InvalidCheckout`, naming every field.
pub fn validate(service: &HostingService, plugin: &dyn Plugin, form: &Form) -> Result<Checkout, Refused> {
    let schema = form.schema(plugin);
    no_inline_password(service, schema)?;
    only_passwords_come_from_secrets(service, schema)?;
    let (given, from) = (&service.spec.checkout, &service.spec.checkout_from);
    let unread: Vec<&str> = from.keys().map(String::as_str).collect();
    let added = form.added(plugin, given);
    let context = context(&added, &unread);
    let values = schema.validate(given, &context).map_err(|errors| refused(schema, errors))?.values;
    let needed = schema.applying(given, &context).map(Field::key);
    let passwords = needed.filter_map(|field| Some((field.to_owned(), from.get(field)?.secret_key_ref.clone())));
    Ok(Checkout { passwords: passwords.collect(), values })
}

/// Validates the passwords, and everything else beside them.
///
/// # Errors
/// `InvalidCheckout`. No message has a value in it.
pub fn with_passwords(
    given: &Map,
    plugin: &dyn Plugin,
    form: &Form,
    passwords: &BTreeMap<String, Secret>,
) -> Result<BTreeMap<String, Secret>, Refused> {
    let (schema, added) = (form.schema(plugin), form.added(plugin, given));
    let read = passwords.iter().map(|(field, value)| (field.clone(), Value::from(value.expose())));
    let given: Map = given.clone().into_iter().chain(read).collect();
    let typed = schema.validate(&given, &context(&added, &[])).map_err(|errors| refused(schema, errors))?;
    Ok(typed.secrets)
}

fn no_inline_password(service: &HostingService, schema: &Schema) -> Result<(), Refused> {
    let given = &service.spec.checkout;
    let inline: Vec<&str> = schema.password_fields().filter(|field| given.contains_key(*field)).collect();
    let Some(first) = inline.first() else { return Ok(()) };
    let fields = inline.iter().map(|field| format!("spec.checkout.{field}")).collect::<Vec<_>>().join(", ");
    let namespace = service.namespace().unwrap_or_default();
    let text = format!(
        "{fields}: a password does not belong here and was not used; put it in a Secret of namespace {namespace} with the \
         label {CHECKOUT_LABEL}: \"true\", refer to it in spec.checkoutFrom.{first}, and replace that key: everybody who \
         reads this object has seen it"
    );
    Err(Refused::of_the_service(reason::INLINE_SECRET, vec![text]))
}

fn only_passwords_come_from_secrets(service: &HostingService, schema: &Schema) -> Result<(), Refused> {
    let wrong = |field: &String| {
        let known = schema.field(field);
        let passwords: Vec<&str> = schema.password_fields().collect();
        match known {
            Some(known) if known.is_password() => None,
            Some(_) => {
                Some(format!("spec.checkoutFrom.{field}: only passwords come from Secrets; write it in spec.checkout"))
            }
            None if passwords.is_empty() => {
                Some(format!("spec.checkoutFrom.{field}: unknown field; there is no password to give"))
            }
            None => {
                Some(format!("spec.checkoutFrom.{field}: unknown field; the passwords are {}", passwords.join(", ")))
            }
        }
    };
    let told: Vec<String> = service.spec.checkout_from.keys().filter_map(wrong).collect();
    if told.is_empty() { Ok(()) } else { Err(Refused::of_the_service(reason::INVALID_CHECKOUT, told)) }
}

fn refused(schema: &Schema, mut errors: Vec<FieldError>) -> Refused {
    // An unknown field is most often the misspelt name of one that is then missing, and explains it.
    errors.sort_by_key(|error| error.rule != "unknown");
    let told = errors.iter().map(|error| {
        let is_password = schema.field(&error.field).is_some_and(Field::is_password);
        let section = if is_password { "checkoutFrom" } else { "checkout" };
        format!("spec.{section}.{}: {}", error.field, error.message)
    });
    Refused::of_the_service(reason::INVALID_CHECKOUT, told.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::sample::Sample;
    use crate::providers::Hold;
    use hostwright_crds::PackageSpec;
    use serde_json::json;

    /// Everything stands in the package: what is true of that is true of the plugin, and of both.
    fn form() -> Form {
        let fields = json!({
            "hostname": {"type": "text", "label": "Host name", "rules": "nullable|string|max:20"},
            "access": {"type": "radio", "label": "Access", "options": {"password": "Password", "key": "Key"}, "default": "password"},
            "root_password": {"type": "password", "label": "Root password", "rules": "required|string|min:8",
                "condition": {"field": "access", "operator": "=", "value": "password"}},
            "ssh_key": {"type": "text", "label": "SSH key", "rules": "required|string",
                "condition": {"field": "access", "operator": "=", "value": "key"}},
        });
        let package = PackageSpec { checkout: serde_json::from_value(fields).unwrap(), ..PackageSpec::default() };
        Form::of(&plugin(), &package).unwrap()
    }

    fn plugin() -> Sample {
        let mut plugin = Sample::new();
        plugin.checkout = Schema::parse("{}").unwrap();
        plugin
    }

    fn service(checkout: Value, from: &[&str]) -> HostingService {
        let mut service = HostingService::default();
        service.metadata.namespace = Some("customers".into());
        service.spec.checkout = serde_json::from_value(checkout).unwrap();
        let source = json!({"secretKeyRef": {"name": "alice-root", "key": "password"}});
        let sources = from.iter().map(|field| ((*field).to_owned(), serde_json::from_value(source.clone()).unwrap()));
        service.spec.checkout_from = sources.collect();
        service
    }

    #[test]
    fn a_password_is_named_by_where_it_is_and_judged_without_being_read() {
        let checkout = validate(&service(json!({"hostname": "web"}), &["root_password"]), &plugin(), &form()).unwrap();
        assert_eq!(Value::Object(checkout.values), json!({"hostname": "web", "access": "password"}));
        assert_eq!(checkout.passwords.into_keys().collect::<Vec<_>>(), ["root_password"]);
    }

    #[test]
    fn what_does_not_apply_is_neither_required_nor_read_nor_passed_on() {
        let given = json!({"access": "key", "ssh_key": "ssh-ed25519 AAAA"});
        let checkout = validate(&service(given.clone(), &["root_password"]), &plugin(), &form()).unwrap();
        assert_eq!((Value::Object(checkout.values), checkout.passwords), (given, BTreeMap::new()));
        let with_key = json!({"ssh_key": "ssh-ed25519 AAAA"});
        let checkout = validate(&service(with_key, &["root_password"]), &plugin(), &form()).unwrap();
        assert_eq!(Value::Object(checkout.values), json!({"access": "password"}));
    }

    #[test]
    fn a_password_in_the_wrong_place_a_missing_one_and_a_field_that_is_none_are_told_apart() {
        let rows = [
            (
                service(json!({"root_password": "hunter2-long"}), &[]),
                reason::INLINE_SECRET,
                "spec.checkout.root_password: ",
            ),
            (service(json!({}), &[]), reason::INVALID_CHECKOUT, "spec.checkoutFrom.root_password: "),
            (
                service(json!({}), &["root_password", "hostname"]),
                reason::INVALID_CHECKOUT,
                "hostname: only passwords come",
            ),
            (service(json!({}), &["rot_password"]), reason::INVALID_CHECKOUT, "the passwords are root_password"),
            (
                service(json!({"hostnam": 1}), &["root_password"]),
                reason::INVALID_CHECKOUT,
                "spec.checkout.hostnam: unknown",
            ),
        ];
        for (service, reason, part) in rows {
            let hold = Hold::from(validate(&service, &plugin(), &form()).unwrap_err());
            assert_eq!(hold.reason, reason, "{}", hold.message);
            assert!(hold.message.contains(part) && !hold.message.contains("hunter2"), "{}", hold.message);
        }
    }

    #[test]
    fn a_password_that_was_read_obeys_its_rules_and_is_not_repeated() {
        let told = |value: &str| {
            let read = BTreeMap::from([("root_password".to_owned(), Secret::new(value))]);
            with_passwords(&Map::new(), &plugin(), &form(), &read)
        };
        assert_eq!(told("long enough").unwrap()["root_password"], Secret::new("long enough"));
        let hold = Hold::from(told("hunter2").unwrap_err());
        assert!(hold.message.starts_with("spec.checkoutFrom.root_password: "), "{}", hold.message);
        assert!(!hold.message.contains("hunter2"), "{}", hold.message);
    }
}
