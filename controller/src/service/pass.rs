//! One pass over one service: what is known, what has happened, and the status that follows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hostwright_crds::{HostingService, HostingServiceStatus, LastApplied, annotation};
use hostwright_plugin::{CredentialNames, Present, RenewSupport, Secret};
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;

use super::aim::{self, Aim};
use super::changes::{self, Changes, DriftFound};
use super::credentials;
use super::due::{self, Calendar};
use super::fold::{self, Finding, Ground, Notice};
use super::memory::Remembered;
use super::mutate;
use super::order::{self, Order};
use super::plan::{self, Step};
use super::record::{self, Record};
use super::report;
use super::resolve::{self, Resolved};
use super::situation::{Look, Provider, Situation};
use crate::context::Context;
use crate::instance;
use crate::kube::WriteError;
use crate::package;
use crate::providers::{Hold, Runtime};

/// A service unseen for this many observation intervals is no longer called synced.
const STALE_INTERVALS: u32 = 3;

/// One pass over one service.
pub struct Pass {
    pub(super) ctx: Arc<Context>,
    /// The object as it was written or read last.
    pub(super) service: HostingService,
    /// Its status with every finding of this pass.
    pub(super) status: HostingServiceStatus,
    pub(super) aim: Aim,
    pub(super) calendar: Calendar,
    pub(super) record: Record,
    pub(super) just_recorded: bool,
    pub(super) resolved: Resolved,
    pub(super) order: Result<Order, Hold>,
    /// The passwords of the checkout, once they were read for a create.
    pub(super) passwords: Option<BTreeMap<String, Secret>>,
    /// When they are looked for again, where they could not be used.
    pub(super) passwords_due: Option<Timestamp>,
    /// The credentials that a create or a rotation takes along, once they are stored.
    pub(super) credentials: Option<BTreeMap<String, Secret>>,
    pub(super) look: Option<Look>,
    /// The last list shows the remote differently from status, and no look has explained it.
    pub(super) suspicion: Option<String>,
    /// The doubt that the look of this pass was made for.
    pub(super) doubt: Option<String>,
    /// What happened, in order: folded again onto the latest status when somebody else wrote it meanwhile.
    pub(super) findings: Vec<Finding>,
    pub(super) notices: Vec<Notice>,
    /// A mutation was sent in this pass; there is never a second.
    pub(super) mutated: bool,
    /// The write-ahead returned another object than the plan was made on.
    pub(super) changed_since_planned: bool,
}

impl Pass {
    /// Reads what the service points at and validates it.
    ///
    /// # Errors
    /// When that cannot be read.
    pub async fn begin(service: HostingService, ctx: Arc<Context>) -> Result<Self, WriteError> {
        let record = Record::of(&service);
        // resolve (cluster): everything the spec points at, read once
        let resolved = resolve::resolve(&service, &record, &ctx).await?;
        let status = service.status.clone().unwrap_or_default();
        // validate (pure): from here on the raw spec is out of sight of whatever calls a provider
        let order = order::validate(&order::Inputs {
            service: &service,
            package: resolved.package.as_ref(),
            previous: resolved.previous.as_ref(),
            namespace_labels: &resolved.namespace_labels,
            runtime: resolved.runtime.as_deref(),
            record: record.believed(),
            last_applied: status.last_applied.as_ref(),
            kept: resolved.package.as_ref().is_some_and(|package| {
                let has_turn = ctx.turns.has(package, service.metadata.uid.as_deref().unwrap_or_default());
                package::keeps_what_it_has(&status, package, has_turn)
            }),
        });
        let order = order.and_then(|order| {
            // What is known to be taken needs no look at the remote.
            if let Record::Ours(identity) = &record
                && record::changes_package(identity, &status, &order.package)
            {
                instance::seems_free(&ctx, &identity.instance, &service, &order.package)?;
            }
            Ok(order)
        });
        let calendar = calendar(&resolved, &ctx);
        let mut pass = Self {
            aim: aim::of(&service, &calendar),
            calendar,
            order,
            passwords: None,
            passwords_due: None,
            credentials: None,
            just_recorded: false,
            look: None,
            suspicion: None,
            doubt: None,
            findings: Vec::new(),
            notices: Vec::new(),
            mutated: false,
            changed_since_planned: false,
            ctx,
            service,
            status,
            record,
            resolved,
        };
        pass.suspicion = pass.suspicion_of_the_list();
        if pass.suspicion.is_none() && pass.agrees() {
            pass.found(Finding::Agrees);
        }
        Ok(pass)
    }

