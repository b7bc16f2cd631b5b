//! How an edit of a package reaches the services that have it: some at a time, until too many fail. Pure.
//!
//! Until its turn comes a service is configured by what was applied to it last, so an edit changes nothing about it.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use hostwright_crds::{
    FailingService, HostingService, HostingServiceStatus, LastApplied, Operation, OperationOutcome, Package,
    RemoteState, Rollout, RolloutStatus, RolloutStrategy, Target, Verb, condition, reason,
};
use hostwright_plugin::Plugin;
use kube::ResourceExt as _;

use crate::providers::Hold;
use crate::service;

/// The most failing services that status names.
const NAMED: usize = 10;
/// The most that a sentence names.
const TOLD: usize = 3;

/// Where one service of a package stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is as the package is now.
    Updated,
    /// It is being changed.
    Updating,
    /// It differs, and can be changed when its turn comes.
    Waiting,
    /// It differs, and something else keeps it from being changed.
    Held,
    /// Changing it fails, for this reason. What can be told without a call may be told at once.
    Failed { why: String, called: bool },
}

/// One service of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) uid: String,
    /// Namespace and name, with a slash between them.
    pub(super) name: String,
    /// In seconds since 1970.
    pub(super) created: i64,
    pub(super) standing: Standing,
}

/// All services of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Census {
    rollout: Rollout,
    members: Vec<Member>,
}

/// Whether a service keeps the configuration that it has, whatever its package says by now. `has_turn` says whether its turn in
/// the roll-out of just this generation has come.
pub fn keeps_what_it_has(status: &HostingServiceStatus, package: &Package, has_turn: bool) -> bool {
    let Some(last) = status.last_applied.as_ref().filter(|last| is_behind(last, package)) else { return false };
    let changing = status.operation.as_ref().filter(|operation| is_rolled_out_by(operation, last));
    match strategy(package) {
        // What the provider may be working on, or have done, is brought to an end.
        RolloutStrategy::Pinned => changing.is_none_or(|operation| operation.outcome == OperationOutcome::Refused),
        RolloutStrategy::Rolling => changing.is_none() && !has_turn,
    }
}

/// Whether something of this package was applied, by what it was before its last edit.
fn is_behind(last: &LastApplied, package: &Package) -> bool {
    last.package == package.name_any()
        && Some(last.package_generation) != package.metadata.generation
        // Nothing is known of what was applied, as after a remote was attached while its order was not valid.
        && !last.config.is_empty()
}

fn is_rolled_out_by(operation: &Operation, last: &LastApplied) -> bool {
    operation.verb == Verb::Scale && operation.package_generation.is_some_and(|now| now != last.package_generation)
}

fn strategy(package: &Package) -> RolloutStrategy {
    package.spec.rollout.as_ref().map(|rollout| rollout.strategy).unwrap_or_default()
}

/// Where a service stands; None where it does not have the package, or has to go.
fn standing(service: &HostingService, package: &Package, plugin: &dyn Plugin) -> Option<Standing> {
    let status = service.status.as_ref()?;
    let last = status.last_applied.as_ref().filter(|last| last.package == package.name_any())?;
    let goes = service.metadata.deletion_timestamp.is_some() || status.target == Some(Target::Terminated);
    if goes || service.spec.package_ref.name != last.package || last.config.is_empty() {
        return None;
    }
    if !is_behind(last, package) {
        let diverges = status.not_converging.is_some();
        let why = || "it was scaled, and the provider shows something else".to_owned();
        return Some(if diverges { Standing::Failed { why: why(), called: true } } else { Standing::Updated });
    }
    if let Some(operation) = status.operation.as_ref().filter(|operation| is_rolled_out_by(operation, last)) {
        let failed = |error: &hostwright_crds::LastError| Standing::Failed { why: error.message.clone(), called: true };
        return Some(operation.last_error.as_ref().map_or(Standing::Updating, failed));
    }
    Some(match service::changes_by(service, package, plugin, last) {
        Err(why) => Standing::Failed { why, called: false },
        Ok(false) => Standing::Updated,
        Ok(true) if can_be_changed(service, status) => Standing::Waiting,
        Ok(true) => Standing::Held,
    })
}

fn can_be_changed(service: &HostingService, status: &HostingServiceStatus) -> bool {
    let usable = |state: RemoteState| matches!(state, RemoteState::Active | RemoteState::Suspended);
    let remote = status.remote.as_ref().filter(|remote| remote.bound_at.is_some());
    !service.is_paused()
        && status.operation.is_none()
        && status.attached_differences.is_none()
        && remote.is_some_and(|remote| usable(remote.state))
}

