//! What would become of a service, by the planner itself and by what the provider says when it is asked. Changes nothing.

mod asking;

use std::collections::BTreeMap;

use hostwright_crds::{HostingService, HostingServiceStatus, Identity, OnRemoteMissing, Package, Target, Verb, reason};
use hostwright_plugin::schema::{Change, Field};
use hostwright_plugin::{Class, Difference, Error as CallError, Plugin, Present, State};
use k8s_openapi::jiff::Timestamp;

use super::aim;
use super::changes::{self, DriftFound};
use super::due::{self, Calendar};
use super::order::{self, Order};
use super::plan::existing::{Scaling, scaling_of};
use super::plan::{self, Step, renewing, rotating};
use super::record::{self, Record};
use super::report;
use super::situation::{Look, Provider, ProviderFacts, Situation};
use crate::clock::Clocks;
use crate::package;
use crate::providers::{Hold, Runtime, Standing};
use asking::Asked;

/// A service as it would be written, and what it refers to.
pub struct Question<'a> {
    /// Spec as it would be, metadata and status as they are.
    pub service: &'a HostingService,
    /// Its package, as it would be.
    pub package: Option<&'a Package>,
    /// The package that was applied last, where that is another one.
    pub previous: Option<&'a Package>,
    /// The labels of its namespace.
    pub namespace_labels: &'a BTreeMap<String, String>,
    /// The instance. Without settings the provider is not asked.
    pub runtime: Option<&'a Runtime>,
    /// The installation id, where the cluster has one.
    pub installation: Option<&'a str>,
    /// The time.
    pub now: Timestamp,
}

/// How much something matters to the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Something is made.
    Creates,
    /// Something changes while the service goes on.
    Changes,
    /// The service is interrupted.
    Disturbs,
    /// Data is lost.
    Destroys,
}

/// One thing that would be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// What the provider would be asked for.
    pub verb: Verb,
    /// How much it matters.
    pub weight: Weight,
    /// In words, one thing a line.
    pub details: Vec<String>,
}

/// What would become of a service.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Foreseen {
    /// What would be done, in this order.
    pub effects: Vec<Effect>,
    /// What keeps something from being done.
    pub held: Option<Hold>,
    /// Whether that needs somebody.
    pub stalled: bool,
}

impl Question<'_> {
    /// The record that would be written; none where the installation is not known.
    fn identity(&self) -> Option<Identity> {
        Some(record::derived(self.service, self.installation?, self.package, self.runtime))
    }
}

/// Asks the provider, and says what would be done.
///
/// # Errors
/// What the provider answered where it could not be asked.
pub async fn foresee(question: &Question<'_>) -> Result<Foreseen, CallError> {
    let status = question.service.status.clone().unwrap_or_default();
    let record = Record::of(question.service);
    let order = ordered(question, &status, &record);
    // One that has no record yet is judged as if it had been written now.
    let would_be = question.identity().filter(|_| record == Record::None);
    let fresh = would_be.is_some();
    let record = would_be.map_or(record, Record::Ours);
    let asked = record.believed().and_then(|identity| Asked::of(question, &status, identity, order.as_ref().ok()));
    let look = match &asked {
        Some(asked) => Some(Look { seen: asked.ask(asked.plugin.observe(&asked.call)).await?, at: question.now }),
        None => None,
    };
    let (mut foreseen, scales) = judge(question, &status, (&record, fresh), &order, look.as_ref());
    let Some(asked) = asked.filter(|_| foreseen.held.is_none()) else { return Ok(foreseen) };
    let creates = foreseen.effects.iter().any(|effect| effect.verb == Verb::Create);
    let has_passwords = order.as_ref().is_ok_and(|order| !order.passwords.is_empty());
    if creates && !has_passwords && asked.plugin.capabilities().validate {
        if let Err(error) = asked.ask(asked.plugin.validate(&asked.call)).await {
            foreseen.is_refused(error)?;
        }
    } else if scales && asked.plugin.capabilities().plan {
        let told = asked.ask(asked.plugin.plan(&asked.call)).await?;
        foreseen.learn(&told, question.service.spec.allow_destructive);
    }
    Ok(foreseen)
}