    /// The next step.
    pub fn plan(&self) -> Step {
        self.with_situation(&self.service, &self.status, plan::plan)
    }

    /// Folds a finding into the status of this pass, and keeps it for the latest status.
    pub fn found(&mut self, finding: Finding) {
        let mut status = std::mem::take(&mut self.status);
        let notice = self.with_ground(|ground| fold::fold(&mut status, &finding, ground));
        self.status = status;
        self.findings.push(finding);
        self.notices.extend(notice);
    }

    /// The status that follows from a version of the object and everything found in this pass.
    pub fn status_on(&self, latest: &HostingService) -> HostingServiceStatus {
        let mut status = latest.status.clone().unwrap_or_default();
        for finding in &self.findings {
            self.with_ground(|ground| fold::fold(&mut status, finding, ground));
        }
        self.with_situation(latest, &status, |situation| report::render(situation, &plan::plan(situation)))
    }

    /// The status that follows from the object of this pass when this is the next step.
    pub fn status_for(&self, step: &Step) -> HostingServiceStatus {
        self.with_situation(&self.service, &self.status, |situation| report::render(situation, step))
    }

    /// What findings are folded with.
    pub fn with_ground<T>(&self, fold: impl FnOnce(&Ground) -> T) -> T {
        let identity = self.record.believed();
        let names = self.credential_names();
        fold(&Ground {
            now: self.ctx.clock.now(),
            target: self.aim.target,
            because: self.aim.because.as_deref(),
            order: &self.order,
            settle: self.capabilities().map(hostwright_plugin::Capabilities::settle).unwrap_or_default(),
            instance: identity.map(|identity| identity.instance.as_str()).unwrap_or_default(),
            package: &self.service.spec.package_ref.name,
            paid_until: due::paid_until(&self.service),
            recorded_until: identity.and_then(|identity| identity.paid_until.as_deref()?.parse().ok()),
            renew: self.capabilities().map_or(RenewSupport::Unneeded, |capabilities| capabilities.renew),
            external_id: identity.map(|identity| identity.external_id.as_str()).unwrap_or_default(),
            uid: self.uid(),
            carried: identity.and_then(|identity| identity.carried.as_ref()),
            credentials: &names,
            secret_name: credentials::secret_name(&self.service.name_any()),
            rotation_requested: self.service.annotations().get(annotation::ROTATE_REQUESTED_AT).map(String::as_str),
        })
    }

    /// The credentials of the remote, as it is or would be made.
    pub(super) fn credential_names(&self) -> CredentialNames {
        let applied = self.status.last_applied.as_ref().filter(|_| self.status.remote.is_some());
        let config = applied.map(|last| &last.config).or_else(|| Some(&self.order.as_ref().ok()?.config));
        let plugin = self.runtime().and_then(|runtime| runtime.plugin.as_ref());
        plugin.zip(config).map(|(plugin, config)| plugin.credentials(config)).unwrap_or_default()
    }

    fn with_situation<T>(
        &self,
        service: &HostingService,
        status: &HostingServiceStatus,
        judge: impl FnOnce(&Situation) -> T,
    ) -> T {
        let (changes, drift) = (self.changes(status), self.drift(status));
        let package = self.resolved.package.as_ref();
        judge(&Situation {
            now: self.ctx.clock.now(),
            service,
            status,
            aim: &self.aim,
            calendar: &self.calendar,
            record: &self.record,
            just_recorded: self.just_recorded,
            order: &self.order,
            changes: &changes,
            provider: &self.resolved.provider,
            look: self.look.as_ref(),
            drift: &drift,
            seen_lately: self.look.is_some() || self.mutated || self.listed().is_some(),
            unseen_since: self.unseen_since(),
            suspicion: self.suspicion.is_some(),
            claimed_by: self.resolved.claimed_by.as_deref(),
            force_after: package
                .and_then(|package| package.spec.termination.as_ref())
                .and_then(|termination| termination.force_after)
                .map(hostwright_crds::Duration::get),
        })
    }

