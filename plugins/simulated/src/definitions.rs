//! What the plugin says about itself: manifest, schemas, capabilities.

use hostwright_plugin::{
    Capabilities, CreateUniqueness, Manifest, ManifestError, RenewSupport,
    schema::{Schema, SchemaError},
};

/// Manifest, schemas and capabilities, read once.
#[derive(Debug)]
pub(crate) struct Definitions {
    pub(crate) manifest: Manifest,
    pub(crate) capabilities: Capabilities,
    pub(crate) config: Schema,
    pub(crate) package: Schema,
    pub(crate) checkout: Schema,
}

/// Why the plugin could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The built-in manifest was refused.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A built-in schema was refused.
    #[error("schema {name}: {error}")]
    Schema {
        /// Which schema: `config`, `package` or `checkout`.
        name: &'static str,
        /// Everything that is wrong with it.
        error: SchemaError,
    },
}

impl Definitions {
    pub(crate) fn read() -> Result<Self, SetupError> {
        Ok(Self {
            manifest: Manifest::parse(include_str!("../plugin.json"))?,
            capabilities: capabilities(),
            config: schema("config", include_str!("../schemas/config.json"))?,
            package: schema("package", include_str!("../schemas/package.json"))?,
            checkout: schema("checkout", include_str!("../schemas/checkout.json"))?,
        })
    }
}

fn schema(name: &'static str, text: &str) -> Result<Schema, SetupError> {
    Schema::parse(text).map_err(|error| SetupError::Schema { name, error })
}

fn capabilities() -> Capabilities {
    Capabilities {
        create_uniqueness: CreateUniqueness::ByExternalId,
        settle_seconds: 0,
        list: true,
        interruptible: true,
        renew: RenewSupport::None,
        adopt: false,
        rotate_credentials: false,
        actions: false,
        requests_per_minute: None,
        max_concurrent_creates: None,
        shown_attributes: Vec::new(),
    }
}
