//! The order of a service that has ended, as one for a new service. Pure.

use hostwright_crds::annotation;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;
use serde_json::{Map, Value, json};

use super::super::failure::Failure;
use super::super::service::Service;

/// Annotations that speak of the service that has ended, each with why it does not go along.
const LEFT: [(&str, &str); 7] = [
    (annotation::IDENTITY, "it says that the service ended"),
    (annotation::RESOLVE_CREATE, "it was about an attempt for the service that ended"),
    (annotation::RESOLVE_RENEW, "it was about a renewal of the server that ended"),
    (annotation::ACCEPT_DIFFERENCES, "it was about the server that ended"),
    (annotation::RECONCILE_REQUESTED_AT, "it was about the service that ended"),
    (annotation::ROTATE_REQUESTED_AT, "it was about the service that ended"),
    (annotation::APPLIED_FROM, "only the folder itself says so"),
];

/// A new order, and what of the old one it lacks.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) manifest: Value,
    /// Each with what was left out and why.
    pub(super) left_out: Vec<String>,
}

/// The same spec, labels and annotations, without what would end the new one, and paid until this date where one is given.
pub(super) fn of(service: &Service, paid_until: Option<Timestamp>, now: Timestamp) -> Result<Order, Failure> {
    let mut left_out = Vec::new();
    let metadata = metadata(service, &mut left_out);
    let mut spec = service.at("/spec").clone();
    if spec["desiredStatus"] == "Terminated" {
        spec["desiredStatus"] = json!("Active");
        left_out
            .push("spec.desiredStatus: Active in place of Terminated, which would end the new one at once".to_owned());
    }
    if let Some(cancellation) = take(&mut spec, "cancellation") {
        let when = cancellation["at"].as_str().map_or_else(|| "at once".to_owned(), |at| format!("at {at}"));
        left_out.push(format!("spec.cancellation: it would end the new one {when}"));
    }
    renew(&mut spec, service, paid_until, now, &mut left_out)?;
    let resource = &service.kind.resource;
    let manifest =
        json!({"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata, "spec": spec});
    Ok(Order { manifest, left_out })
}

fn take(from: &mut Value, key: &str) -> Option<Value> {
    from.as_object_mut().and_then(|from| from.remove(key)).filter(|value| !value.is_null())
}

fn metadata(service: &Service, left_out: &mut Vec<String>) -> Value {
    let object = &service.object;
    let mut annotations = Map::new();
    for (key, value) in object.annotations() {
        match LEFT.iter().find(|(left, _)| left == key) {
            Some((_, why)) => left_out.push(format!("annotation {key}: {why}")),
            None => drop(annotations.insert(key.clone(), json!(value))),
        }
    }
    let mut metadata = json!({"name": object.name_any(), "namespace": service.namespace()});
    let owners = json!(object.owner_references());
    for (key, value) in
        [("labels", json!(object.labels())), ("annotations", annotations.into()), ("ownerReferences", owners)]
    {
        let is_empty = value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty);
        if !is_empty {
            metadata[key] = value;
        }
    }
    metadata
}

/// A date that is past would suspend the new one at once where its package does that, and none would let it run unpaid: a
/// person decides.
fn renew(
    spec: &mut Value,
    service: &Service,
    paid_until: Option<Timestamp>,
    now: Timestamp,
    left_out: &mut Vec<String>,
) -> Result<(), Failure> {
    if let Some(paid_until) = paid_until {
        if let Some(renewal) = take(spec, "renewal") {
            let before = renewal["paidUntil"].as_str().unwrap_or_default();
            left_out.push(format!("spec.renewal.paidUntil: {paid_until} in place of {before}"));
        }
        spec["renewal"] = json!({"paidUntil": paid_until.to_string()});
        return Ok(());
    }
    match service.time("/spec/renewal/paidUntil") {
        Some(past) if past <= now => Err(Failure::failed(format!(
            "{}: spec.renewal.paidUntil is {past}, which is past: its package may suspend a new service at once, and later \
             end it. Say until when the new one is paid: --paid-until TIME. Nothing was changed",
            service.title()
        ))),
        _ => {
            if spec.get_mut("renewal").and_then(|renewal| take(renewal, "corrects")).is_some() {
                left_out.push("spec.renewal.corrects: it was about a date of the service that ended".to_owned());
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::service::fixture::{alice, cluster, order};
    use super::*;

    fn now() -> Timestamp {
        "2026-12-01T00:00:00Z".parse().unwrap()
    }

    async fn anew(change: impl FnOnce(&mut Value), paid_until: Option<&str>) -> Result<Order, Failure> {
        let service = alice(&cluster().await, change, json!({"phase": "Terminated"})).await;
        of(&service, paid_until.map(|text| text.parse().unwrap()), now())
    }

    #[tokio::test]
    async fn what_would_end_the_new_one_is_left_out_and_said() {
        let changed = |order: &mut Value| {
            order["metadata"]["labels"] = json!({"tier": "gold"});
            order["metadata"]["annotations"] = json!({
                annotation::IDENTITY: "{}", annotation::RESOLVE_CREATE: "absent",
                annotation::RESOLVE_RENEW: "repeat", "billing.example.com/order": "4711",
            });
            order["spec"]["desiredStatus"] = json!("Terminated");
            order["spec"]["cancellation"] = json!({"reason": "moving", "requestedBy": "cust-1"});
            order["spec"]["suspensions"] = json!({"abuse-desk": {"reason": "TermsOfService"}});
        };
        let made = anew(changed, None).await.unwrap();
        let metadata = &made.manifest["metadata"];
        assert_eq!(metadata["labels"], json!({"tier": "gold"}));
        assert_eq!(metadata["annotations"], json!({"billing.example.com/order": "4711"}));
        assert_eq!(metadata.as_object().unwrap().len(), 4, "{metadata}");
        let spec = &made.manifest["spec"];
        assert_eq!((&spec["desiredStatus"], &spec["cancellation"]), (&json!("Active"), &Value::Null));
        assert_eq!(spec["suspensions"]["abuse-desk"]["reason"], "TermsOfService", "lifted by nobody but its holder");
        assert_eq!(spec["owner"], order()["spec"]["owner"]);
        assert!(spec.get("renewal").is_none(), "{spec}");
        assert_eq!(made.manifest["status"], Value::Null);
        let about_the_old_one = [annotation::IDENTITY, annotation::RESOLVE_CREATE, annotation::RESOLVE_RENEW];
        for left in about_the_old_one.into_iter().chain(["spec.desiredStatus", "spec.cancellation"]) {
            assert!(made.left_out.iter().any(|said| said.contains(left)), "{left}: {:?}", made.left_out);
        }
        assert_eq!(made.left_out.len(), 5);
    }

    #[tokio::test]
    async fn a_date_that_is_past_is_neither_kept_nor_dropped_without_a_word_of_a_person() {
        let past = |order: &mut Value| order["spec"]["renewal"] = json!({"paidUntil": "2026-11-01T00:00:00Z"});
        let refused = anew(past, None).await.unwrap_err();
        assert!(refused.message().unwrap_or_default().contains("--paid-until"), "{refused:?}");
        let made = anew(past, Some("2027-01-01T00:00:00Z")).await.unwrap();
        assert_eq!(made.manifest["spec"]["renewal"], json!({"paidUntil": "2027-01-01T00:00:00Z"}));
        let ahead = |order: &mut Value| {
            order["spec"]["renewal"] = json!({"paidUntil": "2027-06-01T00:00:00Z", "corrects": "2072-06-01T00:00:00Z"});
        };
        let made = anew(ahead, None).await.unwrap();
        assert_eq!(made.manifest["spec"]["renewal"], json!({"paidUntil": "2027-06-01T00:00:00Z"}));
    }
}
