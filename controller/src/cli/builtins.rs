//! The plugins that are built in.

use std::sync::Arc;

use hostwright_plugin::Plugin;
use hostwright_plugin_pterodactyl::Pterodactyl;
use hostwright_plugin_simulated::Simulated;

use super::failure::Failure;

/// All of them.
pub(super) fn plugins() -> Result<Vec<Arc<dyn Plugin>>, Failure> {
    let pterodactyl = Pterodactyl::new()
        .map_err(|error| Failure::failed(format!("the plugin pterodactyl cannot be set up: {error}")))?;
    let simulated =
        Simulated::new().map_err(|error| Failure::failed(format!("the plugin simulated cannot be set up: {error}")))?;
    Ok(vec![Arc::new(pterodactyl), Arc::new(simulated)])
}
