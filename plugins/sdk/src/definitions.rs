//! What a plugin says about itself in files: its manifest and its schemas.

use crate::schema::{Schema, SchemaError};
use crate::{Manifest, ManifestError};

/// Manifest and schemas, read once.
#[derive(Debug)]
pub struct Definitions {
    /// Who the plugin is.
    pub manifest: Manifest,
    /// The settings of an instance.
    pub config: Schema,
    /// The settings of a package.
    pub package: Schema,
    /// What the customer enters when ordering.
    pub checkout: Schema,
}

/// The texts that [`Definitions`] are read from.
#[derive(Debug, Clone, Copy)]
pub struct Texts<'a> {
    /// `plugin.json`.
    pub manifest: &'a str,
    /// The config schema.
    pub config: &'a str,
    /// The package schema.
    pub package: &'a str,
    /// The checkout schema.
    pub checkout: &'a str,
}

/// Why the definitions of a plugin were refused.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionsError {
    /// The manifest was refused.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A schema was refused.
    #[error("schema {name}: {error}")]
    Schema {
        /// Which schema: `config`, `package` or `checkout`.
        name: &'static str,
        /// Everything that is wrong with it.
        error: SchemaError,
    },
}

impl Definitions {
    /// Reads and checks them.
    ///
    /// # Errors
    /// When the manifest or a schema is refused.
    pub fn parse(texts: Texts) -> Result<Self, DefinitionsError> {
        let schema = |name, text: &str| Schema::parse(text).map_err(|error| DefinitionsError::Schema { name, error });
        Ok(Self {
            manifest: Manifest::parse(texts.manifest)?,
            config: schema("config", texts.config)?,
            package: schema("package", texts.package)?,
            checkout: schema("checkout", texts.checkout)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_that_is_refused_is_named() {
        let manifest = r#"{"name": "Files", "provider": "files", "type": "provisioning", "version": "1.0.0",
            "description": "d", "author": "a", "protocolVersion": 1}"#;
        let texts = Texts { manifest, config: "{}", package: r#"{"a": {"type": "colour"}}"#, checkout: "{}" };
        let told = Definitions::parse(texts).unwrap_err().to_string();
        assert!(told.starts_with("schema package: ") && told.contains("colour"), "{told}");
        assert!(Definitions::parse(Texts { package: "{}", ..texts }).is_ok());
    }
}
