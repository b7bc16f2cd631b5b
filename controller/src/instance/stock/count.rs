//! Who has a unit of a limited package, and who is next. Pure.
//!
//! Everything is counted from the services themselves: a record that has not ended holds a unit of the package it was
//! ordered under. Whoever has none yet waits in the order of creation; one that is turned away for a reason of its own
//! blocks nobody.

use std::collections::{BTreeMap, HashMap};

use hostwright_crds::{
    DesiredStatus, HostingService, Identity, OwnerScope, Package, ProviderInstance, condition, reason,
};
use k8s_openapi::jiff::Timestamp;
use kube::{Resource as _, ResourceExt as _};

use super::super::references;
use crate::context::Guarded;
use crate::providers::Hold;

/// The reasons for which a service waits in line, or with its old package for another one.
const IN_LINE: [&str; 3] = [reason::OUT_OF_STOCK, reason::OWNER_LIMIT_REACHED, reason::INSTANCE_FULL];

/// A service, as far as it matters who has a unit and who is next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Customer {
    pub(super) uid: String,
    /// Who counts as one owner.
    owner: String,
    /// The packages of which it has a unit: two while it changes from one to the other.
    held: Vec<String>,
    /// Whether it has a record, be it one that ended.
    recorded: bool,
    /// The package in its spec.
    orders: Option<String>,
    /// The same, where it has no unit and nothing is in its way but limits.
    wants: Option<String>,
    /// Its place among those that wait.
    place: (Option<Timestamp>, String),
}

impl Customer {
    /// Reads it off a service; None where the service has nothing to do with the instance.
    pub(super) fn of(service: &Guarded<HostingService>, limits: &Limits) -> Option<Self> {
        let record = references::record(service.meta());
        let readable = service.0.as_ref().ok();
        let held = match &record {
            Some(record) if record.instance == limits.instance.name_any() => held(record, readable),
            Some(_) => return None,
            None => Vec::new(),
        };
        let orders = readable.map(|service| &service.spec.package_ref.name);
        let orders = orders.filter(|package| limits.packages.contains_key(*package));
        (!held.is_empty() || orders.is_some()).then(|| Self {
            uid: service.uid().unwrap_or_default(),
            owner: readable.map(|service| owner(service, limits.instance.spec.owner_scope)).unwrap_or_default(),
            recorded: record.is_some(),
            orders: orders.cloned(),
            wants: orders.filter(|_| record.is_none() && readable.is_some_and(waits)).cloned(),
            held,
            place: (
                service.creation_timestamp().map(|created| created.0),
                format!("{}/{}", service.namespace().unwrap_or_default(), service.name_any()),
            ),
        })
    }

    /// Whether it waits in line.
    pub(super) fn waits(&self) -> bool {
        self.wants.is_some()
    }

    /// Whether its record is written.
    pub(super) fn is_recorded(&self) -> bool {
        self.recorded
    }

    /// Whether these show it with everything it has: no older than this is.
    pub(super) fn is_shown_by(&self, customers: &[Self]) -> bool {
        let catches_up = |other: &&Self| {
            other.uid == self.uid
                && (other.recorded || !self.recorded)
                && self.held.iter().all(|package| other.held.contains(package))
        };
        customers.iter().any(|other| catches_up(&other))
    }

    /// Whether a promise to it may still become a unit that its record holds.
    fn awaits(&self, package: &str, live: bool) -> bool {
        let shown = self.held.iter().any(|held| held == package);
        let ended = self.recorded && self.held.is_empty();
        // A record is written on the version that was read: after a change of the order it cannot be any more.
        let changed = live && self.orders.as_deref() != Some(package);
        !shown && !ended && !changed
    }
}

/// What a record holds. What was applied is what it has; the package of the record stands in before that. The one it
/// changes to counts until the record says otherwise: nobody else may be given it while a change may still take effect.
fn held(record: &Identity, service: Option<&HostingService>) -> Vec<String> {
    if record.ended.is_some() {
        return Vec::new();
    }
    let status = service.and_then(|service| service.status.as_ref());
    let applied = status.and_then(|status| status.last_applied.as_ref()).map(|last| last.package.clone());
    let ordered = || service.map(|service| service.spec.package_ref.name.clone());
    let first = applied.or_else(|| record.package.clone()).or_else(ordered);
    let mut held: Vec<String> = first.into_iter().chain(record.changed_to.clone()).collect();
    held.dedup();
    held
}

