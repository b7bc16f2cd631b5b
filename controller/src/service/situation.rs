//! Everything a decision is made from. Plain values: no client, no clock.

use std::time::Duration;

use hostwright_crds::{
    HostingService, HostingServiceStatus, Identity, InstanceMode, LastApplied, Operation, OperationOutcome,
    RemoteState, RemoteStatus, Target, Verb, annotation,
};
use hostwright_plugin::{Capabilities, Observation, Present, State};
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;

use super::aim::Aim;
use super::beforehand;
use super::changes::{Changes, DriftFound};
use super::due::{self, Calendar};
use super::order::Order;
use super::plan::{renewing, rotating};
use super::record::{self, Record};
use super::retry::Impatience;
use crate::providers::{Hold, Standing};

/// One look at the remote, not older than the service's last mutation.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// What was seen.
    pub seen: Observation,
    /// When the request started.
    pub at: Timestamp,
}

impl Look {
    /// The remote, where there is one.
    pub fn present(&self) -> Option<&Present> {
        match &self.seen {
            Observation::Present(present) => Some(present),
            Observation::Absent => None,
        }
    }
}

/// What is known of the instance.
#[derive(Debug, Clone, PartialEq)]
pub enum Provider {
    /// There is none, or the one named does not exist.
    Missing(Hold),
    /// It exists and was not looked at in this process yet.
    Starting,
    /// It was looked at.
    Known(Box<ProviderFacts>),
}

/// What the instance's own controller found.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderFacts {
    /// Its name.
    pub name: String,
    /// What may be done there.
    pub mode: InstanceMode,
    /// It is being deleted: it serves what it has and takes nothing new.
    pub deleting: bool,
    /// Whether it can be used.
    pub standing: Standing,
    /// Whether the remote was recorded on this panel; true without a record.
    pub same_panel: bool,
    /// Why no absence is believed.
    pub absence: Option<Hold>,
    /// Why nothing is ended.
    pub endings: Option<Hold>,
    /// Why nothing is suspended by overdue policies.
    pub policy_suspensions: Option<Hold>,
    /// When the connection test passed last.
    pub verified_at: Option<Timestamp>,
    /// When its settings became others: what it refused before may pass now.
    pub settings_changed_at: Option<Timestamp>,
    /// What the plugin can do.
    pub capabilities: Capabilities,
}

/// Everything a decision is made from.
pub struct Situation<'a> {
    /// The time.
    pub now: Timestamp,
    /// Spec and metadata.
    pub service: &'a HostingService,
    /// The status, with everything folded in that this pass has learned.
    pub status: &'a HostingServiceStatus,
    /// What it is driven to.
    pub aim: &'a Aim,
    /// What dates are judged by.
    pub calendar: &'a Calendar,
    /// Which remote belongs to it.
    pub record: &'a Record,
    /// Whether the record was written in this pass, so that no earlier attempt can be under way.
    pub just_recorded: bool,
    /// What the provider gets, or why it gets nothing.
    pub order: &'a Result<Order, Hold>,
    /// What the order changes about the remote.
    pub changes: &'a Changes,
    /// What is known of the instance.
    pub provider: &'a Provider,
    /// The look of this pass.
    pub look: Option<&'a Look>,
    /// What the look shows to be changed by others.
    pub drift: &'a DriftFound,
    /// A look or a list of this process, newer than the last mutation, shows the remote.
    pub seen_lately: bool,
    /// The remote was not seen for three observation intervals, since then.
    pub unseen_since: Option<Timestamp>,
    /// The last list contradicts the status.
    pub suspicion: bool,
    /// Another service that claims the same remote.
    pub claimed_by: Option<&'a str>,
    /// How long an ordinary ending may fail before it is forced.
    pub force_after: Option<Duration>,
}

