//! One merge patch of one service: as kubectl would send it, and what the API makes of it.

use kube::ResourceExt as _;
use kube::api::{DynamicObject, Patch, PatchParams, ValidationDirective};
use serde_json::{Value, json};

use super::cluster::{Refusal, answer};
use super::failure::Failure;
use super::manifests::faults;
use super::output::Output;
use super::service::Service;

/// A change of the service that was read, and of no other that was made anew under its name.
pub(super) struct Change<'a> {
    service: &'a Service,
    manager: &'static str,
    patch: Value,
}

impl<'a> Change<'a> {
    /// In the name of this field manager.
    pub(super) fn of(service: &'a Service, manager: &'static str, mut patch: Value) -> Self {
        patch["metadata"]["uid"] = json!(service.object.uid());
        Self { service, manager, patch }
    }

    /// Makes it and says so; or prints what kubectl would have to be told, and changes nothing.
    pub(super) async fn carry_out(&self, dry_run: bool, done: &str, output: &Output) -> Result<(), Failure> {
        if dry_run {
            return output.line(&self.kubectl());
        }
        let after = self.make().await?;
        // The controller may have written its status meanwhile.
        let wanted = |object: &DynamicObject| (object.metadata.generation, object.annotations().clone());
        let same = wanted(&after) == wanted(&self.service.object);
        output.line(&format!("{} {done}{}", self.service.title(), if same { " (unchanged)" } else { "" }))
    }

    /// The same change with kubectl.
    fn kubectl(&self) -> String {
        let (namespace, name) = (self.service.namespace(), self.service.object.name_any());
        let patch = quoted(&self.patch.to_string());
        format!("kubectl -n {namespace} patch hsvc {name} --type merge -p {patch}")
    }

    async fn make(&self) -> Result<DynamicObject, Failure> {
        let params = PatchParams {
            field_manager: Some(self.manager.to_owned()),
            // A definition that lacks a field would drop it, and say that all went well.
            field_validation: Some(ValidationDirective::Strict),
            ..PatchParams::default()
        };
        let name = self.service.object.name_any();
        let made = answer(self.service.api.patch(&name, &params, &Patch::Merge(&self.patch))).await;
        made.map_err(|refusal| Failure::failed(explained(self.service, &refusal)))
    }
}

/// For a shell: nothing in single quotes means anything but itself.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Why a service was not changed, and what to do.
pub(super) fn explained(service: &Service, refusal: &Refusal) -> String {
    let title = service.title();
    let code = match refusal {
        Refusal::Answered(status) if refusal.is_definite() => status.code,
        _ => return format!("{title}: {refusal}; it may have been changed all the same: run this command again"),
    };
    let look = service.command("status");
    match code {
        404 => format!("{title} was deleted meanwhile, and nothing was changed"),
        409 => format!("{title} was changed meanwhile, and nothing was changed by this; look at it: {look}"),
        422 if faults::causes(refusal).any(|cause| cause.field == "metadata.uid") => {
            format!("{title} was deleted and made anew meanwhile, and nothing was changed; look at it: {look}")
        }
        403 if refusal.to_string().contains(" cannot ") => {
            format!("{title}: {refusal}; ask for a role that may, such as hostwright-edit of the chart")
        }
        _ => format!("{}; nothing was changed", refused(service, refusal)),
    }
}

