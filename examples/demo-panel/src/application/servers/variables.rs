//! Values for the variables of an egg.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::catalogue::{Egg, EggVariable};
use crate::errors::ApiError;
use crate::state::State;
use crate::validation::{self, Field};

/// Checks `environment` against the rules of every variable of the egg and returns the value of each.
///
/// A missing variable counts as null on Pterodactyl and as its default on Pelican. Names the egg does not know are
/// ignored.
pub(super) fn check(state: &State, egg: &Egg, environment: &Value) -> Result<BTreeMap<String, String>, ApiError> {
    let given = |variable: &EggVariable| match environment.get(&variable.env_variable) {
        None | Some(Value::Null) if state.dialect.is_pelican() => json!(variable.default_value),
        None => Value::Null,
        Some(value) => value.clone(),
    };
    let values: Map<String, Value> =
        egg.variables.iter().map(|variable| (variable.env_variable.clone(), given(variable))).collect();
    let fields: Vec<Field> = egg
        .variables
        .iter()
        .map(|variable| {
            Field::new(format!("environment.{}", variable.env_variable), &variable.rules)
                .label(format!("{} variable", variable.name))
        })
        .collect();
    let data = json!({ "environment": values });
    validation::validate(&data, &fields, state).map_err(ApiError::validation)?;
    // PHP cannot store a list as text.
    let store = |(name, value): (String, Value)| {
        validation::text(&value)
            .map(|text| (name, stored(&value, text)))
            .ok_or_else(|| ApiError::unexpected("ErrorException"))
    };
    values.into_iter().map(store).collect()
}

/// The database keeps false as `0`.
fn stored(value: &Value, text: String) -> String {
    if *value == Value::Bool(false) { "0".to_owned() } else { text }
}
