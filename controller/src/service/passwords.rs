//! The passwords of a checkout: read live right before a create needs them, kept for that pass, and nowhere else. Ending,
//! suspending, scaling and a settled service never read one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hostwright_crds::{CHECKOUT_LABEL, SecretKeyRef, Verb, reason};
use hostwright_plugin::Secret;
use k8s_openapi::api::core::v1::Secret as KubeSecret;
use kube::{Api, ResourceExt as _};

use super::checkout;
use super::execute;
use super::memory::NoPasswords;
use super::order::Order;
use super::pass::Pass;
use super::plan::Step;
use crate::kube::{NoValue, WriteError, bounded, value_of};
use crate::providers::Hold;

/// The first pause between two looks for what is missing. Nothing watches the Secrets of customers.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// The longest one.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// Takes up an order again that lacked its passwords, before anything is asked of the provider for it.
pub(super) async fn look_again(pass: &mut Pass) -> Result<(), WriteError> {
    let Some(known) = pass.remembered().no_passwords else { return Ok(()) };
    let concerned = pass.status.operation.is_none() && pass.expected_verb() == Verb::Create;
    if !concerned || pass.order.as_ref().map(|order| &order.digest) != Ok(&known.digest) {
        return Ok(());
    }
    if matches!(pass.plan(), Step::Wait(_) | Step::Release(_)) {
        pass.order = Err(known.hold);
        return Ok(());
    }
    are_missing(pass).await.map(drop)
}

/// Reads what the order needs, once a pass. True when it cannot be used: then the order is held, and there is to be planned
/// again.
pub(super) async fn are_missing(pass: &mut Pass) -> Result<bool, WriteError> {
    let order = match &pass.order {
        Ok(order) if !order.passwords.is_empty() && pass.passwords.is_none() => order.clone(),
        _ => return Ok(false),
    };
    let uid = pass.uid().to_owned();
    let known = pass.remembered().no_passwords.filter(|known| known.digest == order.digest);
    if let Some(known) = &known
        && known.due > pass.ctx.clock.now()
        && pass.request().is_none()
    {
        hold(pass, known);
        return Ok(true);
    }
    match read(pass, &order).await? {
        Ok(passwords) => {
            pass.passwords = Some(passwords);
            pass.ctx.memory.update(&uid, |remembered| remembered.no_passwords = None);
            Ok(false)
        }
        Err(why) => {
            let looks = known.map_or(0, |known| known.looks).saturating_add(1);
            let now = pass.ctx.clock.now();
            let due = now.saturating_add(pause(looks)).unwrap_or(now);
            let found = NoPasswords { digest: order.digest, hold: why, looks, due };
            hold(pass, &found);
            pass.ctx.memory.update(&uid, |remembered| remembered.no_passwords = Some(found));
            execute::honour_request(pass);
            Ok(true)
        }
    }
}

fn hold(pass: &mut Pass, found: &NoPasswords) {
    pass.order = Err(found.hold.clone());
    pass.passwords_due = Some(found.due);
}

fn pause(looks: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << looks.saturating_sub(1).min(8)).min(LONGEST_PAUSE)
}

/// Each Secret once, from the API server itself.
async fn read(pass: &Pass, order: &Order) -> Result<Result<BTreeMap<String, Secret>, Hold>, WriteError> {
    let namespace = pass.service.namespace().unwrap_or_default();
    let api: Api<KubeSecret> = Api::namespaced(pass.ctx.client.clone(), &namespace);
    let names: BTreeSet<&String> = order.passwords.values().map(|reference| &reference.name).collect();
    let mut secrets = BTreeMap::new();
    for name in names {
        match bounded(api.get_opt(name)).await {
            Ok(secret) => secrets.extend(secret.map(|secret| (name.clone(), secret))),
            Err(WriteError::Refused(_)) => return Ok(Err(may_not_read(order, &namespace))),
            Err(error) => return Err(error),
        }
    }
    Ok(judged(pass, order, &secrets, &namespace))
}

