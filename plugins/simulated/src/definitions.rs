//! What the plugin says about itself: manifest, schemas, capabilities.

use hostwright_plugin::{Capabilities, CreateUniqueness, Definitions, DefinitionsError, RenewSupport, Texts};

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
        settle_seconds: 0,
        list: true,
        interruptible: true,
        renew: RenewSupport::Observable,
        adopt: true,
        rotate_credentials: true,
        actions: false,
        validate: true,
        plan: true,
        users: false,
        requests_per_minute: None,
        max_concurrent_creates: None,
        shown_attributes: Vec::new(),
    }
}
