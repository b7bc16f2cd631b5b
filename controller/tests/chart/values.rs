//! What the chart makes of its values.

use serde_json::{Value, json};

use hostwright_tests::helm::{Helm, chart, named, text};

const ID: &[&str] = &["--set", "installationId=prod-eu"];

fn with(flags: &[&'static str]) -> Vec<&'static str> {
    [ID, flags].concat()
}

#[test]
fn it_is_clean_under_the_strict_linter() {
    let Some(helm) = Helm::find() else { return };
    for flags in [&[][..], ID] {
        let lint = helm.command(&[&["lint", "--strict", chart().to_str().unwrap()], flags].concat()).output().unwrap();
        let said = format!("{}{}", text(&lint.stdout), text(&lint.stderr));
        assert!(lint.status.success() && said.contains("0 chart(s) failed"), "{said}");
    }
}

#[test]
fn an_installation_id_is_required_and_the_refusal_explains_it() {
    let Some(helm) = Helm::find() else { return };
    let missing = helm.refusal(&[]);
    for part in ["installationId is required", "--set installationId=prod-eu", "it never changes", "share one"] {
        assert!(missing.contains(part), "{missing}");
    }
    for id in ["Prod-EU", "prod.eu", "-prod", "prod-", "prod_eu", &"a".repeat(41)] {
        let refusal = helm.refusal(&["--set-string", &format!("installationId={id}")]);
        assert!(refusal.contains(&format!("installationId is {id:?}")) && refusal.contains("1 to 40"), "{refusal}");
    }
    for id in ["p", "prod-eu", "2", &"a".repeat(40)] {
        helm.rendered(&["--set-string", &format!("installationId={id}")]);
    }
}

#[test]
fn a_value_that_cannot_be_is_refused_by_name() {
    let Some(helm) = Helm::find() else { return };
    let rows: &[(&[&'static str], &[&str])] = &[
        (&["--set", "instalationId=x"], &["instalationId", "not allowed"]),
        (&["--set", "image.repo=x"], &["/image", "repo", "not allowed"]),
        (&["--set", "image.digest=latest"], &["/image/digest"]),
        (&["--set", "image.pullPolicy=Sometimes"], &["/image/pullPolicy", "IfNotPresent"]),
        (&["--set", "replicas=-1"], &["/replicas", "minimum"]),
        (&["--set", "replicas=two"], &["/replicas", "want integer"]),
        (&["--set", "crds.install=perhaps"], &["/crds/install", "want boolean"]),
        (&["--set", "serviceAccount.name="], &["/serviceAccount/name"]),
        (&["--set", "resources.limit.memory=1Gi"], &["/resources", "limit", "not allowed"]),
        (&["--set-json", r#"tolerations={"key": "x"}"#], &["/tolerations", "want array"]),
        (&["--set-json", r#"extraEnv=[{"value": "x"}]"#], &["/extraEnv/0", "name"]),
        (&["--set-json", r#"podAnnotations={"a": 1}"#], &["/podAnnotations/a", "want string"]),
    ];
    for (flags, parts) in rows {
        let refusal = helm.refusal(&with(flags));
        assert!(parts.iter().all(|part| refusal.contains(part)), "{flags:?}: {refusal}");
    }
}

#[test]
fn the_pod_runs_without_any_privilege() {
    let Some(helm) = Helm::find() else { return };
    let objects = helm.rendered(ID);
    let pod = &named(&objects, "Deployment", "hostwright")["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    let expected = json!({
        "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]},
    });
    assert_eq!(container["securityContext"], expected);
    assert!(container["resources"]["limits"]["memory"].is_string());
    assert_eq!(pod["containers"].as_array().unwrap().len(), 1);
    assert!(pod["volumes"].is_null() && pod["hostNetwork"].is_null());
    assert_eq!(named(&objects, "ServiceAccount", "hostwright")["automountServiceAccountToken"], false);
}

#[test]
fn values_end_up_where_they_belong() {
    let Some(helm) = Helm::find() else { return };
    let values = json!({
        "installationId": "prod-eu", "replicas": 2, "logFilter": "debug",
        "image": {"repository": "registry.example.com/hostwright", "tag": "1.2", "digest": format!("sha256:{:064}", 0)},
        "imagePullSecrets": [{"name": "registry"}],
        "serviceAccount": {"name": "panels", "annotations": {"example.com/role": "panels"}},
        "nodeSelector": {"pool": "system"}, "tolerations": [{"key": "system", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}}, "topologySpreadConstraints": [{"maxSkew": 1}], "priorityClassName": "high",
        "labels": {"team": "platform"}, "podLabels": {"tier": "control"}, "podAnnotations": {"note": "a"},
        "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy.example.com:3128"}],
        "extraVolumes": [{"name": "certificates", "configMap": {"name": "certificates"}}],
        "extraVolumeMounts": [{"name": "certificates", "mountPath": "/certificates"}],
        "global": {"of": "a parent chart"},
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), values.to_string()).unwrap();
    let objects = helm.rendered(&["--values", file.path().to_str().unwrap()]);

    let deployment = named(&objects, "Deployment", "hostwright");
    let template = &deployment["spec"]["template"];
    let (pod, container) = (&template["spec"], &template["spec"]["containers"][0]);
    assert_eq!(deployment["spec"]["replicas"], 2);
    assert_eq!(container["image"], format!("registry.example.com/hostwright:1.2@sha256:{:064}", 0));
    assert_eq!(pod["serviceAccountName"], "panels");
    for name in [
        "imagePullSecrets",
        "nodeSelector",
        "tolerations",
        "affinity",
        "topologySpreadConstraints",
        "priorityClassName",
    ] {
        assert_eq!(pod[name], values[name], "{name}");
    }
    assert_eq!((&pod["volumes"], &container["volumeMounts"]), (&values["extraVolumes"], &values["extraVolumeMounts"]));
    let env = container["env"].as_array().unwrap();
    assert!(env.contains(&values["extraEnv"][0]) && env.contains(&json!({"name": "HOSTWRIGHT_LOG", "value": "debug"})));
    assert_eq!(
        (&template["metadata"]["labels"]["tier"], &template["metadata"]["annotations"]["note"]),
        (&json!("control"), &json!("a"))
    );
    for object in objects.iter().filter(|object| object["kind"] != "CustomResourceDefinition") {
        assert_eq!(object["metadata"]["labels"]["team"], "platform", "{object}");
    }
    named(&objects, "ServiceAccount", "panels");
    for kind in ["RoleBinding", "ClusterRoleBinding"] {
        assert_eq!(named(&objects, kind, "hostwright")["subjects"][0]["name"], "panels");
    }
}

#[test]
fn what_is_switched_off_is_not_rendered() {
    let Some(helm) = Helm::find() else { return };
    let kinds = |flags: &[&'static str]| -> Vec<String> {
        let name = |object: &Value| {
            format!("{} {}", object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap())
        };
        helm.rendered(&with(flags)).iter().map(name).collect()
    };
    let all = kinds(&[]);
    let without = |flags: &[&'static str]| -> Vec<String> {
        let left = kinds(flags);
        all.iter().filter(|kind| !left.contains(kind)).cloned().collect()
    };
    assert_eq!(without(&["--set", "crds.install=false"]).len(), 4);
    assert_eq!(without(&["--set", "serviceAccount.create=false"]), ["ServiceAccount hostwright"]);
    assert_eq!(
        without(&["--set", "userRoles.create=false"]),
        ["ClusterRole hostwright-view", "ClusterRole hostwright-edit", "ClusterRole hostwright-admin"]
    );
    assert!(!all.iter().any(|kind| kind.starts_with("PodDisruptionBudget")), "there is one Pod only");
    assert!(kinds(&["--set", "replicas=2"]).contains(&"PodDisruptionBudget hostwright".to_owned()));
}

#[test]
fn its_definitions_are_those_of_the_binary_and_stay_on_uninstall() {
    let Some(helm) = Helm::find() else { return };
    let objects = helm.rendered(ID);
    let definitions = hostwright_crds::manifests::all();
    for definition in &definitions {
        let rendered = named(&objects, "CustomResourceDefinition", definition.metadata.name.as_deref().unwrap());
        assert_eq!(rendered["spec"], json!(definition.spec));
        assert_eq!(rendered["metadata"]["annotations"]["helm.sh/resource-policy"], "keep");
    }
    assert_eq!(objects.iter().filter(|object| object["kind"] == "CustomResourceDefinition").count(), definitions.len());
}

#[test]
fn its_version_is_that_of_the_binary() {
    let text = std::fs::read_to_string(chart().join("Chart.yaml")).unwrap();
    let chart: Value = serde_yaml::from_str(&text).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!((&chart["version"], &chart["appVersion"]), (&json!(version), &json!(version)));
}

/// The values file is what people read, and the schema what is checked: neither knows what the other does not.
#[test]
fn every_value_is_in_the_schema_and_has_a_comment() {
    let text = std::fs::read_to_string(chart().join("values.yaml")).unwrap();
    let values: Value = serde_yaml::from_str(&text).unwrap();
    let schema: Value = serde_json::from_slice(&std::fs::read(chart().join("values.schema.json")).unwrap()).unwrap();
    let names = |object: &Value| object.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let mut known = names(&schema["properties"]);
    known.retain(|name| name != "global");
    let mut given = names(&values);
    known.sort();
    given.sort();
    assert_eq!(given, known);
    let readme = std::fs::read_to_string(chart().join("README.md")).unwrap();
    for name in given {
        assert!(
            readme.contains(&format!("`{name}`")) || readme.contains(&format!("`{name}.")),
            "README.md lacks {name}"
        );
    }
}

#[test]
fn secrets_of_customers_may_be_read_and_written_only_where_a_value_says_so() {
    let Some(helm) = Helm::find() else { return };
    let about = |name: &str, flags: &[&'static str]| -> Vec<String> {
        let mut objects = helm.rendered(&with(flags));
        objects.retain(|object| object["metadata"]["name"] == name);
        let told = |object: &Value| {
            let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
            format!("{} {namespace}", object["kind"].as_str().unwrap()).trim_end().to_owned()
        };
        objects.iter().map(told).collect()
    };
    let rows = [
        ("hostwright-checkout", "checkoutSecrets.namespaces={customers,shop}", "checkoutSecrets.everywhere=true"),
        (
            "hostwright-credentials",
            "credentialSecrets.namespaces={customers,shop}",
            "credentialSecrets.everywhere=true",
        ),
    ];
    for (name, two, everywhere) in rows {
        assert_eq!(about(name, &[]), Vec::<String>::new());
        assert_eq!(about(name, &["--set", two]), ["ClusterRole", "RoleBinding customers", "RoleBinding shop"]);
        assert_eq!(about(name, &["--set", everywhere]), ["ClusterRole", "ClusterRoleBinding"]);
    }
}
