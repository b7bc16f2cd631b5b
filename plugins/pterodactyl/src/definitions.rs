//! What the plugin says about itself: manifest, schemas, capabilities.

use hostwright_plugin::{
    Capabilities, CreateUniqueness, Manifest, ManifestError, RenewSupport,
    schema::{Schema, SchemaError},
};

/// How long after a create its effect may still appear or be taken back. The panel calls Wings before it answers and
/// waits at most 5 s for a connection and 15 s in all; when that fails it removes its row again. The rest is margin for
/// a busy panel.
const SETTLE_SECONDS: u32 = 30;

/// The application API's default limit of Pterodactyl (`APP_API_APPLICATION_RATELIMIT`). Pelican allows 256.
const REQUESTS_PER_MINUTE: u32 = 240;

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
    /// The HTTP client could not be built, for example because the system's certificates cannot be read.
    #[error("HTTP client: {0}")]
    Http(String),
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
        settle_seconds: SETTLE_SECONDS,
        list: true,
        interruptible: true,
        renew: RenewSupport::None,
        adopt: false,
        rotate_credentials: false,
        actions: false,
        requests_per_minute: Some(REQUESTS_PER_MINUTE),
        // Creates at the same time can draw the same allocation; the loser gets a 500.
        max_concurrent_creates: Some(1),
        shown_attributes: ["identifier", "node", "uuid"].map(str::to_owned).to_vec(),
    }
}
