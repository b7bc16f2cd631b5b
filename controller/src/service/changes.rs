//! What differs, field by field: between what was applied and what is ordered, and between what was applied and what the
//! provider has. Pure.

use hostwright_crds::{HostingService, LastApplied, Package};
use hostwright_plugin::schema::{Change, Drift, Field, Schema};
use hostwright_plugin::{Difference, Map, Plugin, Present};
use serde_json::{Value, json};

use super::digest;
use super::effective::{self, Effective};
use super::order::Order;
use crate::providers::Hold;

/// What an order changes about a remote.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// What a scale brings about.
    pub scalable: Vec<Difference>,
    /// What counts only at creation, and cannot be brought about.
    pub fixed: Vec<Difference>,
    /// Whether one of them interrupts the service.
    pub disruptive: bool,
}

/// What somebody changed at the provider.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DriftFound {
    /// What is put back.
    pub enforced: Vec<Difference>,
    /// What is only told.
    pub reported: Vec<Difference>,
}

/// What a valid order changes about what was applied last; nothing where one of them is missing.
pub fn of(plugin: Option<&dyn Plugin>, order: &Result<Order, Hold>, last: Option<&LastApplied>) -> Changes {
    match (plugin, order, last) {
        (Some(plugin), Ok(order), Some(last)) => {
            ordered(plugin.package_schema(), order.form.schema(plugin), last, order)
        }
        _ => Changes::default(),
    }
}

/// The differences between what was applied last and what is ordered now.
pub fn ordered(package: &Schema, checkout: &Schema, last: &LastApplied, order: &Order) -> Changes {
    let mut changes = Changes::default();
    let pairs = [(package, "", &last.config, &order.config), (checkout, "checkout.", &last.checkout, &order.checkout)];
    for (schema, prefix, before, after) in pairs {
        if before.is_empty() {
            // Nothing is known of what was applied, as after a remote was attached while its order was not valid.
            continue;
        }
        // A choice that was for good is not taken back by choosing nothing.
        let taken_back = order.fixed.iter().filter(|key| prefix.is_empty() && !after.contains_key(*key));
        changes.fixed.extend(taken_back.filter_map(|key| {
            Some(Difference { field: key.clone(), found: before.get(key)?.clone(), wanted: Value::Null })
        }));
        for (key, wanted) in after {
            let found = before.get(key).unwrap_or(&Value::Null);
            if same(found, wanted) {
                continue;
            }
            let difference =
                Difference { field: format!("{prefix}{key}"), found: found.clone(), wanted: wanted.clone() };
            let selected_for_good = prefix.is_empty() && order.fixed.contains(key);
            match schema.field(key).map_or(Change::InPlace, Field::change) {
                _ if selected_for_good => changes.fixed.push(difference),
                Change::CreateOnly => changes.fixed.push(difference),
                Change::InPlace => changes.scalable.push(difference),
                Change::Disruptive => {
                    changes.disruptive = true;
                    changes.scalable.push(difference);
                }
            }
        }
    }
    changes
}

/// Whether a package, as it is now, changes what was applied to a service that has it.
///
/// # Errors
/// Why the service cannot follow the package.
pub fn changes_by(
    service: &HostingService,
    package: &Package,
    plugin: &dyn Plugin,
    last: &LastApplied,
) -> Result<bool, String> {
    let Effective { config, fixed, .. } =
        effective::effective(service, package, plugin, Some(last)).map_err(|refused| refused.to_string())?;
    let order = Order { config, fixed, checkout: last.checkout.clone(), ..Order::default() };
    let changes = ordered(plugin.package_schema(), plugin.checkout_schema(), last, &order);
    if changes.fixed.is_empty() {
        return Ok(!changes.scalable.is_empty());
    }
    Err(format!("{}; that counts only at creation", in_words(&changes.fixed, "now")))
}

/// The differences between what was applied last and what the provider shows.
pub fn drifted(package: &Schema, applied: &Map, seen: &Present) -> DriftFound {
    let mut drift = DriftFound { enforced: seen.drift.clone(), reported: Vec::new() };
    for (key, found) in &seen.applied {
        let Some(wanted) = applied.get(key) else { continue };
        if same(found, wanted) {
            continue;
        }
        let difference = Difference { field: key.clone(), found: found.clone(), wanted: wanted.clone() };
        match package.field(key).map_or(Drift::Report, Field::drift) {
            Drift::Enforce => drift.enforced.push(difference),
            Drift::Report => drift.reported.push(difference),
            Drift::Ignore => {}
        }
    }
    drift
}