fn ordered(question: &Question, status: &HostingServiceStatus, record: &Record) -> Result<Order, Hold> {
    order::validate(&order::Inputs {
        service: question.service,
        package: question.package,
        previous: question.previous,
        namespace_labels: question.namespace_labels,
        runtime: question.runtime,
        record: record.believed(),
        last_applied: status.last_applied.as_ref(),
        kept: question.package.is_some_and(|package| package::keeps_what_it_has(status, package, true)),
    })
}

/// What would be done by what is known, and whether the remote is scaled. Pure.
fn judge(
    question: &Question,
    status: &HostingServiceStatus,
    (record, fresh): (&Record, bool),
    order: &Result<Order, Hold>,
    look: Option<&Look>,
) -> (Foreseen, bool) {
    let policy = question.package.map(|package| package.spec.overdue.clone().unwrap_or_default());
    let calendar = Calendar { clocks: Clocks::of(question.now, None), policy };
    let aim = aim::of(question.service, &calendar);
    let plugin = question.runtime.and_then(|runtime| runtime.plugin.as_deref());
    let changes = changes::of(plugin, order, status.last_applied.as_ref());
    let drift = match (plugin, &status.last_applied, look.and_then(Look::present)) {
        (Some(plugin), Some(last), Some(present)) => changes::drifted(plugin.package_schema(), &last.config, present),
        _ => DriftFound::default(),
    };
    let provider = provider(question, record);
    let situation = Situation {
        now: question.now,
        service: question.service,
        status,
        aim: &aim,
        calendar: &calendar,
        record,
        just_recorded: fresh,
        order,
        changes: &changes,
        provider: &provider,
        look,
        drift: &drift,
        seen_lately: look.is_some(),
        unseen_since: None,
        suspicion: false,
        claimed_by: None,
        force_after: None,
    };
    let step = plan::plan(&situation);
    if let Step::Wait(wait) = &step
        && let Some(hold) = &wait.hold
    {
        let stalled = wait.stalled || report::needs_somebody(hold.reason);
        return (Foreseen { held: Some(hold.clone()), stalled, ..Foreseen::default() }, false);
    }
    let mut foreseen = Foreseen::default();
    let scales = foreseen.expect(&situation, plugin);
    (foreseen, scales)
}

fn provider(question: &Question, record: &Record) -> Provider {
    let missing = |text: String| Provider::Missing(Hold::new(reason::INSTANCE_NOT_FOUND, text));
    let Some(runtime) = question.runtime else {
        return missing("its ProviderInstance is neither in the files nor in the cluster".to_owned());
    };
    let Some(plugin) = &runtime.plugin else {
        return missing(format!(
            "ProviderInstance {}: there is no plugin {}",
            runtime.name, runtime.spec.plugin_ref.name
        ));
    };
    Provider::Known(Box::new(ProviderFacts {
        name: runtime.name.clone(),
        mode: runtime.spec.mode,
        deleting: false,
        standing: Standing::Ready,
        same_panel: record.believed().is_none_or(|identity| runtime.is_panel(&identity.remote_identity)),
        absence: None,
        endings: None,
        policy_suspensions: None,
        verified_at: Some(question.now),
        settings_changed_at: None,
        capabilities: plugin.capabilities().clone(),
    }))
}

impl Foreseen {
    /// Adds what the situation asks for. True where the remote is scaled.
    fn expect(&mut self, s: &Situation, plugin: Option<&dyn Plugin>) -> bool {
        let present = s.present();
        let ended = s.identity().is_some_and(|identity| identity.ended.is_some());
        match s.aim.target {
            _ if ended || s.aim.retained => false,
            Target::Terminated => {
                let cause = s.aim.because.clone().unwrap_or_else(|| "desiredStatus is Terminated".to_owned());
                if let Some(remote) = known_remote(s) {
                    self.add(Verb::Terminate, Weight::Destroys, vec![format!("remote {remote}: {cause}")]);
                }
                false
            }
            Target::Active | Target::Suspended if s.adopts().is_some() && present.is_none() => {
                self.expect_adoption(s);
                false
            }
            Target::Active | Target::Suspended if present.is_none() && (s.look.is_some() || s.remote().is_none()) => {
                self.expect_create(s);
                false
            }
            Target::Active | Target::Suspended => {
                self.expect_switch(s, present);
                if renewing::has_work(s)
                    && let Some(until) = due::paid_until(s.service)
                {
                    self.add(Verb::Renew, Weight::Changes, vec![format!("paid until {until}")]);
                }
                if rotating::has_work(s) {
                    self.add(Verb::Rotate, Weight::Changes, vec!["the old credentials stop working".to_owned()]);
                }
                self.expect_scale(s, plugin)
            }
        }
    }

