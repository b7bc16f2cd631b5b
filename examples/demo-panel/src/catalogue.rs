//! Nests, eggs and variables every panel of this kind starts with, read from `data/catalogue.json`.
//!
//! The data was recorded from a freshly seeded Pterodactyl 1.11; long texts are shortened.

use serde::Deserialize;
use serde_json::{Map, Value};

const DATA: &str = include_str!("../data/catalogue.json");

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Catalogue {
    pub(crate) nests: Vec<Nest>,
    pub(crate) eggs: Vec<Egg>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Nest {
    pub(crate) id: u64,
    pub(crate) uuid: String,
    pub(crate) author: String,
    pub(crate) name: String,
    pub(crate) description: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Egg {
    pub(crate) id: u64,
    pub(crate) uuid: String,
    pub(crate) name: String,
    pub(crate) nest: u64,
    pub(crate) author: String,
    pub(crate) description: String,
    pub(crate) docker_image: String,
    pub(crate) docker_images: Map<String, Value>,
    pub(crate) features: Vec<String>,
    pub(crate) config: Value,
    pub(crate) startup: String,
    pub(crate) script: Value,
    pub(crate) variables: Vec<EggVariable>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct EggVariable {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) env_variable: String,
    pub(crate) default_value: String,
    pub(crate) user_viewable: bool,
    pub(crate) user_editable: bool,
    /// Laravel validation rules separated by `|`.
    pub(crate) rules: String,
}

impl Catalogue {
    /// Reads the built-in data, which a test keeps readable.
    pub(crate) fn built_in() -> Self {
        serde_json::from_str(DATA).unwrap_or_default()
    }

    pub(crate) fn nest(&self, id: u64) -> Option<&Nest> {
        self.nests.iter().find(|nest| nest.id == id)
    }

    pub(crate) fn egg(&self, id: u64) -> Option<&Egg> {
        self.eggs.iter().find(|egg| egg.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::Rule;

    #[test]
    fn the_built_in_catalogue_is_readable_and_complete() {
        let catalogue: Catalogue = serde_json::from_str(DATA).unwrap();
        assert_eq!(catalogue.nests.len(), 4);
        assert_eq!(catalogue.eggs.len(), 5);
        assert!(catalogue.eggs.iter().all(|egg| catalogue.nest(egg.nest).is_some()));
    }

    #[test]
    fn every_rule_of_the_built_in_variables_is_known() {
        for variable in Catalogue::built_in().eggs.iter().flat_map(|egg| &egg.variables) {
            for rule in Rule::parse_list(&variable.rules) {
                assert!(!matches!(rule, Rule::Unknown(_)), "{}: {rule:?}", variable.env_variable);
            }
        }
    }
}
