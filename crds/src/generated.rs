//! The files of this repository that are made from the types: `just generate` writes them, a test compares them.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_saphyr::SerializeError;

use crate::{annotation, manifests, reason};

/// A file made from the types.
pub struct File {
    /// Its path from the root of the repository.
    pub path: String,
    /// What belongs in it.
    pub content: String,
}

/// All of them.
///
/// # Errors
/// When a definition cannot be written as YAML.
pub fn files() -> Result<Vec<File>, SerializeError> {
    let mut files = vec![
        File { path: "docs/annotations.md".to_owned(), content: annotation::to_markdown() },
        File { path: "docs/reasons.md".to_owned(), content: reason::to_markdown() },
    ];
    for definition in manifests::all() {
        files.push(definition_file("crds/manifests", &definition)?);
        files.push(definition_file("charts/hostwright/definitions", &kept_on_uninstall(definition))?);
    }
    Ok(files)
}

fn definition_file(folder: &str, definition: &CustomResourceDefinition) -> Result<File, SerializeError> {
    Ok(File {
        path: format!("{folder}/{}.yaml", definition.spec.names.plural),
        content: format!("# Generated: `just generate`.\n{}", manifests::to_yaml(definition)?),
    })
}

/// Helm leaves it when the chart is uninstalled: with a definition all objects of its kind would go.
fn kept_on_uninstall(mut definition: CustomResourceDefinition) -> CustomResourceDefinition {
    let annotations = definition.metadata.annotations.get_or_insert_default();
    annotations.insert("helm.sh/resource-policy".to_owned(), "keep".to_owned());
    definition
}
