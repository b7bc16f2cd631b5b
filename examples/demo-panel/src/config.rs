//! How a panel is set up, and what differs between the two dialects.

use std::time::Duration;

/// Which panel is imitated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Dialect {
    /// Pterodactyl 1.11.
    #[default]
    Pterodactyl,
    /// Pelican, its continuation without nests and locations.
    Pelican,
}

/// Whether an installation ends by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InstallMode {
    /// It succeeds after [`Config::install_delay`].
    #[default]
    Auto,
    /// It goes on until Wings reports its end or something else changes the status.
    Hold,
}

/// Requests per minute and user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct RateLimits {
    /// For `/api/application`.
    pub application: u32,
    /// For `/api/client`.
    pub client: u32,
}

/// How a panel is set up. A reset returns to this.
#[derive(Clone, Debug)]
pub struct Config {
    /// Application key that may read and write everything.
    pub application_key: String,
    /// Application key that may read everything.
    pub readonly_key: String,
    /// Client key of user 1, a root administrator.
    pub client_key: String,
    /// Address in links, without a slash at the end; taken from the request's `Host` when `None`.
    pub public_url: Option<String>,
    /// Which panel is imitated.
    pub dialect: Dialect,
    /// Whether an installation ends by itself.
    pub install: InstallMode,
    /// How long an installation takes in [`InstallMode::Auto`].
    pub install_delay: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self::new(Dialect::default())
    }
}

impl Config {
    /// A configuration with well-known demonstration keys in the form the dialect uses.
    pub fn new(dialect: Dialect) -> Self {
        let (application, client) = match dialect {
            Dialect::Pterodactyl => ("ptla", "ptlc"),
            Dialect::Pelican => ("papp", "pacc"),
        };
        Self {
            application_key: format!("{application}_demo"),
            readonly_key: format!("{application}_readonly"),
            client_key: format!("{client}_demo"),
            public_url: None,
            dialect,
            install: InstallMode::default(),
            install_delay: Duration::from_secs(1),
        }
    }
}

impl Dialect {
    pub(crate) fn is_pelican(self) -> bool {
        self == Self::Pelican
    }

    pub(crate) fn rate_limits(self) -> RateLimits {
        match self {
            Self::Pterodactyl => RateLimits { application: 240, client: 720 },
            Self::Pelican => RateLimits { application: 256, client: 256 },
        }
    }

    /// Longest accepted name, external id, address and image.
    pub(crate) fn string_limit(self) -> u32 {
        match self {
            Self::Pterodactyl => 191,
            Self::Pelican => 255,
        }
    }

    /// Smallest accepted block IO weight.
    pub(crate) fn io_minimum(self) -> u32 {
        match self {
            Self::Pterodactyl => 10,
            Self::Pelican => 0,
        }
    }
}