    /// UID of the service.
    pub fn uid(&self) -> &str {
        self.service.metadata.uid.as_deref().unwrap_or_default()
    }

    /// `namespace/name` of the service.
    pub fn name(&self) -> String {
        record::name_of(&self.service)
    }

    /// The runtime of its instance.
    pub fn runtime(&self) -> Option<&Arc<Runtime>> {
        self.resolved.runtime.as_ref()
    }

    /// What this process remembers of the service.
    pub fn remembered(&self) -> Remembered {
        self.ctx.memory.of(self.uid())
    }

    /// Takes the object as our own write returned it: an older copy is not believed from now on.
    pub(super) fn wrote(&mut self, written: HostingService) {
        let version = written.resource_version();
        self.ctx.memory.update(self.uid(), |remembered| remembered.last_written = version);
        self.service = written;
        self.record = Record::of(&self.service);
    }

    /// Takes the object as the write-ahead returned it. What was found so far stands in it, and is not folded twice.
    pub(super) fn planned_against(&mut self, written: HostingService) {
        self.findings.clear();
        self.changed_since_planned = mutate::differs(&self.service, &written, &self.calendar);
        self.wrote(written);
    }

    /// Whether only a person can replace credentials that were lost.
    pub(super) fn credentials_need_somebody(&self) -> bool {
        self.with_situation(&self.service, &self.status, plan::rotating::needs_somebody)
    }

    /// The token by which somebody asks for an attempt, when it was not handled yet.
    pub(super) fn request(&self) -> Option<String> {
        self.with_situation(&self.service, &self.status, |situation| situation.request().map(str::to_owned))
    }

    /// Whether remote, order and what was applied agree, after they had not.
    pub(super) fn agrees(&self) -> bool {
        let doubted = self.status.not_converging.is_some() || self.status.attached_differences.is_some();
        doubted
            && self.order.is_ok()
            && self.with_situation(&self.service, &self.status, |situation| {
                (situation.present().is_some() || self.listed().is_some())
                    && situation.changes.fixed.is_empty()
                    && situation.changes.scalable.is_empty()
                    && situation.drift.enforced.is_empty()
            })
    }