    fn expect_adoption(&mut self, s: &Situation) {
        let (Ok(order), Some(id)) = (s.order, s.adopts()) else { return };
        let instance = s.facts().map(|facts| facts.name.as_str()).unwrap_or_default();
        let mut details = vec![format!("remote {id} on {instance}, as Package {}; it is not changed", order.package)];
        let found = s.candidate().map(|candidate| &candidate.applied);
        let differs = |(field, wanted): (&String, &serde_json::Value)| {
            let found = found?.get(field).filter(|found| !changes::same(found, wanted))?;
            Some(Difference { field: field.clone(), found: found.clone(), wanted: wanted.clone() })
        };
        let later = order.config.iter().filter_map(differs);
        details.extend(later.map(|difference| format!("{} once that is accepted", in_short(&difference))));
        self.add(Verb::Adopt, Weight::Changes, details);
        if s.aim.target == Target::Suspended {
            self.add(Verb::Suspend, Weight::Disturbs, holders(s));
        }
    }

    fn expect_create(&mut self, s: &Situation) {
        if s.is_bound() && s.service.spec.on_remote_missing == OnRemoteMissing::Hold {
            let id = s.remote().map(|remote| remote.id.as_str()).unwrap_or_default();
            let message = format!("remote {id} is gone; onRemoteMissing is Hold, so no new one is made");
            self.held = Some(Hold::new(reason::REMOTE_MISSING, message));
            self.stalled = true;
            return;
        }
        let Ok(order) = s.order else { return };
        let instance = s.facts().map(|facts| facts.name.as_str()).unwrap_or_default();
        let mut details = vec![format!("on {instance}, as Package {}", order.package)];
        details.extend(order.config.iter().map(|(key, value)| format!("{key}: {value}")));
        self.add(Verb::Create, Weight::Creates, details);
        if s.aim.target == Target::Suspended {
            self.add(Verb::Suspend, Weight::Disturbs, holders(s));
        }
    }

    fn expect_switch(&mut self, s: &Situation, present: Option<&Present>) {
        let suspended = present.map_or_else(
            || s.remote().is_some_and(|remote| remote.state == hostwright_crds::RemoteState::Suspended),
            |present| present.state == State::Suspended,
        );
        match s.aim.target {
            Target::Suspended if !suspended => self.add(Verb::Suspend, Weight::Disturbs, holders(s)),
            Target::Active if suspended && s.status.suspended_at.is_some() => {
                self.add(Verb::Unsuspend, Weight::Changes, vec!["no holder is left".to_owned()]);
            }
            _ => {}
        }
    }

    fn expect_scale(&mut self, s: &Situation, plugin: Option<&dyn Plugin>) -> bool {
        let differences = match scaling_of(s) {
            Scaling::Needed(differences) => differences,
            Scaling::NotChangeable(differences) => {
                let fields = changes::in_words(&differences, "now");
                let text = format!("{fields}; that counts only at creation, the old configuration stays");
                self.held = Some(Hold::new(reason::FIELD_NOT_CHANGEABLE, text));
                self.stalled = true;
                return false;
            }
            Scaling::Unneeded | Scaling::NotAccepted(..) | Scaling::NotConverging(_) => return false,
        };
        let change = |field: &str| plugin.and_then(|plugin| plugin.package_schema().field(field)).map(Field::change);
        let disturbs = differences.iter().any(|difference| change(&difference.field) == Some(Change::Disruptive));
        let weight = if disturbs { Weight::Disturbs } else { Weight::Changes };
        self.add(Verb::Scale, weight, differences.iter().map(in_short).collect());
        true
    }