fn owner(service: &HostingService, scope: OwnerScope) -> String {
    match scope {
        OwnerScope::Namespace => format!("{}/{}", service.namespace().unwrap_or_default(), service.spec.owner.id),
        OwnerScope::Installation => service.spec.owner.id.clone(),
    }
}

/// Whether a limit keeps it from the package it orders, by what its status says.
pub(super) fn is_turned_away(service: &HostingService) -> bool {
    let conditions = service.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let accepted = condition::find(conditions, condition::ACCEPTED);
    accepted.is_some_and(|accepted| accepted.status == "False" && IN_LINE.contains(&accepted.reason.as_str()))
}

/// Whether nothing but a limit keeps a service without a record from being made, as far as it is known.
fn waits(service: &HostingService) -> bool {
    let status = service.status.as_ref();
    let judged = status.filter(|status| status.observed_generation == service.metadata.generation);
    let accepted = judged.and_then(|status| condition::find(&status.conditions, condition::ACCEPTED));
    let refused = accepted.is_some_and(|accepted| accepted.status == "False") && !is_turned_away(service);
    let wanted =
        service.spec.desired_status != DesiredStatus::Terminated && service.metadata.deletion_timestamp.is_none();
    let known = status.is_some_and(|status| status.external_id.is_some());
    wanted && !service.is_paused() && !refused && !known
}

/// The limits of an instance and of its packages.
pub(super) struct Limits<'a> {
    pub(super) instance: &'a ProviderInstance,
    /// By name.
    pub(super) packages: HashMap<String, &'a Package>,
}

/// How many have a unit of a package, and how many wait for one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) taken: i32,
    pub(super) waiting: i32,
}

impl Limits<'_> {
    /// Whether a unit of this package can be refused at all.
    pub(super) fn apply_to(&self, package: &str) -> bool {
        let limited = |package: &&Package| package.spec.stock.is_some() || package.spec.limit_per_owner.is_some();
        self.instance.spec.limits.max_services.is_some() || self.packages.get(package).is_some_and(limited)
    }

    /// Whether this service may have a unit of this package now. `promised` are packages by UID.
    ///
    /// # Errors
    /// What it waits for.
    pub(super) fn judge(
        &self,
        uid: &str,
        package: &str,
        customers: &[Customer],
        promised: &BTreeMap<String, String>,
    ) -> Result<(), Hold> {
        let mut counter = Counter::of(self, customers, promised);
        for customer in in_line(customers, promised) {
            let verdict = counter.take(customer, customer.wants.as_deref().unwrap_or_default());
            if customer.uid == uid {
                return verdict;
            }
        }
        // One that changes its package comes after those that have nothing yet.
        match customers.iter().find(|customer| customer.uid == uid) {
            Some(customer) => counter.take(customer, package),
            None => Err(Hold::new(reason::OUT_OF_STOCK, format!("Package {package}: this order is not seen yet"))),
        }
    }

    /// Counts one package.
    pub(super) fn tally(&self, package: &str, customers: &[Customer], promised: &BTreeMap<String, String>) -> Tally {
        let counter = Counter::of(self, customers, promised);
        let waiting =
            in_line(customers, promised).filter(|customer| customer.wants.as_deref() == Some(package)).count();
        Tally {
            taken: counter.units.get(package).copied().unwrap_or_default(),
            waiting: i32::try_from(waiting).unwrap_or(i32::MAX),
        }
    }
}

/// The promises that still count, by UID. `live`: the services are no older than the promises.
pub(super) fn still_open(
    promised: &BTreeMap<String, String>,
    customers: &[Customer],
    live: bool,
) -> BTreeMap<String, String> {
    let awaited = |(uid, package): &(&String, &String)| {
        customers.iter().any(|customer| customer.uid == **uid && customer.awaits(package, live))
    };
    promised.iter().filter(awaited).map(|(uid, package)| (uid.clone(), package.clone())).collect()
}