/// A digest of differences, to recognise them again.
pub fn digest_of(differences: &[Difference]) -> String {
    let mut sorted: Vec<_> = differences.iter().collect();
    sorted.sort_by(|one, other| one.field.cmp(&other.field));
    digest::of_value(&json!(sorted))
}

/// `limits.memory is 2048 on the panel, 4096 wanted`, for the first few fields.
pub fn in_words(differences: &[Difference], found_where: &str) -> String {
    const SHOWN: usize = 3;
    let shown = differences
        .iter()
        .take(SHOWN)
        .map(|difference| {
            let (found, wanted) = (brief(&difference.found), brief(&difference.wanted));
            format!("{} is {found} {found_where}, {wanted} wanted", difference.field)
        })
        .collect::<Vec<_>>()
        .join("; ");
    match differences.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}

fn brief(value: &Value) -> String {
    match value {
        Value::Null => "unset".into(),
        Value::String(text) => hostwright_crds::condition::cut(text.clone(), 40),
        other => hostwright_crds::condition::cut(other.to_string(), 40),
    }
}

/// Equal as JSON, numbers by value: 1 and 1.0 are the same limit.
pub fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| same(value, other)))
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hostwright_plugin::{Remote, State};

    fn schema(text: &str) -> Schema {
        Schema::parse(text).unwrap()
    }

    fn package() -> Schema {
        schema(
            r#"{
                "memory": {"type": "number", "label": "Memory", "rules": "integer", "change": "InPlace", "drift": "Enforce"},
                "image": {"type": "text", "label": "Image", "change": "Disruptive", "drift": "Report"},
                "region": {"type": "text", "label": "Region", "change": "CreateOnly", "drift": "Ignore"}
            }"#,
        )
    }

    fn map(value: &Value) -> Map {
        value.as_object().unwrap().clone()
    }

    fn order(config: &Value) -> Order {
        Order { config: map(config), ..Order::default() }
    }

    #[test]
    fn each_difference_goes_where_its_schema_says() {
        let config = map(&json!({"memory": 1024, "image": "a", "region": "fra"}));
        let last = LastApplied { config, ..LastApplied::default() };
        let checkout = schema("{}");
        let fields = |list: &[Difference]| list.iter().map(|found| found.field.clone()).collect::<Vec<_>>();

        let same =
            ordered(&package(), &checkout, &last, &order(&json!({"memory": 1024.0, "image": "a", "region": "fra"})));
        assert_eq!(same, Changes::default());

        let all =
            ordered(&package(), &checkout, &last, &order(&json!({"memory": 2048, "image": "b", "region": "ams"})));
        let mut scalable = fields(&all.scalable);
        scalable.sort();
        assert_eq!(
            (scalable, fields(&all.fixed), all.disruptive),
            (vec!["image".into(), "memory".into()], vec!["region".into()], true)
        );
    }

    #[test]
    fn a_choice_that_was_for_good_is_neither_changed_nor_taken_back() {
        let config = map(&json!({"memory": 1024}));
        let last = LastApplied { config, ..LastApplied::default() };
        for wanted in [json!({"memory": 2048}), json!({})] {
            let fixed = std::collections::BTreeSet::from(["memory".to_owned()]);
            let found = ordered(&package(), &schema("{}"), &last, &Order { fixed, ..order(&wanted) });
            assert_eq!((found.fixed.len(), found.scalable.len()), (1, 0), "{wanted}");
        }
    }

    #[test]
    fn drift_is_enforced_reported_or_ignored_and_unknown_keys_are_left_alone() {
        let applied = map(&json!({"memory": 1024, "image": "a", "region": "fra"}));
        let mut seen = Present::new(Remote::default(), State::Active, None);
        seen.applied = map(&json!({"memory": 512, "image": "z", "region": "ams", "extra": 1}));
        let drift = drifted(&package(), &applied, &seen);
        assert_eq!(drift.enforced.iter().map(|found| found.field.as_str()).collect::<Vec<_>>(), ["memory"]);
        assert_eq!(drift.reported.iter().map(|found| found.field.as_str()).collect::<Vec<_>>(), ["image"]);
        assert_eq!(in_words(&drift.enforced, "on the panel"), "memory is 512 on the panel, 1024 wanted");
    }
}
