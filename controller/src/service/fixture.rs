//! Situations for tests, as phrases.

use std::time::Duration;

use hostwright_crds::{
    Carried, DeletionPolicy, DesiredStatus, HostingService, HostingServiceStatus, Identity, InstanceMode, LastApplied,
    LastError, OnRemoteMissing, Operation, OperationOutcome, Overdue, RemoteState, RemoteStatus, Verb, annotation,
};
use hostwright_plugin::{
    Capabilities, Class, CreateUniqueness, CredentialNames, Map, Observation, Present, Remote, RenewSupport, State,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;
use serde_json::json;

use super::aim::{self, Aim};
use super::changes::{Changes, DriftFound};
use super::due::Calendar;
use super::fold::Ground;
use super::order::Order;
use super::plan::{self, Step};
use super::record::Record;
use super::situation::{Look, Provider, ProviderFacts, Situation};
use crate::clock::Clocks;
use crate::providers::{Hold, Standing};

/// The second at which everything in a fixture happens, unless it says otherwise.
pub(super) const NOW: i64 = 10_000;
pub(super) const OWNER: &str = "prod.customers.cust-1";

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub(super) fn time(second: i64) -> Time {
    Time(at(second))
}

/// Everything a situation borrows from.
pub(super) struct Scene {
    pub(super) now: i64,
    pub(super) service: HostingService,
    pub(super) just_recorded: bool,
    pub(super) order: Result<Order, Hold>,
    pub(super) changes: Changes,
    pub(super) provider: Provider,
    pub(super) look: Option<Look>,
    pub(super) drift: DriftFound,
    pub(super) suspicion: bool,
    pub(super) claimed_by: Option<String>,
    pub(super) force_after: Option<Duration>,
    pub(super) carried: Option<Carried>,
    pub(super) recorded_until: Option<Timestamp>,
    pub(super) overdue: Option<Overdue>,
    pub(super) credentials: CredentialNames,
    /// What the clock of the API server shows, where it differs.
    pub(super) server: Option<i64>,
}

/// A service that was just applied, on an instance that is ready.
pub(super) fn service() -> Scene {
    let mut service = HostingService::default();
    service.metadata.name = Some("alice".into());
    service.metadata.namespace = Some("customers".into());
    service.metadata.uid = Some("uid-1".into());
    service.metadata.generation = Some(1);
    service.spec.owner.id = "cust-1".into();
    service.spec.package_ref.name = "mc-4g".into();
    service.status = Some(HostingServiceStatus::default());
    Scene {
        now: NOW,
        service,
        just_recorded: false,
        order: Ok(order()),
        changes: Changes::default(),
        provider: Provider::Known(Box::new(facts())),
        look: None,
        drift: DriftFound::default(),
        suspicion: false,
        claimed_by: None,
        force_after: None,
        carried: None,
        recorded_until: None,
        overdue: None,
        credentials: CredentialNames::default(),
        server: None,
    }
}

fn order() -> Order {
    let config: Map = json!({"memory": 4096}).as_object().unwrap().clone();
    Order { package: "mc-4g".into(), package_generation: 1, config, digest: "digest".into(), ..Order::default() }
}

fn facts() -> ProviderFacts {
    ProviderFacts {
        name: "panel".into(),
        mode: InstanceMode::Active,
        deleting: false,
        standing: Standing::Ready,
        same_panel: true,
        absence: None,
        endings: None,
        policy_suspensions: None,
        capabilities: Capabilities {
            create_uniqueness: CreateUniqueness::ByExternalId,
            settle_seconds: 30,
            list: true,
            interruptible: true,
            renew: RenewSupport::Unneeded,
            adopt: false,
            rotate_credentials: false,
            actions: false,
            validate: false,
            plan: false,
            users: false,
            requests_per_minute: None,
            max_concurrent_creates: None,
            shown_attributes: vec![],
        },
        verified_at: Some(at(NOW)),
        settings_changed_at: None,
    }
}

fn identity() -> Identity {
    Identity {
        external_id: "prod.customers.alice".into(),
        for_object: "customers/alice".into(),
        uid: "uid-1".into(),
        instance: "panel".into(),
        remote_identity: "p1".into(),
        owner: OWNER.into(),
        ended: None,
        carried: None,
        package: None,
        paid_until: None,
        changed_to: None,
    }
}

impl Scene {
    pub(super) fn status(&mut self) -> &mut HostingServiceStatus {
        self.service.status.get_or_insert_default()
    }

    pub(super) fn facts(&mut self) -> &mut ProviderFacts {
        match &mut self.provider {
            Provider::Known(facts) => facts,
            _ => panic!("the instance of this scene is not known"),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(super) fn recorded(self) -> Self {
        self.recorded_as(&identity())
    }

    pub(super) fn recorded_just_now(self) -> Self {
        self.recorded().with(|scene| scene.just_recorded = true)
    }

    fn recorded_as(self, identity: &Identity) -> Self {
        self.with(|scene| {
            scene.service.annotations_mut().insert(annotation::IDENTITY.into(), identity.to_text());
            scene.service.metadata.finalizers = Some(vec![hostwright_crds::FINALIZER.into()]);
        })
    }

    pub(super) fn copied(self) -> Self {
        self.recorded_as(&Identity { for_object: "customers/bob".into(), ..identity() })
    }

    pub(super) fn restored(self) -> Self {
        self.recorded_as(&Identity { uid: "uid-0".into(), ..identity() })
    }

    /// Applied as it was exported from another cluster.
    pub(super) fn carrying(mut self, carried: Carried) -> Self {
        self.carried = Some(carried.clone());
        self.recorded_as(&Identity { uid: "uid-0".into(), carried: Some(carried), ..identity() })
    }

    /// The same, once the record says that it is this very object.
    pub(super) fn still_carrying(mut self, carried: Carried) -> Self {
        self.carried = Some(carried.clone());
        self.recorded_as(&Identity { carried: Some(carried), ..identity() })
    }

    pub(super) fn without_finalizer(self) -> Self {
        self.with(|scene| scene.service.metadata.finalizers = None)
    }

    pub(super) fn ended(self) -> Self {
        self.recorded_as(&Identity { ended: Some("then".into()), ..identity() })
    }

    /// Bound to a remote in this state, configured as ordered.
    pub(super) fn has(self, state: RemoteState) -> Self {
        self.recorded().with(|scene| {
            scene.status().external_id = Some("prod.customers.alice".into());
            scene.status().remote = Some(RemoteStatus {
                id: "12".into(),
                state,
                seen_at: Some(time(0)),
                bound_at: Some(time(0)),
                ..RemoteStatus::default()
            });
            let config = order().config;
            scene.status().last_applied =
                Some(LastApplied { package: "mc-4g".into(), config, ..LastApplied::default() });
        })
    }

    pub(super) fn unbound(self) -> Self {
        self.with(|scene| {
            if let Some(remote) = scene.status().remote.as_mut() {
                (remote.bound_at, remote.seen_at) = (None, Some(time(NOW - 5)));
            }
        })
    }

    pub(super) fn suspended_by_us(self) -> Self {
        self.with(|scene| scene.status().suspended_at = Some(time(0)))
    }

    pub(super) fn wanting(self, desired: DesiredStatus) -> Self {
        self.with(|scene| scene.service.spec.desired_status = desired)
    }

    pub(super) fn deleted(self, policy: DeletionPolicy) -> Self {
        self.with(|scene| {
            scene.service.metadata.deletion_timestamp = Some(time(NOW - 1));
            scene.service.spec.deletion_policy = policy;
        })
    }

    pub(super) fn protected(self) -> Self {
        self.with(|scene| scene.service.spec.termination_protection = true)
    }

    pub(super) fn paused(self) -> Self {
        self.with(|scene| scene.service.spec.paused = true)
    }

    pub(super) fn recreating(self) -> Self {
        self.with(|scene| scene.service.spec.on_remote_missing = OnRemoteMissing::Recreate)
    }

    pub(super) fn annotated(self, key: &str, value: &str) -> Self {
        self.with(|scene| {
            scene.service.annotations_mut().insert(key.into(), value.into());
        })
    }

    pub(super) fn suspicious(self) -> Self {
        self.with(|scene| scene.suspicion = true)
    }

    pub(super) fn claimed(self) -> Self {
        self.with(|scene| scene.claimed_by = Some("customers/eve".into()))
    }

    pub(super) fn broken_order(self) -> Self {
        self.with(|scene| scene.order = Err(Hold::new(hostwright_crds::reason::PACKAGE_NOT_FOUND, "no package")))
    }

    pub(super) fn instance(self, change: impl FnOnce(&mut ProviderFacts)) -> Self {
        self.with(|scene| change(scene.facts()))
    }

    pub(super) fn provider(self, provider: Provider) -> Self {
        self.with(|scene| scene.provider = provider)
    }

    pub(super) fn operation(self, verb: Verb, outcome: OperationOutcome, attempted: i64) -> Self {
        self.with(|scene| {
            scene.status().operation = Some(Operation {
                id: "op".into(),
                verb,
                outcome,
                attempt: 1,
                inputs: "digest".into(),
                attempted_at: Some(time(attempted)),
                started_at: Some(time(attempted)),
                ..Operation::default()
            });
        })
    }

    pub(super) fn failed(self, class: Class, next: i64) -> Self {
        self.with(|scene| {
            if let Some(operation) = scene.status().operation.as_mut() {
                operation.next_attempt_at = Some(time(next));
                let class = super::retry::class_name(class);
                operation.last_error = Some(LastError { class, code: "c".into(), message: "words".into() });
            }
        })
    }

    pub(super) fn unanswered_at(self, second: i64) -> Self {
        self.with(|scene| {
            if let Some(operation) = scene.status().operation.as_mut() {
                operation.unanswered_at = Some(time(second));
            }
        })
    }

    pub(super) fn with_token(self) -> Self {
        self.with(|scene| {
            if let Some(operation) = scene.status().operation.as_mut() {
                operation.token = Some("token".into());
            }
        })
    }

    pub(super) fn seeing(self, state: State) -> Self {
        self.seeing_owned_by(state, Some(OWNER))
    }

    pub(super) fn seeing_owned_by(self, state: State, owner: Option<&str>) -> Self {
        self.with(|scene| {
            let remote = Remote { id: "12".into(), ..Remote::default() };
            let mut present = Present::new(remote, state, owner.map(str::to_owned));
            present.applied = order().config;
            scene.look = Some(Look { seen: Observation::Present(Box::new(present)), at: at(NOW) });
        })
    }

    pub(super) fn seeing_nothing(self) -> Self {
        self.with(|scene| scene.look = Some(Look { seen: Observation::Absent, at: at(NOW) }))
    }

    pub(super) fn ordering_another_size(self) -> Self {
        self.with(|scene| scene.changes.scalable = vec![difference()])
    }

    pub(super) fn ordering_another_region(self) -> Self {
        self.with(|scene| scene.changes.fixed = vec![difference()])
    }

    pub(super) fn drifted(self) -> Self {
        self.with(|scene| scene.drift.enforced = vec![difference()])
    }

    /// Judges the situation of this scene.
    pub(super) fn judge<T>(&self, judge: impl FnOnce(&Situation) -> T) -> T {
        let calendar = self.calendar();
        let (aim, record): (Aim, Record) = (aim::of(&self.service, &calendar), Record::of(&self.service));
        let status = self.service.status.clone().unwrap_or_default();
        judge(&Situation {
            now: at(self.now),
            service: &self.service,
            status: &status,
            aim: &aim,
            calendar: &calendar,
            record: &record,
            just_recorded: self.just_recorded,
            order: &self.order,
            changes: &self.changes,
            provider: &self.provider,
            look: self.look.as_ref(),
            drift: &self.drift,
            seen_lately: self.look.is_some(),
            unseen_since: None,
            suspicion: self.suspicion,
            claimed_by: self.claimed_by.as_deref(),
            force_after: self.force_after,
        })
    }

    fn calendar(&self) -> Calendar {
        let clocks = Clocks::of(at(self.now), self.server.map(at));
        Calendar { clocks, policy: Some(self.overdue.clone().unwrap_or_default()) }
    }

    pub(super) fn plan(&self) -> Step {
        self.judge(plan::plan)
    }

    pub(super) fn ground(&self) -> Ground<'_> {
        Ground {
            now: at(self.now),
            target: aim::of(&self.service, &self.calendar()).target,
            because: None,
            order: &self.order,
            settle: Duration::from_secs(30),
            instance: "panel",
            package: "mc-4g",
            paid_until: super::due::paid_until(&self.service),
            recorded_until: self.recorded_until,
            renew: self.judge(|s| s.facts().map_or(RenewSupport::Unneeded, |facts| facts.capabilities.renew)),
            external_id: "prod.customers.alice",
            uid: "uid-1",
            carried: self.carried.as_ref(),
            credentials: &self.credentials,
            secret_name: "alice-credentials".into(),
            rotation_requested: self.service.annotations().get(annotation::ROTATE_REQUESTED_AT).map(String::as_str),
        }
    }
}

pub(super) fn difference() -> hostwright_plugin::Difference {
    hostwright_plugin::Difference { field: "memory".into(), found: json!(2048), wanted: json!(4096) }
}