/// Those who wait, oldest first.
pub(super) fn in_line<'a>(
    customers: &'a [Customer],
    promised: &'a BTreeMap<String, String>,
) -> impl Iterator<Item = &'a Customer> {
    let mut waiting: Vec<&Customer> =
        customers.iter().filter(|customer| customer.waits() && !promised.contains_key(&customer.uid)).collect();
    waiting.sort_by(|one, other| one.place.cmp(&other.place));
    waiting.into_iter()
}

/// What is taken while units are given out one after the other.
struct Counter<'a> {
    limits: &'a Limits<'a>,
    units: HashMap<String, i32>,
    of_owner: HashMap<(String, String), i32>,
    services: i32,
    /// How many were turned away before, by reason and what they waited for.
    turned_away: HashMap<(&'static str, String), i32>,
}

impl<'a> Counter<'a> {
    fn of(limits: &'a Limits<'a>, customers: &[Customer], promised: &BTreeMap<String, String>) -> Self {
        let mut counter =
            Self { limits, units: HashMap::new(), of_owner: HashMap::new(), services: 0, turned_away: HashMap::new() };
        for customer in customers {
            let promise = promised.get(&customer.uid).filter(|package| !customer.held.contains(package));
            for package in customer.held.iter().chain(promise) {
                counter.add(customer, package);
            }
            counter.services += i32::from(!customer.held.is_empty() || promise.is_some());
        }
        counter
    }

    fn add(&mut self, customer: &Customer, package: &str) {
        *self.units.entry(package.to_owned()).or_default() += 1;
        *self.of_owner.entry((package.to_owned(), customer.owner.clone())).or_default() += 1;
    }

    /// Gives a unit to a customer, or says what it waits for.
    fn take(&mut self, customer: &Customer, package: &str) -> Result<(), Hold> {
        if customer.held.iter().any(|held| held == package) {
            return Ok(());
        }
        let spec = self.limits.packages.get(package).map(|package| &package.spec);
        let of_owner = self.of_owner.get(&(package.to_owned(), customer.owner.clone())).copied().unwrap_or_default();
        if let Some(limit) = spec.and_then(|spec| spec.limit_per_owner).filter(|limit| of_owner >= *limit) {
            let owner = customer.owner.rsplit('/').next().unwrap_or_default();
            let text = format!("Package {package}: owner {owner} has {of_owner} of it, spec.limitPerOwner is {limit}");
            return Err(Hold::new(reason::OWNER_LIMIT_REACHED, text));
        }
        let units = self.units.get(package).copied().unwrap_or_default();
        if let Some(stock) = spec.and_then(|spec| spec.stock).filter(|stock| units >= *stock) {
            let ahead = self.turn_away(reason::OUT_OF_STOCK, package);
            let text = format!("Package {package}: {units} of {stock} in stock are taken; {ahead}");
            return Err(Hold::new(reason::OUT_OF_STOCK, text));
        }
        let is_new = customer.held.is_empty();
        let (services, name) = (self.services, self.limits.instance.name_any());
        if let Some(most) = self.limits.instance.spec.limits.max_services.filter(|most| is_new && services >= *most) {
            let ahead = self.turn_away(reason::INSTANCE_FULL, "");
            let text =
                format!("ProviderInstance {name} has {services} services, limits.maxServices is {most}; {ahead}");
            return Err(Hold::new(reason::INSTANCE_FULL, text));
        }
        self.add(customer, package);
        self.services += i32::from(is_new);
        Ok(())
    }

