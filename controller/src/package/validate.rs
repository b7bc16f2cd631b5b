//! Whether the provisioning of a package satisfies the plugin's package schema, and its policy makes sense. Pure; the
//! services of the package use it as well.

use hostwright_crds::{Overdue, PackageSpec, Variant};
use hostwright_plugin::Map;
use hostwright_plugin::schema::{Context, Schema};
use serde_json::Value;

use super::variants::value_of;

/// What is wrong with one field of the plugin's package schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Problem {
    /// The field.
    pub field: String,
    /// What is wrong.
    pub message: String,
}

/// The keys that were set, typed. Defaults are left out: a default counts only when it is first applied.
///
/// # Errors
/// What is wrong with each field.
pub fn typed(schema: &Schema, given: &Map) -> Result<Map, Vec<Problem>> {
    let inline = schema.password_fields().filter(|field| given.contains_key(*field));
    let inline: Vec<Problem> = inline
        .map(|field| Problem {
            field: field.to_owned(),
            message: "a password does not belong in a Package and was not used".into(),
        })
        .collect();
    if !inline.is_empty() {
        return Err(inline);
    }
    let typed = schema.validate(given, &Context::default()).map_err(|errors| {
        let named = errors.into_iter().map(|error| Problem { field: error.field, message: error.message });
        named.collect::<Vec<_>>()
    })?;
    Ok(typed.values.into_iter().filter(|(key, _)| given.contains_key(key)).collect())
}

/// Whether a package can be ordered: its provisioning with every option of its variants.
///
/// # Errors
/// What is wrong, each with the path of its field.
pub fn check(schema: &Schema, package: &PackageSpec) -> Result<(), Vec<String>> {
    let mut wrong = Vec::new();
    // Every variant at its first option: what the plugin requires may come from a variant alone.
    let mut base = package.provisioning.clone();
    for (code, variant) in &package.variants {
        if let Err(told) = value_of(&Variant { required: false, ..variant.clone() }, &variant.default) {
            wrong.push(format!("spec.variants.{code}.default: {told}"));
        }
        base.extend(offered(variant).next().map(|value| (code.clone(), value)));
    }
    let of_base = typed(schema, &base).err().unwrap_or_default();
    let own = of_base.iter().filter(|problem| !package.variants.contains_key(&problem.field));
    wrong.extend(own.map(|problem| format!("spec.provisioning.{problem}")));
    for (code, variant) in &package.variants {
        for (place, value) in offered(variant).enumerate() {
            let mut given = base.clone();
            given.insert(code.clone(), value.clone());
            let problems = typed(schema, &given).err().unwrap_or_default();
            let of_this = problems.iter().filter(|problem| problem.field == *code);
            wrong.extend(
                of_this.map(|problem| {
                    format!("spec.variants.{code}.options[{place}]: found {value}: {}", problem.message)
                }),
            );
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// Each option alone, as a plugin gets it.
fn offered(variant: &Variant) -> impl Iterator<Item = Value> {
    variant.options.iter().filter_map(|option| value_of(variant, std::slice::from_ref(&option.value)).ok().flatten())
}

/// Whether a policy suspends before it ends. No rule of the definition can say so: days are no unit of CEL.
///
/// # Errors
/// What is wrong.
pub fn overdue(policy: Option<&Overdue>) -> Result<(), Vec<String>> {
    let spans = policy.and_then(|policy| Some((policy.suspend_after?, policy.terminate_after?)));
    match spans {
        Some((suspend, terminate)) if terminate.get() < suspend.get() => Err(vec![format!(
            "spec.overdue.terminateAfter: found {terminate}, which is less than the {suspend} of suspendAfter; both count from paidUntil"
        )]),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::plugin::sample::Sample;
    use hostwright_crds::PackageSpec;
    use hostwright_plugin::Plugin as _;
    use serde_json::{Value, json};

    fn check(given: Value) -> Result<Value, Vec<String>> {
        let Value::Object(provisioning) = given else { panic!("an object") };
        let package = PackageSpec { provisioning, ..PackageSpec::default() };
        super::check(Sample::new().package_schema(), &package)?;
        Ok(Value::Object(super::typed(Sample::new().package_schema(), &package.provisioning).unwrap()))
    }

    #[test]
    fn a_variant_whose_code_or_value_the_plugin_refuses_is_named() {
        let variants = json!({
            "memory": {"type": "slider", "options": [{"value": 4096, "label": "4G"}, {"value": 64, "label": "tiny"}]},
            "locaton": {"type": "select", "options": [{"value": "fra", "label": "Frankfurt"}], "default": ["ams"]},
        });
        let package = PackageSpec { variants: serde_json::from_value(variants).unwrap(), ..PackageSpec::default() };
        let told = super::check(Sample::new().package_schema(), &package).unwrap_err().join("\n");
        assert!(told.contains("spec.variants.locaton.default: found ams, expected one of fra"), "{told}");
        assert!(told.contains("spec.variants.locaton.options[0]: found \"fra\": unknown field"), "{told}");
        assert!(told.contains("spec.variants.memory.options[1]: found 64: "), "{told}");
        assert!(!told.contains("options[0]: found 4096") && !told.contains("spec.provisioning"), "{told}");
    }

    #[test]
    fn only_what_was_set_is_given_back_and_typed() {
        assert_eq!(check(json!({"memory": "4096"})), Ok(json!({"memory": 4096})));
    }

    #[test]
    fn every_problem_is_named_by_its_path() {
        let problems = check(json!({"memory": 64, "swp": 1})).unwrap_err();
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].starts_with("spec.provisioning.memory: "), "{problems:?}");
        assert_eq!(problems[1], "spec.provisioning.swp: unknown field, did you mean swap?");
    }

    #[test]
    fn a_password_is_refused_and_not_repeated() {
        let problems = check(json!({"memory": 4096, "token": "hunter2"})).unwrap_err();
        assert!(
            problems[0].starts_with("spec.provisioning.token: ") && !problems[0].contains("hunter2"),
            "{problems:?}"
        );
    }
}
