//! The units of limited packages: given out one after the other, before a provider is called.
//!
//! A unit is held by the record of a service, so everything that is taken can be counted from the cluster. Two that give
//! out units at the same time would count the same: whoever gives one out writes the promise into the status of the
//! instance first, fenced by its version, and the record comes after.

mod count;

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};

use hostwright_crds::{HostingService, Package, Promises, ProviderInstance, reason};
use kube::api::ListParams;
use kube::runtime::reflector::ObjectRef;
use kube::{Api, Resource as _, ResourceExt as _};

use self::count::{Customer, Limits, Tally, in_line, still_open};
use super::references;
use crate::context::{Context, Guarded};
use crate::kube::fenced::write_status_of;
use crate::kube::{WriteError, bounded};
use crate::providers::Hold;

/// How often a unit is asked for when others write the status at the same time.
const TRIES: usize = 4;
/// So many of those that wait are woken at once, when something may have become free.
const WOKEN: usize = 32;

/// What this process knows of the promises on an instance.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The last promise it gave; nobody else gave one where status says the same.
    sequence: Option<i64>,
    /// Those with a unit or a promise that were seen live, and that the cache does not show so yet.
    unseen: Vec<Customer>,
}

/// Takes a unit of a package for a service; false where nothing is limited, and nothing is written.
///
/// # Errors
/// What the service has to wait for.
pub async fn reserve(ctx: &Context, instance: &str, service: &HostingService, package: &str) -> Result<bool, Hold> {
    // What the cache shows to be taken stays so: hundreds may ask.
    if !seems_free(ctx, instance, service, package)? {
        return Ok(false);
    }
    promise(ctx, &service.uid().unwrap_or_default(), package, &packages_of(ctx, instance), instance).await?;
    Ok(true)
}

/// Whether a unit of a package is free, by the cache; false where nothing is limited.
///
/// # Errors
/// What the service has to wait for.
pub fn seems_free(ctx: &Context, instance: &str, service: &HostingService, package: &str) -> Result<bool, Hold> {
    let uid = service.uid().unwrap_or_default();
    let Some(cached) = cached_instance(ctx, instance) else { return Ok(false) };
    let packages = packages_of(ctx, instance);
    let limits = Limits { instance: &cached, packages: by_name(&packages) };
    if !limits.apply_to(package) {
        return Ok(false);
    }
    let customers = customers(&ctx.caches.services.state(), &limits);
    let open = still_open(&promises(&cached).open, &customers, true);
    if !open.contains_key(&uid) {
        limits.judge(&uid, package, &customers, &open)?;
    }
    Ok(true)
}

async fn promise(ctx: &Context, uid: &str, package: &str, packages: &[Package], instance: &str) -> Result<(), Hold> {
    let failed = |problem: &dyn std::fmt::Display| {
        let text = format!("Package {package}: the unit cannot be reserved, so this order waits: {problem}");
        Hold::new(reason::OUT_OF_STOCK, text)
    };
    let remembered = ctx.providers.memory.get(instance).ok_or_else(|| failed(&"the instance is not connected yet"))?;
    let mut known = remembered.promises.lock().await;
    let api: Api<ProviderInstance> = Api::all(ctx.client.clone());
    for _ in 0..TRIES {
        if !ctx.leadership.holds() {
            return Err(failed(&"another replica leads"));
        }
        let live = bounded(api.get(instance)).await.map_err(|problem| failed(&problem))?;
        let mut promises = promises(&live);
        if promises.open.get(uid).is_some_and(|promised| promised == package) {
            return Ok(());
        }
        let limits = Limits { instance: &live, packages: by_name(packages) };
        let Everybody { customers, live: is_live } =
            everybody(ctx, &limits, &promises, &mut known).await.map_err(|problem| failed(&problem))?;
        promises.open.remove(uid);
        promises.open = still_open(&promises.open, &customers, is_live);
        match limits.judge(uid, package, &customers, &promises.open) {
            // The cache may not show yet what has become free.
            Err(_) if !is_live => {
                known.sequence = None;
                continue;
            }
            verdict => verdict?,
        }
        if promises.open.len() >= Promises::MOST_OPEN {
            return Err(failed(&"many are being given out at this moment"));
        }
        promises.open.insert(uid.to_owned(), package.to_owned());
        promises.sequence = promises.sequence.saturating_add(1);
        let sequence = promises.sequence;
        let mut status = live.status.clone().unwrap_or_default();
        status.promises = Some(promises);
        match write_status_of(&ctx.client, &live, status).await {
            Ok(_) => {
                known.sequence = Some(sequence);
                return Ok(());
            }
            Err(WriteError::Conflict) => {}
            Err(problem) => return Err(failed(&problem)),
        }
    }
    Err(failed(&WriteError::Conflict))
}

