//! API keys and what they allow.

use std::net::IpAddr;

use crate::config::Config;
use crate::records::UserId;

/// What a key allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// An application key that reads and writes every resource.
    ApplicationReadWrite,
    /// An application key that reads every resource.
    ApplicationReadOnly,
    /// A client (account) key: whatever its user may do.
    Client,
}

impl Grant {
    pub(crate) fn is_client(self) -> bool {
        self == Self::Client
    }
}

/// A key and its owner, in whose rate-limit bucket its requests are counted.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) token: String,
    pub(crate) user: UserId,
    pub(crate) grant: Grant,
    /// Addresses that may use it; everyone when empty.
    pub(crate) allowed_ips: Vec<IpAddr>,
}

/// The three keys of user 1.
pub(crate) fn configured(config: &Config) -> Vec<Key> {
    [
        (&config.application_key, Grant::ApplicationReadWrite),
        (&config.readonly_key, Grant::ApplicationReadOnly),
        (&config.client_key, Grant::Client),
    ]
    .into_iter()
    .map(|(token, grant)| Key { token: token.clone(), user: 1, grant, allowed_ips: Vec::new() })
    .collect()
}