fn judged(
    pass: &Pass,
    order: &Order,
    secrets: &BTreeMap<String, KubeSecret>,
    namespace: &str,
) -> Result<BTreeMap<String, Secret>, Hold> {
    let values = values(order, secrets, namespace)?;
    let plugin = pass.runtime().and_then(|runtime| runtime.plugin.clone());
    let Some(plugin) = plugin else { return Ok(BTreeMap::new()) };
    Ok(checkout::with_passwords(&order.checkout, plugin.as_ref(), &order.form, &values)?)
}

fn values(
    order: &Order,
    secrets: &BTreeMap<String, KubeSecret>,
    namespace: &str,
) -> Result<BTreeMap<String, Secret>, Hold> {
    let mut found = BTreeMap::new();
    let mut problems = Vec::new();
    for (field, reference) in &order.passwords {
        match value(secrets, reference) {
            Ok(value) => drop(found.insert(field.clone(), value)),
            Err(problem) => {
                let SecretKeyRef { name, key } = reference;
                problems.push(format!("spec.checkoutFrom.{field}: Secret {namespace}/{name}, key {key}: {problem}"));
            }
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(Hold::new(reason::SECRET_NOT_FOUND, problems.join("; "))) }
}

fn value(secrets: &BTreeMap<String, KubeSecret>, reference: &SecretKeyRef) -> Result<Secret, String> {
    let name = &reference.name;
    let labelled = |secret: &KubeSecret| secret.labels().get(CHECKOUT_LABEL).is_some_and(|value| value == "true");
    if secrets.get(name).is_some_and(|secret| !labelled(secret)) {
        return Err(format!(
            "the Secret may not be used for a checkout; if it is meant for this: kubectl label secret {name} {CHECKOUT_LABEL}=true"
        ));
    }
    value_of(secrets, reference).map_err(|problem| match problem {
        NoValue::Secret => format!("the Secret does not exist; make it, with the label {CHECKOUT_LABEL}: \"true\""),
        NoValue::Key => "the Secret has no such key; add it, or name another one".to_owned(),
        NoValue::Text => "the value is not text; replace it".to_owned(),
    })
}

fn may_not_read(order: &Order, namespace: &str) -> Hold {
    let fields: Vec<String> = order.passwords.keys().map(|field| format!("spec.checkoutFrom.{field}")).collect();
    let text = format!(
        "{}: the controller may not read Secrets of namespace {namespace}; the platform team allows it by \
         checkoutSecrets.namespaces of the Helm chart, see docs/install.md",
        fields.join(", ")
    );
    Hold::new(reason::SECRET_NOT_FOUND, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::ByteString;

    fn secret(labelled: bool) -> KubeSecret {
        let data = BTreeMap::from([("password".to_owned(), ByteString(b"hunter2-long\n".to_vec()))]);
        let mut secret = KubeSecret { data: Some(data), ..KubeSecret::default() };
        secret.metadata.labels = labelled.then(|| BTreeMap::from([(CHECKOUT_LABEL.to_owned(), "true".to_owned())]));
        secret
    }

    #[test]
    fn each_way_to_lack_a_value_says_what_to_do() {
        let told = |secret: Option<KubeSecret>, key: &str| {
            let secrets = secret.map(|secret| ("alice-root".to_owned(), secret)).into_iter().collect();
            let reference = SecretKeyRef { name: "alice-root".into(), key: key.into() };
            let order = Order { passwords: [("root_password".to_owned(), reference)].into(), ..Order::default() };
            values(&order, &secrets, "customers").map_err(|hold| hold.message)
        };
        assert_eq!(told(Some(secret(true)), "password").unwrap()["root_password"], Secret::new("hunter2-long"));
        let rows = [
            (None, "password", "customers/alice-root, key password: the Secret does not exist; make it"),
            (Some(secret(false)), "password", "kubectl label secret alice-root hostwright.dev/checkout=true"),
            (Some(secret(true)), "passwd", "no such key"),
        ];
        for (secret, key, part) in rows {
            let message = told(secret, key).unwrap_err();
            assert!(message.contains(part) && !message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn pauses_grow_from_half_a_minute_to_five() {
        let pauses: Vec<u64> = [1, 2, 3, 4, 5, 60].map(|looks| pause(looks).as_secs()).to_vec();
        assert_eq!(pauses, [30, 60, 120, 240, 300, 300]);
    }
}
