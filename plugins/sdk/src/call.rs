//! What every call gets.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::{Map, Redactor, Remote, Secret};

/// One panel, server or cloud account: its settings, validated against the plugin's config schema, secrets apart.
#[derive(Debug, Clone, Default)]
pub struct Instance {
    /// The name of the instance, for messages.
    pub name: String,
    /// Settings that may be shown.
    pub settings: Map,
    /// The password fields.
    pub secrets: BTreeMap<String, Secret>,
}

impl Instance {
    /// A text setting.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.settings.get(key).and_then(Value::as_str)
    }

    /// A toggle.
    pub fn flag(&self, key: &str) -> bool {
        self.settings.get(key).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A password field.
    pub fn secret(&self, key: &str) -> Option<&Secret> {
        self.secrets.get(key)
    }
}

/// Whose service it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owner {
    /// The mark put on the remote user: `<installation>.<namespace>.<owner id>`.
    pub key: String,
    /// E-mail address; used to make the remote user, never to change one.
    pub email: String,
    /// Display name.
    pub name: String,
}

/// Everything a verb may need. Optional parts are absent where the verb does not need them: ending a service works
/// without a valid package.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// The id of the service at the provider, chosen by Hostwright and never re-used for another service.
    pub external_id: String,
    /// The same for every attempt of one operation; a provider with idempotency keys gets it as such.
    pub operation_id: String,
    /// When the caller stops waiting. What is not answered by then has an unknown outcome.
    pub deadline: Timestamp,
    /// Where to send it.
    pub instance: Instance,
    /// The effective configuration, typed by the package schema.
    pub config: Map,
    /// What the customer entered, typed by the checkout schema, without the password fields.
    pub checkout: Map,
    /// What the customer entered in the fields that the package adds to the checkout, without the password fields.
    pub fields: Map,
    /// The password fields of the checkout and of what the package adds to it. Only what makes a remote has them: `create` and
    /// `validate`.
    pub checkout_secrets: BTreeMap<String, Secret>,
    /// The credentials that the caller chose, by the names that [`crate::Plugin::credentials`] declares as chosen. Only
    /// `create`, `validate` and `rotate_credentials` have them.
    pub credentials: BTreeMap<String, Secret>,
    /// Whose service it is.
    pub owner: Owner,
    /// Until when the service is paid: the period that a create buys, where the provider sells periods.
    pub paid_until: Option<Timestamp>,
    /// What is known of the remote.
    pub remote: Option<Remote>,
    /// The id by which somebody named a remote that is to be taken over: all that is known of it before the first look.
    pub named: Option<String>,
    /// The configuration applied last; what a scale starts from.
    pub applied: Option<Map>,
    /// What an earlier observation asked to be remembered ([`crate::Present::remember`]): given to the verb, its retries
    /// and its inverse.
    pub before: Option<Value>,
    /// Whether an ending may leave data behind at the provider; set by policy only.
    pub force: bool,
}

impl Call {
    /// Removes every secret of this call from a text.
    pub fn redactor(&self) -> Redactor {
        let of_customers = self.checkout_secrets.values().chain(self.credentials.values());
        Redactor::new(self.instance.secrets.values().chain(of_customers))
    }
}