    /// Counts it, and says how many are ahead of it.
    fn turn_away(&mut self, reason: &'static str, package: &str) -> String {
        let before = self.turned_away.entry((reason, package.to_owned())).or_default();
        let ahead = *before;
        *before += 1;
        match ahead {
            0 => "this service is the next".to_owned(),
            1 => "one other waits ahead of this service".to_owned(),
            many => format!("{many} others wait ahead of this service"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hostwright_crds::{HostingServiceStatus, LastApplied, NameRef};

    fn package(stock: Option<i32>, limit_per_owner: Option<i32>) -> Package {
        let mut package = Package::default();
        package.spec.stock = stock;
        package.spec.limit_per_owner = limit_per_owner;
        package
    }

    fn limits<'a>(instance: &'a ProviderInstance, packages: &[(&str, &'a Package)]) -> Limits<'a> {
        Limits { instance, packages: packages.iter().map(|(name, package)| ((*name).to_owned(), *package)).collect() }
    }

    fn instance(most: Option<i32>) -> ProviderInstance {
        let mut instance = ProviderInstance::default();
        instance.metadata.name = Some("panel-eu".into());
        instance.spec.limits.max_services = most;
        instance
    }

    fn buyer(name: &str, created: i64, owner: &str, wants: &str) -> Customer {
        Customer {
            uid: name.into(),
            owner: format!("customers/{owner}"),
            orders: Some(wants.into()),
            wants: Some(wants.into()),
            place: (Timestamp::from_second(created).ok(), format!("customers/{name}")),
            ..Customer::default()
        }
    }

    fn having(name: &str, held: &[&str]) -> Customer {
        let held = held.iter().map(|package| (*package).to_owned()).collect();
        Customer { held, recorded: true, wants: None, ..buyer(name, 0, name, "") }
    }

    /// Reason and message of each.
    fn verdicts(limits: &Limits, customers: &[Customer], promised: &BTreeMap<String, String>) -> Vec<String> {
        let waiting: Vec<&Customer> = in_line(customers, promised).collect();
        let judged = waiting.iter().map(|customer| {
            let package = customer.wants.as_deref().unwrap();
            match limits.judge(&customer.uid, package, customers, promised) {
                Ok(()) => format!("{} yes", customer.uid),
                Err(hold) => format!("{} {}", customer.uid, hold.reason),
            }
        });
        judged.collect()
    }

    #[test]
    fn units_go_to_the_oldest_and_the_others_are_told_how_many_are_ahead() {
        let (instance, small) = (instance(None), package(Some(2), None));
        let limits = limits(&instance, &[("small", &small)]);
        let customers = [
            having("first", &["small"]),
            buyer("d", 40, "d", "small"),
            buyer("c", 30, "c", "small"),
            buyer("b", 20, "b", "small"),
            buyer("also-b", 20, "x", "small"),
        ];
        let none = BTreeMap::new();
        let expected = ["also-b yes", "b OutOfStock", "c OutOfStock", "d OutOfStock"];
        assert_eq!(verdicts(&limits, &customers, &none), expected);
        let told = |uid: &str| limits.judge(uid, "small", &customers, &none).unwrap_err().message;
        assert_eq!(told("b"), "Package small: 2 of 2 in stock are taken; this service is the next");
        assert_eq!(told("c"), "Package small: 2 of 2 in stock are taken; one other waits ahead of this service");
        assert_eq!(told("d"), "Package small: 2 of 2 in stock are taken; 2 others wait ahead of this service");
        assert_eq!(limits.tally("small", &customers, &none), Tally { taken: 1, waiting: 4 });
    }

    #[test]
    fn a_promise_counts_until_the_record_shows_it_and_once() {
        let (instance, small) = (instance(None), package(Some(2), None));
        let limits = limits(&instance, &[("small", &small)]);
        let promised = BTreeMap::from([("a".to_owned(), "small".to_owned()), ("b".to_owned(), "small".to_owned())]);
        let customers = [having("a", &["small"]), buyer("b", 2, "b", "small"), buyer("c", 1, "c", "small")];
        assert_eq!(verdicts(&limits, &customers, &promised), ["c OutOfStock"]);
        assert_eq!(limits.tally("small", &customers, &promised), Tally { taken: 2, waiting: 1 });
    }

    #[test]
    fn a_promise_is_open_until_the_record_shows_it_or_cannot_any_more() {
        let to = |package: &str| Some(package.to_owned());
        let moving = |orders| Customer { orders: to(orders), ..having("a", &["small"]) };
        let rows = [
            ("not recorded yet", buyer("a", 1, "a", "large"), true, true),
            ("orders something else", buyer("a", 1, "a", "small"), true, false),
            ("changes to it", moving("large"), true, true),
            ("changed its mind", moving("small"), true, false),
            ("shows it", having("a", &["small", "large"]), false, false),
            ("ended", having("a", &[]), false, false),
            ("gone", buyer("b", 1, "a", "large"), false, false),
        ];
        let promised = BTreeMap::from([("a".to_owned(), "large".to_owned())]);
        for (what, customer, cached, live) in rows {
            let customers = [customer];
            assert_eq!(still_open(&promised, &customers, false).len(), usize::from(cached), "{what}, by the cache");
            assert_eq!(still_open(&promised, &customers, true).len(), usize::from(live), "{what}, live");
        }
    }

    #[test]
    fn a_cache_has_caught_up_when_it_shows_every_unit_and_every_promise_that_was_seen() {
        let ordered = || buyer("a", 1, "a", "small");
        let rows = [
            ("promised, and not there yet", ordered(), vec![], false),
            ("promised, and there", ordered(), vec![ordered()], true),
            ("recorded, and still without a record", having("a", &["small"]), vec![ordered()], false),
            (
                "changing, and still without the other package",
                having("a", &["small", "large"]),
                vec![having("a", &["small"])],
                false,
            ),
            ("changing, and shown so", having("a", &["small", "large"]), vec![having("a", &["small", "large"])], true),
            ("ended", having("a", &[]), vec![having("a", &[])], true),
        ];
        for (what, seen, cached, expected) in rows {
            assert_eq!(seen.is_shown_by(&cached), expected, "{what}");
        }
    }

    #[test]
    fn an_owner_at_the_limit_blocks_nobody_else() {
        let (instance, small) = (instance(None), package(Some(2), Some(1)));
        let limits = limits(&instance, &[("small", &small)]);
        let customers = [
            buyer("a", 1, "alice", "small"),
            buyer("b", 2, "alice", "small"),
            buyer("c", 3, "carol", "small"),
            buyer("d", 4, "dora", "small"),
        ];
        let expected = ["a yes", "b OwnerLimitReached", "c yes", "d OutOfStock"];
        assert_eq!(verdicts(&limits, &customers, &BTreeMap::new()), expected);
        let hold = limits.judge("b", "small", &customers, &BTreeMap::new()).unwrap_err();
        assert_eq!(hold.message, "Package small: owner alice has 1 of it, spec.limitPerOwner is 1");
    }

    #[test]
    fn an_instance_fills_over_all_its_packages_and_a_change_of_package_adds_no_service() {
        let (instance, small, large) = (instance(Some(2)), package(None, None), package(Some(1), None));
        let limits = limits(&instance, &[("small", &small), ("large", &large)]);
        let customers =
            [having("a", &["small"]), buyer("b", 2, "b", "small"), buyer("c", 3, "c", "large"), having("e", &[])];
        assert_eq!(verdicts(&limits, &customers, &BTreeMap::new()), ["b yes", "c InstanceFull"]);
        assert!(limits.judge("a", "large", &customers, &BTreeMap::new()).is_ok(), "a change");
        let taken = [having("a", &["small"]), having("b", &["large"])];
        let hold = limits.judge("a", "large", &taken, &BTreeMap::new()).unwrap_err();
        assert_eq!(hold.reason, reason::OUT_OF_STOCK);
    }

    #[test]
    fn a_record_holds_what_was_applied_and_what_it_changes_to() {
        let record = |changed_to: Option<&str>| Identity {
            external_id: String::new(),
            for_object: String::new(),
            uid: String::new(),
            instance: "panel-eu".into(),
            remote_identity: String::new(),
            owner: String::new(),
            package: Some("small".into()),
            paid_until: None,
            changed_to: changed_to.map(Into::into),
            ended: None,
            carried: None,
        };
        let service = |ordered: &str, applied: Option<&str>| {
            let mut service = HostingService::default();
            service.spec.package_ref = NameRef::to(ordered);
            let last_applied = applied.map(|name| LastApplied { package: name.into(), ..LastApplied::default() });
            service.status = Some(HostingServiceStatus { last_applied, ..HostingServiceStatus::default() });
            service
        };
        let rows = [
            (None, service("small", None), vec!["small"]),
            (None, service("large", Some("small")), vec!["small"]),
            (Some("large"), service("large", Some("small")), vec!["small", "large"]),
            (Some("large"), service("small", Some("small")), vec!["small", "large"]),
            (Some("large"), service("large", Some("large")), vec!["large"]),
            (Some("large"), service("large", None), vec!["small", "large"]),
        ];
        for (changed_to, service, expected) in rows {
            assert_eq!(held(&record(changed_to), Some(&service)), expected, "{changed_to:?} {:?}", service.status);
        }
        let ended = Identity { ended: Some("2026-01-01T00:00:00Z".into()), ..record(None) };
        assert!(held(&ended, Some(&service("small", Some("small")))).is_empty());
    }
}
