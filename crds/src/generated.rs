//! The files of this repository that are made from the types: `just generate` writes them, a test compares them.

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
        files.push(File {
            path: format!("crds/manifests/{}.yaml", definition.spec.names.plural),
            content: format!("# Generated: `just generate`.\n{}", manifests::to_yaml(&definition)?),
        });
    }
    Ok(files)
}
