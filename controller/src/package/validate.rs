//! Whether the provisioning of a package satisfies the plugin's package schema, and its policy makes sense. Pure; the
//! services of the package use it as well.

use hostwright_crds::Overdue;
use hostwright_plugin::Map;
use hostwright_plugin::schema::{Context, Schema};

/// The keys that were set, typed. Defaults are left out: a default counts only when it is first applied.
///
/// # Errors
/// What is wrong, each with the path of its field.
pub fn check(schema: &Schema, given: &Map) -> Result<Map, Vec<String>> {
    let inline = schema.password_fields().filter(|field| given.contains_key(*field));
    let inline: Vec<String> = inline
        .map(|field| format!("spec.provisioning.{field}: a password does not belong in a Package and was not used"))
        .collect();
    if !inline.is_empty() {
        return Err(inline);
    }
    let typed = schema.validate(given, &Context::default()).map_err(|errors| {
        let named = errors.iter().map(|error| format!("spec.provisioning.{}: {}", error.field, error.message));
        named.collect::<Vec<_>>()
    })?;
    Ok(typed.values.into_iter().filter(|(key, _)| given.contains_key(key)).collect())
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
    use hostwright_plugin::Plugin as _;
    use serde_json::{Value, json};

    fn check(given: Value) -> Result<Value, Vec<String>> {
        let Value::Object(given) = given else { panic!("an object") };
        super::check(Sample::new().package_schema(), &given).map(Value::Object)
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
