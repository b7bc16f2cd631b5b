//! What the plugin says about itself: manifest, schemas, capabilities.

use hostwright_plugin::{Capabilities, CreateUniqueness, Definitions, DefinitionsError, RenewSupport, Texts};

/// How long after a create its effect may still appear or be taken back. The panel calls Wings before it answers and
/// waits at most 5 s for a connection and 15 s in all; when that fails it removes its row again. The rest is margin for
/// a busy panel.
const SETTLE_SECONDS: u32 = 30;

/// The application API's default limit of Pterodactyl (`APP_API_APPLICATION_RATELIMIT`). Pelican allows 256.
const REQUESTS_PER_MINUTE: u32 = 240;

/// Why the plugin could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The built-in manifest or a built-in schema was refused.
    #[error(transparent)]
    Definitions(#[from] DefinitionsError),
    /// The HTTP client could not be built, for example because the system's certificates cannot be read.
    #[error("HTTP client: {0}")]
    Http(String),
}

pub(crate) fn read() -> Result<Definitions, DefinitionsError> {
    Definitions::parse(Texts {
        manifest: include_str!("../plugin.json"),
        config: include_str!("../schemas/config.json"),
        package: include_str!("../schemas/package.json"),
        checkout: include_str!("../schemas/checkout.json"),
    })
}

pub(crate) fn capabilities() -> Capabilities {
    Capabilities {
        create_uniqueness: CreateUniqueness::ByExternalId,
        settle_seconds: SETTLE_SECONDS,
        list: true,
        interruptible: true,
        renew: RenewSupport::Unneeded,
        adopt: true,
        rotate_credentials: false,
        actions: false,
        validate: false,
        plan: false,
        users: true,
        requests_per_minute: Some(REQUESTS_PER_MINUTE),
        // Creates at the same time can draw the same allocation; the loser gets a 500.
        max_concurrent_creates: Some(1),
        shown_attributes: ["identifier", "node", "uuid"].map(str::to_owned).to_vec(),
    }
}
