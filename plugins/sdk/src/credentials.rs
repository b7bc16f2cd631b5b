//! What a customer needs to use a remote.

use std::collections::BTreeSet;

/// The credentials of a remote, by name: letters, digits, dashes, dots and underscores.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CredentialNames {
    /// The caller chooses their values: `create` and `rotate_credentials` get them in [`crate::Call::credentials`], the same
    /// ones for every attempt of one operation. Nothing is lost when an answer is.
    pub chosen: BTreeSet<String>,
    /// The provider makes them up and tells them once: in [`crate::RemoteState::credentials`] of what `create`,
    /// `rotate_credentials` or their `poll` answers.
    pub minted: BTreeSet<String>,
}

impl CredentialNames {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.chosen.is_empty() && self.minted.is_empty()
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &String> {
        self.chosen.union(&self.minted)
    }
}