/// What the API refused: each field with what is wrong with it, where it names any.
pub(super) fn refused(service: &Service, refusal: &Refusal) -> String {
    let mut faults = faults::of(refusal);
    if faults.len() > 1 {
        // The whole object, of which the other faults name the fields.
        faults.retain(|(field, _)| field != "patch");
    }
    if faults.is_empty() {
        return format!("{}: {refusal}", service.title());
    }
    let faults: Vec<String> = faults.iter().map(|(field, what)| format!("{field}: {what}")).collect();
    format!("{}: {}", service.title(), faults.join("; "))
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use http::StatusCode;
    use kube::Client;
    use kube::api::{DeleteParams, PostParams};

    use super::super::service::fixture::{alice, cluster, order};
    use super::*;

    fn suspending(service: &Service) -> Change<'_> {
        let patch = json!({"spec": {"suspensions": {"billing": {"reason": "Overdue"}}}});
        Change::of(service, "hostwright-suspend", patch)
    }

    async fn told(change: &Change<'_>) -> String {
        change.make().await.unwrap_err().message().unwrap_or_default().to_owned()
    }

    #[test]
    fn whatever_a_person_writes_reaches_kubectl_as_it_is() {
        assert_eq!(quoted(r#"{"a":"$HOME `x` \"y\""}"#), r#"'{"a":"$HOME `x` \"y\""}'"#);
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }

    #[tokio::test]
    async fn a_change_says_nothing_of_what_others_own() {
        let client = cluster().await;
        let service = alice(&client, |_| {}, json!({})).await;
        let paid = Patch::Merge(json!({"spec": {"renewal": {"paidUntil": "2099-01-01T00:00:00Z"}}}));
        service.api.patch("alice", &PatchParams::default(), &paid).await.unwrap();
        let after = suspending(&service).make().await.unwrap();
        assert_eq!(after.data["spec"]["renewal"]["paidUntil"], "2099-01-01T00:00:00Z", "a payment that came meanwhile");
        assert_eq!(after.data["spec"]["suspensions"], json!({"billing": {"reason": "Overdue"}}));
        let managers = after.metadata.managed_fields.unwrap_or_default();
        assert!(managers.iter().any(|one| one.manager.as_deref() == Some("hostwright-suspend")), "{managers:?}");
    }

    #[tokio::test]
    async fn one_that_was_made_anew_under_the_name_is_left_alone() {
        let client = cluster().await;
        let service = alice(&client, |_| {}, json!({})).await;
        service.api.delete("alice", &DeleteParams::default()).await.unwrap();
        let said = told(&suspending(&service)).await;
        assert!(said.ends_with("alice was deleted meanwhile, and nothing was changed"), "{said}");

        let another = serde_json::from_value(order()).unwrap();
        service.api.create(&PostParams::default(), &another).await.unwrap();
        let said = told(&suspending(&service)).await;
        assert!(
            said.contains("made anew meanwhile, and nothing was changed; look at it: hostwright status -n customers"),
            "{said}"
        );
        assert_eq!(*service.again().await.at("/spec/suspensions"), Value::Null);
    }

    #[tokio::test]
    async fn a_refusal_names_the_field_and_what_is_wrong_with_it() {
        let client = cluster().await;
        let service = alice(&client, |_| {}, json!({})).await;
        let wrong = |patch: Value| Change::of(&service, "hostwright-suspend", patch);
        let said = told(&wrong(json!({"spec": {"suspensions": {"billing": {"reason": "not paid"}}}}))).await;
        assert!(
            said.contains("alice: spec.suspensions.billing.reason: ") && said.ends_with("; nothing was changed"),
            "{said}"
        );
        let said = told(&wrong(json!({"spec": {"bogus": 1}}))).await;
        assert!(said.contains("alice: spec.bogus: unknown field"), "{said}");
    }

    /// The service, at an API that answers everything with this.
    async fn answered(code: u16, message: &str) -> String {
        let client = cluster().await;
        let service = alice(&client, |_| {}, json!({})).await;
        let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code,
            "reason": "Scripted", "message": message});
        let code = StatusCode::from_u16(code).unwrap();
        let client = Client::new(Router::new().fallback(move || async move { (code, status.to_string()) }), "default");
        let api = service.kind.api(&client, "customers");
        told(&suspending(&Service { api, ..service })).await
    }

    #[tokio::test]
    async fn who_may_not_is_told_which_role_may() {
        let said =
            answered(403, r#"hostingservices.hostwright.dev "alice" is forbidden: User "zoe" cannot patch"#).await;
        assert!(
            said.contains(r#"User "zoe" cannot patch; ask for a role that may, such as hostwright-edit"#),
            "{said}"
        );
        let said = answered(403, r#"admission webhook "audit" denied the request: no ticket"#).await;
        assert!(said.ends_with("denied the request: no ticket; nothing was changed"), "{said}");
    }

    #[tokio::test]
    async fn where_nobody_knows_the_outcome_that_is_said() {
        let said = answered(504, "the server did not answer").await;
        assert!(said.contains("it may have been changed all the same: run this command again"), "{said}");
    }
}
