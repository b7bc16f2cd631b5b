//! The driver of Packages: *resolve → validate → report*. A package calls nothing; it says whether it can be ordered.

mod form;
mod rollout;
mod turns;
mod validate;
mod variants;

use std::sync::Arc;
use std::time::Duration;

use hostwright_crds::{Package, PackageStatus, ProviderInstance, condition, reason};
use hostwright_plugin::Plugin;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;
use kube::runtime::controller::Action;
use kube::runtime::reflector::ObjectRef;

pub use form::{Form, context};
pub use rollout::keeps_what_it_has;
pub use turns::Turns;
pub use validate::{Problem, check, overdue, typed};
pub use variants::{listed, value_of};

use crate::context::{Context, Guarded};
use crate::instance;
use crate::kube::WriteError;
use crate::kube::fenced::write_status_of;
use crate::providers::{Hold, Providers};
use rollout::Census;

/// How often a package looks for an instance or a plugin that is not there.
const LOOK_FOR_INSTANCE: Duration = Duration::from_secs(2);
/// How often it looks whether they are still there.
const LOOK_AGAIN: Duration = Duration::from_mins(1);
/// How often the units of a limited package are counted: soon enough for a person, and far less often than orders come.
const COUNT_AGAIN: Duration = Duration::from_secs(10);

/// How often those are found whose turn has come, while an edit reaches the services.
const ROLL_ON: Duration = Duration::from_secs(2);