/// Everybody who counts, and whether that is read live.
struct Everybody {
    customers: Vec<Customer>,
    live: bool,
}

/// Everybody who counts: from the cache where only this process gave out units and the cache has caught up, else live.
async fn everybody(
    ctx: &Context,
    limits: &Limits<'_>,
    promises: &Promises,
    known: &mut Known,
) -> Result<Everybody, WriteError> {
    let cached = customers(&ctx.caches.services.state(), limits);
    known.unseen.retain(|seen| !seen.is_shown_by(&cached));
    if known.sequence == Some(promises.sequence) && known.unseen.is_empty() {
        return Ok(Everybody { customers: cached, live: false });
    }
    let api: Api<Guarded<HostingService>> = Api::all(ctx.client.clone());
    let listed = bounded(api.list(&ListParams::default())).await?;
    let live = customers(&listed.items, limits);
    let counts = |customer: &&Customer| customer.is_recorded() || promises.open.contains_key(&customer.uid);
    known.unseen = live.iter().filter(counts).filter(|seen| !seen.is_shown_by(&cached)).cloned().collect();
    known.sequence = Some(promises.sequence);
    Ok(Everybody { customers: live, live: true })
}

/// How many have a unit of a package and how many wait for one, by the cache; None where nothing is limited.
pub fn tally(ctx: &Context, package: &Package) -> Option<(i32, i32)> {
    let instance = &package.spec.provider_instance_ref.name;
    let cached = cached_instance(ctx, instance)?;
    let packages = packages_of(ctx, instance);
    let limits = Limits { instance: &cached, packages: by_name(&packages) };
    if !limits.apply_to(&package.name_any()) {
        return None;
    }
    let customers = customers(&ctx.caches.services.state(), &limits);
    let open = still_open(&promises(&cached).open, &customers, true);
    let Tally { taken, waiting } = limits.tally(&package.name_any(), &customers, &open);
    Some((taken, waiting))
}

/// Wakes those who wait longest for a unit on an instance: something may have become free.
pub fn wake_those_who_wait(ctx: &Context, instance: &str) {
    let Some(cached) = cached_instance(ctx, instance) else { return };
    let packages = packages_of(ctx, instance);
    let limits = Limits { instance: &cached, packages: by_name(&packages) };
    if !packages.iter().any(|package| limits.apply_to(&package.name_any())) {
        return;
    }
    let services = ctx.caches.services.state();
    let is_turned_away = |service: &Guarded<HostingService>| service.0.as_ref().is_ok_and(count::is_turned_away);
    // Many may end at once, and each asks: counting takes time, and where nobody waits there is nothing to count.
    if !services.iter().any(|service| is_turned_away(service)) {
        return;
    }
    let (customers, open) = (customers(&services, &limits), promises(&cached).open);
    let next: HashSet<&str> = in_line(&customers, &open).take(WOKEN).map(|customer| customer.uid.as_str()).collect();
    let is_next = |service: &Guarded<HostingService>| service.uid().is_some_and(|uid| next.contains(uid.as_str()));
    let moves = |service: &Guarded<HostingService>| {
        let record = || references::record(service.meta());
        is_turned_away(service) && record().is_some_and(|record| record.instance == instance)
    };
    for service in services.iter().filter(|service| is_next(service) || moves(service)) {
        // Fails only while the process ends.
        let _ = ctx.wakers.services.send(ObjectRef::from_obj(service.as_ref()));
    }
}

fn customers<'a>(
    services: impl IntoIterator<Item = &'a (impl Borrow<Guarded<HostingService>> + 'a)>,
    limits: &Limits,
) -> Vec<Customer> {
    services.into_iter().filter_map(|service| Customer::of(service.borrow(), limits)).collect()
}

fn promises(instance: &ProviderInstance) -> Promises {
    instance.status.as_ref().and_then(|status| status.promises.clone()).unwrap_or_default()
}

fn cached_instance(ctx: &Context, name: &str) -> Option<ProviderInstance> {
    ctx.caches.instances.get(&ObjectRef::new(name))?.0.as_ref().ok().cloned()
}

fn packages_of(ctx: &Context, instance: &str) -> Vec<Package> {
    let packages = ctx.caches.packages.state().into_iter();
    let readable = packages.filter_map(|package| package.0.as_ref().ok().cloned());
    readable.filter(|package| package.spec.provider_instance_ref.name == instance).collect()
}

fn by_name(packages: &[Package]) -> HashMap<String, &Package> {
    packages.iter().map(|package| (package.name_any(), package)).collect()
}
