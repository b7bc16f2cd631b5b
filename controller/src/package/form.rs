//! The form of a checkout: the fields of the plugin, and those that the package adds. Pure.

use std::sync::Arc;

use hostwright_crds::PackageSpec;
use hostwright_plugin::schema::{Context, Field, Schema};
use hostwright_plugin::{Map, Plugin};
use serde_json::Value;

/// What a customer fills in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Form {
    /// All fields, where the package adds some; else those of the plugin are all.
    extended: Option<Arc<Schema>>,
}

impl Form {
    /// The form of a package.
    ///
    /// # Errors
    /// What is wrong with the fields that the package adds, each with its path.
    pub fn of(plugin: &dyn Plugin, package: &PackageSpec) -> Result<Self, Vec<String>> {
        if package.checkout.is_empty() {
            return Ok(Self::default());
        }
        let extended = plugin.checkout_schema().extended(&Value::Object(package.checkout.clone()));
        let told = |problem: &hostwright_plugin::schema::Problem| {
            let taken = plugin.checkout_schema().field(&problem.field).is_some();
            let whose = if taken { format!(" (of the plugin {})", plugin.manifest().name) } else { String::new() };
            format!("spec.checkout.{}: {}{whose}", problem.field, problem.message)
        };
        match extended {
            Ok(schema) => Ok(Self { extended: Some(Arc::new(schema)) }),
            Err(error) => Err(error.problems.iter().map(told).collect()),
        }
    }

    /// All fields.
    pub fn schema<'s>(&'s self, plugin: &'s dyn Plugin) -> &'s Schema {
        self.extended.as_deref().unwrap_or(plugin.checkout_schema())
    }

    /// What stands in the fields that the package adds, defaults included: what conditions with the target `fields` ask for.
    pub fn added(&self, plugin: &dyn Plugin, given: &Map) -> Map {
        let Some(all) = &self.extended else { return Map::new() };
        let own = plugin.checkout_schema();
        let added = all.fields().iter().filter(|field| own.field(field.key()).is_none());
        let value = |field: &Field| given.get(field.key()).cloned().or_else(|| field.default());
        added.filter_map(|field| Some((field.key().to_owned(), value(field)?))).collect()
    }
}

/// What validation is told beside the input itself.
pub fn context<'c>(added: &'c Map, unread: &'c [&'c str]) -> Context<'c> {
    Context { fields: Some(added), unread, ..Context::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::sample::Sample;
    use serde_json::json;

    fn form(fields: Value) -> Result<Form, Vec<String>> {
        let package = PackageSpec { checkout: serde_json::from_value(fields).unwrap(), ..PackageSpec::default() };
        Form::of(&Sample::new(), &package)
    }

    #[test]
    fn fields_of_a_package_stand_beside_those_of_the_plugin_and_may_name_them() {
        let form = form(json!({"motd": {"type": "text", "label": "Greeting", "default": "Hello",
            "condition": {"field": "memory", "operator": "=", "value": "1024"}}}));
        let (form, plugin) = (form.unwrap(), Sample::new());
        assert!(form.schema(&plugin).field("memory").is_some() && form.schema(&plugin).field("motd").is_some());
        assert_eq!(Value::Object(form.added(&plugin, &Map::new())), json!({"motd": "Hello"}));
        let given: Map = serde_json::from_value(json!({"motd": "Moin", "memory": 1})).unwrap();
        assert_eq!(Value::Object(form.added(&plugin, &given)), json!({"motd": "Moin"}));
    }

    #[test]
    fn a_name_that_the_plugin_has_and_what_is_no_field_are_named() {
        let rows = [
            (
                json!({"memory": {"type": "text", "label": "Memory"}}),
                "spec.checkout.memory: there is a field of that name already",
            ),
            (json!({"motd": {"type": "txt", "label": "Greeting"}}), "spec.checkout.motd: "),
            (
                json!({"motd": {"type": "text", "label": "Greeting", "condition": {"field": "memroy", "operator": "truthy"}}}),
                "did you mean memory",
            ),
        ];
        for (fields, part) in rows {
            let told = form(fields).unwrap_err().join("; ");
            assert!(told.contains(part), "{told}");
        }
    }
}