impl<'a> Situation<'a> {
    /// The believed record.
    pub fn identity(&self) -> Option<&'a Identity> {
        self.record.believed()
    }

    /// The remote that this object knows of.
    pub fn remote(&self) -> Option<&'a RemoteStatus> {
        self.status.remote.as_ref()
    }

    /// Whether the remote certainly belongs to this service.
    pub fn is_bound(&self) -> bool {
        self.remote().is_some_and(|remote| remote.bound_at.is_some())
    }

    /// When a remote that is still there certainly belongs to this service.
    pub fn binds_at(&self) -> Option<Timestamp> {
        let seen = self.remote()?.seen_at.as_ref()?;
        seen.0.saturating_add(self.settle()).ok()
    }

    /// The remote this object knows of, when another one was seen in its place.
    pub fn replaced(&self) -> Option<&'a RemoteStatus> {
        let seen = &self.present()?.remote.id;
        self.remote().filter(|remote| remote.id != *seen)
    }

    /// The unfinished operation.
    pub fn operation(&self) -> Option<&'a Operation> {
        self.status.operation.as_ref()
    }

    /// The unfinished operation, when it is of this verb.
    pub fn running(&self, verb: Verb) -> Option<&'a Operation> {
        self.operation().filter(|operation| operation.verb == verb)
    }

    /// The operation the provider works on.
    pub fn accepted(&self) -> Option<&'a Operation> {
        self.operation().filter(|operation| operation.outcome == OperationOutcome::Accepted)
    }

    /// What the instance's controller found.
    pub fn facts(&self) -> Option<&'a ProviderFacts> {
        match self.provider {
            Provider::Known(facts) => Some(facts),
            Provider::Missing(_) | Provider::Starting => None,
        }
    }

    /// How long after a create its effect may still appear or be rolled back.
    pub fn settle(&self) -> Duration {
        self.facts().map_or(Duration::ZERO, |facts| facts.capabilities.settle())
    }

    /// The look's remote, where there is one that is not only to be adopted.
    pub fn present(&self) -> Option<&'a Present> {
        self.look.and_then(Look::present).filter(|present| !self.is_candidate(present))
    }

    /// The id of the remote that is to be taken over in place of making one.
    pub fn adopts(&self) -> Option<&'a str> {
        record::adopts(self.service, Some(self.status))
    }

    /// The look's remote, where it is the one to be taken over and does not carry our mark yet.
    pub fn candidate(&self) -> Option<&'a Present> {
        self.look.and_then(Look::present).filter(|present| self.is_candidate(present))
    }

    fn is_candidate(&self, present: &Present) -> bool {
        let is_ours = |identity: &Identity| present.external_id.as_ref() == Some(&identity.external_id);
        self.adopts() == Some(&present.remote.id) && !self.identity().is_some_and(is_ours)
    }

    /// The configuration applied last.
    pub fn last_applied(&self) -> Option<&'a LastApplied> {
        self.status.last_applied.as_ref()
    }

    /// An annotation of the service.
    pub fn annotation(&self, key: &str) -> Option<&'a str> {
        self.service.annotations().get(key).map(String::as_str)
    }

    /// The token by which somebody asks for an attempt, when it was not handled yet.
    pub fn request(&self) -> Option<&'a str> {
        self.annotation(annotation::RECONCILE_REQUESTED_AT)
            .filter(|token| self.status.last_handled_reconcile_at != Some(super::fold::handled(token)))
    }

    /// The token by which somebody asks for new credentials, when it was not handled yet.
    pub fn rotation_request(&self) -> Option<&'a str> {
        self.annotation(annotation::ROTATE_REQUESTED_AT)
            .filter(|token| self.status.last_handled_rotate_at != Some(super::fold::handled(token)))
    }

    /// What may shorten the pause of the unfinished operation.
    pub fn impatience(&self) -> Impatience {
        let edited = |operation: &Operation| match operation.verb {
            Verb::Renew => operation.paid_until.as_ref().map(|until| until.0) != due::paid_until(self.service),
            Verb::Rotate => {
                operation.inputs != super::fold::rotation_inputs(self.annotation(annotation::ROTATE_REQUESTED_AT))
            }
            _ => {
                self.order.as_ref().is_ok_and(|order| operation.inputs != order.digest)
                    || (self.service.spec.allow_destructive && beforehand::would_destroy(operation))
            }
        };
        let settings_changed_at = self.facts().and_then(|facts| facts.settings_changed_at);
        let reconfigured = |operation: &Operation| {
            let attempted_at = operation.attempted_at.as_ref().map(|at| at.0);
            attempted_at.is_some_and(|at| settings_changed_at.is_some_and(|changed| changed >= at))
        };
        let inputs_changed = self.operation().is_some_and(|operation| edited(operation) || reconfigured(operation));
        Impatience { inputs_changed, requested: self.request().is_some() }
    }

    /// The verb that the service needs next, judged by status alone.
    pub fn expected_verb(&self) -> Verb {
        let state = self.remote().map(|remote| remote.state).filter(|state| *state != RemoteState::Missing);
        let half_unsuspended = self.running(Verb::Unsuspend).is_some_and(|operation| operation.before.is_some());
        match (self.aim.target, state) {
            (Target::Terminated, _) => Verb::Terminate,
            (_, None) if self.adopts().is_some() => Verb::Adopt,
            (_, None | Some(RemoteState::Incomplete)) => Verb::Create,
            (Target::Suspended, Some(state)) if state != RemoteState::Suspended => Verb::Suspend,
            (Target::Active, _) if self.status.suspended_at.is_some() || half_unsuspended => Verb::Unsuspend,
            _ if renewing::has_work(self) => Verb::Renew,
            _ if rotating::has_work(self) => Verb::Rotate,
            _ => Verb::Scale,
        }
    }
}

/// The state of a remote as status carries it.
pub fn remote_state(state: State) -> RemoteState {
    match state {
        State::Provisioning => RemoteState::Provisioning,
        State::Incomplete => RemoteState::Incomplete,
        State::Active => RemoteState::Active,
        State::Suspended => RemoteState::Suspended,
        State::Failed => RemoteState::Failed,
        State::Deleting => RemoteState::Deleting,
    }
}