    fn add(&mut self, verb: Verb, weight: Weight, details: Vec<String>) {
        self.effects.push(Effect { verb, weight, details });
    }

    /// Takes in what the provider says of a scale.
    fn learn(&mut self, told: &[hostwright_plugin::PlannedChange], allowed: bool) {
        let Some(scale) = self.effects.iter_mut().find(|effect| effect.verb == Verb::Scale) else { return };
        for change in told {
            let (weight, how) = match (change.destructive, change.disruptive) {
                (true, _) => (Weight::Destroys, ": data is lost"),
                (false, true) => (Weight::Disturbs, ": it is interrupted"),
                (false, false) => (Weight::Changes, ""),
            };
            scale.weight = scale.weight.max(weight);
            scale.details.push(format!("{}{how}", change.what));
        }
        if scale.weight == Weight::Destroys && !allowed {
            self.effects.retain(|effect| effect.verb != Verb::Scale);
            let lost: Vec<&str> =
                told.iter().filter(|change| change.destructive).map(|change| change.what.as_str()).collect();
            let text = format!("{}: data would be lost; set spec.allowDestructive true to let it", lost.join("; "));
            self.held = Some(Hold::new(reason::DESTRUCTIVE_CHANGE, text));
            self.stalled = true;
        }
    }

    /// Takes in what the provider has against an order.
    fn is_refused(&mut self, error: CallError) -> Result<(), CallError> {
        let (reason, stalled) = report::reason_of(error.class, &error.code);
        match error.class {
            Class::Unsupported => return Ok(()),
            Class::Invalid | Class::Capacity => {}
            _ => return Err(error),
        }
        self.effects.clear();
        self.held = Some(Hold::new(reason, error.message));
        self.stalled = stalled;
        Ok(())
    }
}

fn known_remote(s: &Situation) -> Option<String> {
    match s.look {
        Some(look) => look.present().map(|present| present.remote.id.clone()),
        None => s.remote().map(|remote| remote.id.clone()),
    }
}

fn holders(s: &Situation) -> Vec<String> {
    s.aim.holders.iter().map(|holder| report::held_by(s, holder)).collect()
}

fn in_short(difference: &Difference) -> String {
    let shown = |value: &serde_json::Value| if value.is_null() { "unset".to_owned() } else { value.to_string() };
    format!("{}: {} → {}", difference.field, shown(&difference.found), shown(&difference.wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hostwright_plugin::PlannedChange;

    fn scaling() -> Foreseen {
        let mut foreseen = Foreseen::default();
        foreseen.add(Verb::Scale, Weight::Changes, vec!["disk: 20 → 10".to_owned()]);
        foreseen
    }

    fn told(destructive: bool, disruptive: bool) -> PlannedChange {
        PlannedChange { what: "the disk changes".to_owned(), disruptive, destructive }
    }

    #[test]
    fn what_the_provider_says_of_a_change_counts_and_losing_data_needs_leave() {
        let rows = [
            (told(false, false), false, Some(Weight::Changes)),
            (told(false, true), false, Some(Weight::Disturbs)),
            (told(true, false), true, Some(Weight::Destroys)),
            (told(true, true), false, None),
        ];
        for (change, allowed, weight) in rows {
            let mut foreseen = scaling();
            foreseen.learn(std::slice::from_ref(&change), allowed);
            assert_eq!(foreseen.effects.first().map(|effect| effect.weight), weight, "{change:?}");
            assert_eq!((foreseen.stalled, foreseen.held.is_some()), (weight.is_none(), weight.is_none()));
        }
    }

    #[test]
    fn what_an_order_is_refused_for_holds_it_back_and_an_outage_is_no_answer() {
        let refused = |class| {
            let mut foreseen = scaling();
            foreseen.is_refused(CallError::new(class, "code", "no")).map(|()| foreseen)
        };
        let invalid = refused(Class::Invalid).unwrap();
        assert_eq!((invalid.effects.len(), invalid.held.unwrap().reason), (0, reason::PROVIDER_REFUSED));
        assert_eq!(refused(Class::Unsupported).unwrap(), scaling());
        assert!(refused(Class::Unavailable).is_err());
    }
}