impl Census {
    /// Counts the services that have a package.
    pub(super) fn of<'a>(
        package: &Package,
        plugin: &dyn Plugin,
        services: impl IntoIterator<Item = &'a HostingService>,
    ) -> Self {
        let member = |service: &HostingService| {
            let created = service.metadata.creation_timestamp.as_ref().map(|at| at.0.as_second()).unwrap_or_default();
            Some(Member {
                standing: standing(service, package, plugin)?,
                uid: service.uid()?,
                name: format!("{}/{}", service.namespace().unwrap_or_default(), service.name_any()),
                created,
            })
        };
        let members = services.into_iter().filter_map(member).collect();
        Self { rollout: package.spec.rollout.clone().unwrap_or_default(), members }
    }

    /// Whose turn it is, given whose turn it was: as many as may be changed at once, those that had a turn and then the oldest
    /// first. One that fails without a call takes nobody's place: it only has to say why.
    pub(super) fn turns(&self, before: &BTreeSet<String>) -> BTreeSet<String> {
        if self.rollout.strategy == RolloutStrategy::Pinned {
            return BTreeSet::new();
        }
        let tells = |member: &&Member| matches!(member.standing, Standing::Failed { called: false, .. });
        let mut turns: BTreeSet<String> = self.members.iter().filter(tells).map(|member| member.uid.clone()).collect();
        if !self.is_stopped() {
            let mut waiting: Vec<_> =
                self.members.iter().filter(|member| member.standing == Standing::Waiting).collect();
            waiting.sort_by_key(|member| (Reverse(before.contains(&member.uid)), member.created, &member.name));
            turns.extend(waiting.into_iter().take(self.free()).map(|member| member.uid.clone()));
        }
        turns
    }

    /// How many more may be changed now. A failure that is tried again is a call as well.
    fn free(&self) -> usize {
        let calls =
            |standing: &Standing| matches!(standing, Standing::Updating | Standing::Failed { called: true, .. });
        usize::try_from(self.rollout.max_concurrent).unwrap_or(1).saturating_sub(self.count(calls))
    }

    /// Whether there is something to do that needs nobody.
    pub(super) fn is_rolling(&self) -> bool {
        let moves = |standing: &Standing| matches!(standing, Standing::Updating | Standing::Waiting);
        self.rollout.strategy == RolloutStrategy::Rolling && self.count(moves) > 0
    }

    fn is_stopped(&self) -> bool {
        let failed = self.count(|standing| matches!(standing, Standing::Failed { .. }));
        failed >= usize::try_from(self.rollout.max_failures).unwrap_or(1)
    }

    fn count(&self, which: impl Fn(&Standing) -> bool) -> usize {
        self.members.iter().filter(|member| which(&member.standing)).count()
    }

    /// Those that fail, by name.
    fn failing(&self) -> Vec<FailingService> {
        let failing = |member: &Member| match &member.standing {
            Standing::Failed { why, .. } => {
                Some(FailingService { service: member.name.clone(), message: condition::cut(why.clone(), 256) })
            }
            _ => None,
        };
        let mut named: Vec<_> = self.members.iter().filter_map(failing).collect();
        named.sort_by(|one, other| one.service.cmp(&other.service));
        named
    }

    /// As status carries it; nothing while every service is as the package is now.
    pub(super) fn status(&self) -> Option<RolloutStatus> {
        Some(self.counts()).filter(|counts| counts.updated != counts.services)
    }

    fn counts(&self) -> RolloutStatus {
        let count = |which: fn(&Standing) -> bool| i32::try_from(self.count(which)).unwrap_or(i32::MAX);
        let mut failing = self.failing();
        failing.truncate(NAMED);
        RolloutStatus {
            services: count(|_| true),
            updated: count(|standing| *standing == Standing::Updated),
            updating: count(|standing| *standing == Standing::Updating),
            failed: count(|standing| matches!(standing, Standing::Failed { .. })),
            waiting: count(|standing| matches!(standing, Standing::Waiting | Standing::Held)),
            failing,
        }
    }

    /// The condition `RolledOut`: whether it is True, and why.
    pub(super) fn verdict(&self) -> (bool, Hold) {
        let RolloutStatus { services, updated, updating, failed, waiting, .. } = self.counts();
        if self.rollout.strategy == RolloutStrategy::Pinned {
            return (
                true,
                Hold::new(reason::PINNED, "edits are for new services, those that have it stay as they are"),
            );
        }
        if updated == services {
            return (true, Hold::new(reason::ROLLED_OUT, "every service that has it is as the package is now"));
        }
        let so_far = format!(
            "{updated} of {services} services are as the package is now, {updating} are being changed, {waiting} wait"
        );
        if !self.is_stopped() {
            let failed = if failed == 0 { String::new() } else { format!(", {failed} failed: {}", self.told()) };
            return (false, Hold::new(reason::ROLLING_OUT, format!("{so_far}{failed}")));
        }
        let text = format!(
            "{failed} failed, so no further one is changed: {}. {so_far}. Mend them or the package; it goes on once fewer than {} fail (spec.rollout.maxFailures)",
            self.told(),
            self.rollout.max_failures
        );
        (false, Hold::new(reason::ROLLOUT_STOPPED, text))
    }

    /// The first few that fail, with why.
    fn told(&self) -> String {
        let failing = self.failing();
        let told: Vec<_> = failing
            .iter()
            .take(TOLD)
            .map(|failing| format!("{} ({})", failing.service, condition::cut(failing.message.clone(), 120)))
            .collect();
        let more = failing.len().saturating_sub(TOLD);
        let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
        format!("{}{rest}", told.join(", "))
    }
}

#[cfg(test)]
mod tests;
