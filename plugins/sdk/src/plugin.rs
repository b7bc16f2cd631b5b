//! The trait every plugin implements.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::{
    ActionDescriptor, ActionResult, Call, Capabilities, Connection, CredentialNames, Error, Instance, Manifest, Map,
    Observation, Outcome, Page, PlannedChange, UserPage, schema::Schema,
};

/// A provider integration.
///
/// # Expected flow
/// The controller observes before it creates, records what it is about to try, calls one verb, records the outcome, and
/// observes again. It calls at most one mutation of a service at a time, and repeats one only under the same
/// [`Call::operation_id`].
///
/// # Errors
/// Every method may fail with an [`Error`] whose class decides what happens next. A panic is caught and counts as
/// [`crate::Class::Unknown`] in a mutation and as [`crate::Class::Internal`] elsewhere.
#[async_trait]
pub trait Plugin: Send + Sync + 'static {
    /// Who the plugin is.
    fn manifest(&self) -> &Manifest;
    /// What it can do.
    fn capabilities(&self) -> &Capabilities;
    /// The settings of an instance.
    fn config_schema(&self) -> &Schema;
    /// The settings of a package.
    fn package_schema(&self) -> &Schema;
    /// What the customer enters when ordering.
    fn checkout_schema(&self) -> &Schema;

    /// Checks address, credentials and rights, and says which panel it is. Changes nothing.
    async fn test_connection(&self, instance: &Instance) -> Result<Connection, Error>;

    /// Looks for the remote of this call by its external id, then by [`Call::remote`] where that is known, then by
    /// [`Call::named`]; of the last [`crate::Present::external_id`] tells whose mark it carries. Changes nothing.
    async fn observe(&self, call: &Call) -> Result<Observation, Error>;

    /// Lists what is there, page by page, starting without a cursor: what carries a mark, and, where remotes can be adopted,
    /// what carries none. A remote may be missed or doubled when others come and go meanwhile: the controller treats a list
    /// as suspicion only.
    async fn list(&self, instance: &Instance, cursor: Option<&str>) -> Result<Page, Error> {
        let _ = (instance, cursor);
        Err(Error::unsupported("listing"))
    }

    /// Makes the remote. When one with this external id exists already: [`crate::Class::Conflict`].
    async fn create(&self, call: &Call) -> Result<Outcome, Error>;

    /// Suspends it: the customer cannot use it, nothing is lost.
    async fn suspend(&self, call: &Call) -> Result<Outcome, Error>;

    /// Lifts the suspension and puts back what [`Call::before`] remembers.
    async fn unsuspend(&self, call: &Call) -> Result<Outcome, Error>;

    /// Brings the remote from [`Call::applied`] to [`Call::config`], keeping what was not asked to change.
    async fn scale(&self, call: &Call) -> Result<Outcome, Error>;

    /// Ends it for ever. [`Outcome::Gone`] when there is nothing (left).
    async fn terminate(&self, call: &Call) -> Result<Outcome, Error>;

    /// Asks how an accepted operation is doing.
    async fn poll(&self, call: &Call, token: &str) -> Result<Outcome, Error> {
        let _ = (call, token);
        Err(Error::unsupported("polling"))
    }

    /// Extends the paid period at the provider to this date, which is never earlier than the last one. The operation id
    /// follows from the date.
    async fn renew(&self, call: &Call, until: jiff::Timestamp) -> Result<Outcome, Error> {
        let _ = (call, until);
        Err(Error::unsupported("renewing"))
    }

    /// Puts the external id on the existing remote that [`Call::remote`] names, and changes nothing else of it: a look shows
    /// the mark from then on. Called again when an answer was lost. Refused with [`crate::Class::Invalid`] where the remote
    /// carries another mark, or belongs to somebody else than [`Call::owner`].
    async fn adopt(&self, call: &Call) -> Result<Outcome, Error> {
        let _ = call;
        Err(Error::unsupported("adopting"))
    }

    /// Lists the users to whom remotes belong, page by page, where [`Capabilities::users`] says so.
    async fn list_users(&self, instance: &Instance, cursor: Option<&str>) -> Result<UserPage, Error> {
        let _ = (instance, cursor);
        Err(Error::unsupported("listing users"))
    }

    /// Removes the user with this id when it still carries this owner key and owns nothing; [`crate::Class::Conflict`] when it
    /// does own something, [`crate::Class::NotFound`] when it is gone. Only ever called because a person asked for it.
    async fn remove_user(&self, instance: &Instance, id: &str, owner_key: &str) -> Result<(), Error> {
        let _ = (instance, id, owner_key);
        Err(Error::unsupported("removing users"))
    }

    /// The credentials of a remote with this configuration: those that the caller chooses, and those that the provider makes
    /// up. The same for the same configuration, without asking anybody.
    fn credentials(&self, config: &Map) -> CredentialNames {
        let _ = config;
        CredentialNames::default()
    }

    /// Issues new credentials for the customer: those of [`Call::credentials`], and in the answer those that the provider makes
    /// up, all that [`Self::credentials`] declares. The old ones stop working. Called again when an answer was lost: only the
    /// newest count.
    async fn rotate_credentials(&self, call: &Call) -> Result<Outcome, Error> {
        let _ = call;
        Err(Error::unsupported("rotating credentials"))
    }

    /// Checks at the provider what no schema can, before anything is made; asked where [`Capabilities::validate`] says so.
    /// [`crate::Class::Invalid`] refuses the order. Changes nothing.
    async fn validate(&self, call: &Call) -> Result<(), Error> {
        let _ = call;
        Ok(())
    }

    /// Says what bringing the remote from what it is to [`Call::config`] would do; asked before a scale where
    /// [`Capabilities::plan`] says so. A change that is [`PlannedChange::destructive`] is made only where the service allows
    /// it. Changes nothing.
    async fn plan(&self, call: &Call) -> Result<Vec<PlannedChange>, Error> {
        let _ = call;
        Err(Error::unsupported("planning"))
    }

    /// The client actions this service offers now, by slug.
    async fn actions(&self, call: &Call) -> Result<BTreeMap<String, ActionDescriptor>, Error> {
        let _ = call;
        Ok(BTreeMap::new())
    }

    /// Runs a client action with validated input.
    async fn run_action(&self, call: &Call, slug: &str, input: &Map) -> Result<ActionResult, Error> {
        let _ = (call, input);
        Err(Error::unsupported(&format!("the action {slug}")))
    }
}