    /// The verb that the service needs next, judged by status alone.
    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the method itself is not general enough in its lifetime"
    )]
    pub(super) fn expected_verb(&self) -> hostwright_crds::Verb {
        self.with_situation(&self.service, &self.status, |situation| situation.expected_verb())
    }

    /// When a remote that is not certainly ours yet is looked at once more.
    pub(super) fn binds_at(&self) -> Option<Timestamp> {
        self.with_situation(&self.service, &self.status, |situation| {
            situation.binds_at().filter(|_| !situation.is_bound())
        })
    }

    /// Takes the runtime as it is published now, after a connection test.
    pub(super) fn refresh_runtime(&mut self) {
        let Some(name) = self.runtime().map(|runtime| runtime.name.clone()) else {
            return;
        };
        self.resolved.refresh(&self.service, &self.record, self.ctx.providers.runtime(&name), &self.ctx);
    }

    /// Whether the clocks, as they were told last, still want what is planned.
    pub(super) fn aim_holds(&self) -> bool {
        let now = aim::of(&self.service, &calendar(&self.resolved, &self.ctx));
        (now.target, &now.holders) == (self.aim.target, &self.aim.holders)
    }

    fn capabilities(&self) -> Option<&hostwright_plugin::Capabilities> {
        match &self.resolved.provider {
            Provider::Known(facts) => Some(&facts.capabilities),
            Provider::Missing(_) | Provider::Starting => None,
        }
    }

    fn changes(&self, status: &HostingServiceStatus) -> Changes {
        let plugin = self.runtime().and_then(|runtime| runtime.plugin.as_ref());
        changes::of(plugin.map(AsRef::as_ref), &self.order, status.last_applied.as_ref())
    }

    /// What others changed, by the look of this pass, else by a list that is newer than our last mutation.
    fn drift(&self, status: &HostingServiceStatus) -> DriftFound {
        let plugin = self.runtime().and_then(|runtime| runtime.plugin.as_ref());
        let (Some(plugin), Some(last)) = (plugin, &status.last_applied) else {
            return DriftFound::default();
        };
        let drifted = |present: &Present| changes::drifted(plugin.package_schema(), &last.config, present);
        match &self.look {
            Some(look) => look.present().map(drifted).unwrap_or_default(),
            None if self.mutated => DriftFound::default(),
            None => self.listed().as_ref().map(drifted).unwrap_or_default(),
        }
    }

    /// The remote as the last list shows it, when that list is newer than our last mutation.
    fn listed(&self) -> Option<Present> {
        let snapshot = self.runtime()?.inventory.latest()?;
        let identity = self.record.believed()?;
        let remembered = self.remembered();
        let newer = snapshot.started > remembered.last_mutation.max(remembered.last_look);
        newer.then(|| snapshot.remotes.get(&identity.external_id).cloned()).flatten()
    }

    /// A digest of the contradiction between the last list and status, unless a look has explained it already.
    fn suspicion_of_the_list(&self) -> Option<String> {
        let snapshot = self.runtime()?.inventory.latest()?;
        let identity = self.record.believed()?;
        let remembered = self.remembered();
        if remembered.unsettled {
            return Some("unsettled".to_owned());
        }
        if snapshot.started <= remembered.last_mutation.max(remembered.last_look) {
            return None;
        }
        let contradiction = contradiction(&self.service, snapshot.remotes.get(&identity.external_id))?;
        (remembered.explained.as_ref() != Some(&contradiction)).then_some(contradiction)
    }

    fn unseen_since(&self) -> Option<Timestamp> {
        let runtime = self.runtime()?;
        let since = runtime.inventory.latest()?.at;
        let stale = since.saturating_add(runtime.spec.observe_interval() * STALE_INTERVALS).ok()?;
        (stale <= self.ctx.clock.now()).then_some(since)
    }

    /// When this service, if it is settled, turns stale unless it is listed again.
    pub(super) fn turns_stale_in(&self) -> Option<Duration> {
        let runtime = self.runtime()?;
        let since = runtime.inventory.latest()?.at;
        let stale = since.saturating_add(runtime.spec.observe_interval() * STALE_INTERVALS).ok()?;
        let wait = stale.duration_since(self.ctx.clock.now());
        Duration::try_from(wait).ok().map(|wait| wait + Duration::from_secs(1))
    }
}

fn calendar(resolved: &Resolved, ctx: &Context) -> Calendar {
    let policy = resolved.package.as_ref().map(|package| package.spec.overdue.clone().unwrap_or_default());
    Calendar { clocks: ctx.clocks(), policy }
}

/// What a list shows of a remote that status does not: a digest of it, None where they agree. A list is no lookup: this
/// raises suspicion, and a look of its own confirms it before anything is done.
pub fn contradiction(service: &HostingService, listed: Option<&Present>) -> Option<String> {
    let status = service.status.as_ref()?;
    let remote = status.remote.as_ref().filter(|remote| remote.bound_at.is_some())?;
    if status.operation.is_some() {
        return None;
    }
    let missing = remote.state == hostwright_crds::RemoteState::Missing;
    let Some(present) = listed else {
        return (!missing).then(|| "absent".to_owned());
    };
    let applied = status.last_applied.as_ref().map(|last: &LastApplied| &last.config);
    let state = super::situation::remote_state(present.state);
    let differing: Vec<_> = present
        .applied
        .iter()
        .filter(|(key, found)| {
            applied.and_then(|applied| applied.get(*key)).is_some_and(|wanted| !changes::same(found, wanted))
        })
        .collect();
    let agrees =
        state == remote.state && present.remote.id == remote.id && differing.is_empty() && present.drift.is_empty();
    let shown = serde_json::json!([format!("{state:?}"), present.remote.id, differing, present.drift]);
    (!agrees).then(|| super::digest::of_value(&shown))
}