/// Why a pass failed; it is repeated.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the status of the Package: {0}")]
pub struct Error(#[from] WriteError);

/// Says of one Package whether it can be ordered.
///
/// # Errors
/// When that could not be written down.
pub async fn reconcile(seen: Arc<Guarded<Package>>, ctx: Arc<Context>) -> Result<Action, Error> {
    let package = match &seen.0 {
        Ok(package) => package,
        Err(invalid) => {
            let name = invalid.metadata.name.as_deref().unwrap_or_default();
            tracing::warn!(package = name, error = invalid.error, "a Package cannot be read; it is left as it is");
            return Ok(Action::await_change());
        }
    };
    // A package that is judged before the others are known would be called wrong, or done. Fails only while the process ends.
    for mut listed in [ctx.caches.instances_listed.clone(), ctx.caches.services_listed.clone()] {
        if listed.wait_for(|listed| *listed).await.is_err() {
            return Ok(Action::await_change());
        }
    }
    // resolve (cluster): from the cache
    let provider = ctx.caches.instances.get(&ObjectRef::new(&package.spec.provider_instance_ref.name));
    let provider = provider.as_ref().and_then(|provider| provider.0.as_ref().ok());
    // validate (pure)
    let judged = judge(package, provider, &ctx.providers).map(|plugin| census(package, plugin.as_ref(), &ctx));
    // report
    let before = package.status.clone().unwrap_or_default();
    let mut status = fold(package, &judged, ctx.clock.now());
    let counted = instance::tally(&ctx, package);
    (status.taken, status.waiting) = counted.unzip();
    if counted.is_some() {
        instance::wake_those_who_wait(&ctx, &package.spec.provider_instance_ref.name);
    }
    if status != before && ctx.leadership.holds() {
        write_status_of(&ctx.client, package, status).await?;
    }
    give_turns(package, judged.as_ref().ok(), &ctx);
    Ok(Action::requeue(next_pass(&judged, counted.is_some())))
}

/// Where the services of a package stand, by the cache.
fn census(package: &Package, plugin: &dyn Plugin, ctx: &Context) -> Census {
    let services = ctx.caches.services.state();
    Census::of(package, plugin, services.iter().filter_map(|service| service.0.as_ref().ok()))
}

/// Lets services follow the package as it is now. One that is not usable is followed by none.
fn give_turns(package: &Package, census: Option<&Census>, ctx: &Context) {
    let before = ctx.turns.of(package);
    let turns = census.map(|census| census.turns(&before)).unwrap_or_default();
    ctx.turns.give(package, turns.clone());
    if turns.is_empty() {
        return;
    }
    for service in ctx.caches.services.state() {
        if service.uid().is_some_and(|uid| turns.contains(&uid)) {
            // Fails only while the process ends.
            let _ = ctx.wakers.services.send(ObjectRef::from_obj(service.as_ref()));
        }
    }
}

/// A change of the instance wakes no package, and looking into the cache costs nothing.
fn next_pass(judged: &Result<Census, Hold>, limited: bool) -> Duration {
    match judged {
        Err(hold) if hold.reason != reason::PACKAGE_INVALID => LOOK_FOR_INSTANCE,
        Ok(census) if census.is_rolling() => ROLL_ON,
        _ if limited => COUNT_AGAIN,
        _ => LOOK_AGAIN,
    }
}

/// Why a package cannot be ordered, or the plugin that provides it.
fn judge(
    package: &Package,
    instance: Option<&ProviderInstance>,
    providers: &Providers,
) -> Result<Arc<dyn Plugin>, Hold> {
    let wanted = &package.spec.provider_instance_ref.name;
    let instance = instance.ok_or_else(|| {
        let text =
            format!("spec.providerInstanceRef.name: there is no ProviderInstance {wanted}; see `kubectl get hinst`");
        Hold::new(reason::INSTANCE_NOT_FOUND, text)
    })?;
    let slug = &instance.spec.plugin_ref.name;
    let plugin = providers.plugin(slug).ok_or_else(|| {
        let text = format!(
            "ProviderInstance {wanted}: spec.pluginRef.name: there is no plugin {slug}; see `kubectl get hplug`"
        );
        Hold::new(reason::PLUGIN_NOT_FOUND, text)
    })?;
    validate::check(plugin.package_schema(), &package.spec)
        .and_then(|()| validate::overdue(package.spec.overdue.as_ref()))
        .and_then(|()| Form::of(plugin.as_ref(), &package.spec).map(drop))
        .map_err(|problems| Hold::new(reason::PACKAGE_INVALID, problems.join("; ")))?;
    Ok(plugin)
}

fn fold(package: &Package, judged: &Result<Census, Hold>, now: Timestamp) -> PackageStatus {
    let mut status = package.status.clone().unwrap_or_default();
    let generation = package.metadata.generation.unwrap_or_default();
    let told = |kind, holds: bool, why: &Hold| {
        let status = if holds { "True" } else { "False" };
        condition::new(kind, status, why.reason, why.message.as_str(), generation, now)
    };
    let (ready, rolled_out) = match judged {
        Ok(census) => {
            let provider = format!("provided by {}", package.spec.provider_instance_ref.name);
            let (is_rolled_out, why) = census.verdict();
            let ready = told(condition::READY, true, &Hold::new(reason::READY, provider));
            (ready, told(condition::ROLLED_OUT, is_rolled_out, &why))
        }
        Err(hold) => {
            let why = Hold::new(hold.reason, "its services keep what they have until it can be ordered");
            (told(condition::READY, false, hold), told(condition::ROLLED_OUT, false, &why))
        }
    };
    // An instance that is missing may be about to be applied; a package that is wrong stays so until it is edited.
    let stalled = ready.reason == reason::PACKAGE_INVALID;
    let stalls = Condition { type_: condition::STALLED.to_owned(), status: "True".to_owned(), ..ready.clone() };
    condition::set(&mut status.conditions, ready);
    condition::set(&mut status.conditions, rolled_out);
    status.rollout = judged.as_ref().ok().and_then(Census::status);
    condition::set_while(stalled, &mut status.conditions, stalls);
    status.observed_generation = Some(generation);
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::sample::Sample;
    use hostwright_crds::{NameRef, Overdue};
    use hostwright_plugin::Plugin;
    use serde_json::json;

    fn package(provisioning: serde_json::Value) -> Package {
        let serde_json::Value::Object(provisioning) = provisioning else { panic!("an object") };
        let mut package = Package::default();
        package.metadata.generation = Some(2);
        package.spec.provider_instance_ref = NameRef::to("panel-eu");
        package.spec.provisioning = provisioning;
        package
    }

    fn instance(plugin: &str) -> ProviderInstance {
        let mut instance = ProviderInstance::default();
        instance.spec.plugin_ref = NameRef::to(plugin);
        instance
    }

    #[test]
    fn a_package_that_cannot_be_ordered_says_what_is_wrong() {
        let providers = Providers::new([Arc::new(Sample::new()) as Arc<dyn Plugin>]);
        let (known, unknown) = (instance("sample"), instance("other"));
        let rows = [
            (None, reason::INSTANCE_NOT_FOUND, "there is no ProviderInstance panel-eu"),
            (Some(&unknown), reason::PLUGIN_NOT_FOUND, "there is no plugin other"),
            (Some(&known), reason::PACKAGE_INVALID, "spec.provisioning.memroy: unknown field, did you mean memory?"),
        ];
        for (instance, reason, part) in rows {
            let hold = judge(&package(json!({"memroy": 1})), instance, &providers).err().unwrap();
            assert_eq!(hold.reason, reason);
            assert!(hold.message.contains(part), "{}", hold.message);
        }
    }

    #[test]
    fn a_package_that_ends_before_it_suspends_says_so() {
        let providers = Providers::new([Arc::new(Sample::new()) as Arc<dyn Plugin>]);
        let judged = |suspend: &str, terminate: &str| {
            let mut package = package(json!({"memory": 4096}));
            package.spec.overdue =
                Some(Overdue { suspend_after: suspend.parse().ok(), terminate_after: terminate.parse().ok() });
            judge(&package, Some(&instance("sample")), &providers).err()
        };
        assert!(judged("3d", "72h").is_none() && judged("3d", "10d").is_none());
        let hold = judged("3d", "71h").unwrap();
        assert_eq!(hold.reason, reason::PACKAGE_INVALID);
        assert_eq!(
            hold.message,
            "spec.overdue.terminateAfter: found 71h, which is less than the 72h of suspendAfter; both count from paidUntil"
        );
    }

    #[test]
    fn a_later_pass_that_found_the_same_writes_nothing() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut seen = package(json!({}));
        let judged = Ok(Census::of(&seen, &Sample::new(), []));
        let first = fold(&seen, &judged, at(1));
        seen.status = Some(first.clone());
        assert_eq!(fold(&seen, &judged, at(2)), first);
        assert_eq!(first.observed_generation, Some(2));
    }

    #[test]
    fn only_a_package_that_is_wrong_itself_waits_for_an_edit() {
        let stalled = |hold: Option<&'static str>| {
            let package = package(json!({}));
            let found = || Ok(Census::of(&package, &Sample::new(), []));
            let judged = hold.map_or_else(found, |reason| Err(Hold::new(reason, "why")));
            let status = fold(&package, &judged, Timestamp::UNIX_EPOCH);
            condition::is_true(&status.conditions, condition::STALLED)
        };
        assert!(stalled(Some(reason::PACKAGE_INVALID)));
        assert!(!stalled(Some(reason::INSTANCE_NOT_FOUND)) && !stalled(None));
    }
}
