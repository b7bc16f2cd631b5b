use super::read::read_text;
use super::*;

const PLACE: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: customers}
---
apiVersion: v1
kind: Secret
metadata: {name: panel-eu-api, namespace: hostwright-system}
stringData: {api_key: ptla_hunter2}
---
apiVersion: hostwright.dev/v1alpha1
kind: ProviderInstance
metadata: {name: panel-eu}
spec:
  pluginRef: {name: pterodactyl}
  config: {panel_url: 'http://127.0.0.1:8790'}
  configFrom:
    api_key: {secretKeyRef: {name: panel-eu-api, key: api_key}}
---
apiVersion: hostwright.dev/v1alpha1
kind: Package
metadata: {name: vps}
spec:
  providerInstanceRef: {name: panel-eu}
  provisioning: {nest_id: 1, egg_id: 4, disk: 10000, cpu: 200}
  variants:
    memory: {type: select, required: true, default: [2048], options: [{value: 2048, label: a}, {value: 4096, label: b}]}
  namespaceSelector: {}
---
";

const SERVICE: &str = "\
apiVersion: hostwright.dev/v1alpha1
kind: HostingService
metadata:
  name: alice
  namespace: customers
spec:
  packageRef:
    name: vps
  owner:
    id: cust-1
    email: alice@example.com
    name: Alice
  selections:
    memory: [4096]
  desiredStatus: Active
  checkout:
    server_name: Alice
";

async fn report(texts: &[(&str, &str)], complete: bool) -> Report {
    let mut all = Contents::default();
    for (name, text) in texts {
        let Contents { objects, findings, files } = read_text(name, text);
        all.objects.extend(objects);
        all.findings.extend(findings);
        all.files += files;
    }
    Report::of(all, Rules { complete, credentials_namespace: "hostwright-system" }).await.unwrap()
}

/// What is found about a service that differs in this from a right one.
async fn about_service(from: &str, to: &str) -> String {
    let service = SERVICE.replace(from, to);
    assert_ne!(service, SERVICE, "nothing was replaced");
    lines(&report(&[("place.yaml", PLACE), ("a.yaml", &service)], true).await)
}

fn lines(report: &Report) -> String {
    report.findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn what_is_right_is_counted_and_nothing_is_said() {
    let report = report(&[("place.yaml", PLACE), ("a.yaml", SERVICE)], true).await;
    assert_eq!(report.text(), "2 files, 5 objects (2 of other kinds, not looked at): 0 errors, 0 warnings\n");
}

#[tokio::test]
async fn what_is_wrong_with_a_service_is_said_at_its_line_and_column() {
    let alice = "error: HostingService customers/alice";
    let rows = [
        ("desiredStatus", "desiredStatsu", format!("a.yaml:15:3: {alice}: spec.desiredStatsu: unknown field, did you mean desiredStatus?")),
        ("desiredStatus: Active", "desiredStatus: Running", format!("a.yaml:15:18: {alice}: spec.desiredStatus: Unsupported value: \"Running\"")),
        ("    id: cust-1", "    id: 7", format!("a.yaml:10:9: {alice}: spec.owner.id: ")),
        ("    name: vps", "    name: vsp", format!("a.yaml:8:11: {alice}: spec.packageRef.name: Package vsp is in no file, did you mean vps?")),
        ("memory: [4096]", "memory: [1]", format!("a.yaml:14:13: {alice}: spec.selections.memory: found 1, expected one of 2048, 4096")),
        ("memory: [4096]", "memroy: [4096]", format!("a.yaml:14:13: {alice}: spec.selections.memroy: Package vps has no such variant")),
        ("server_name", "sever_name", format!("a.yaml:17:5: {alice}: spec.checkout.sever_name: unknown field, did you mean server_name?")),
        ("namespace: customers", "namespace: elsewhere", "a.yaml:5:14: error: HostingService elsewhere/alice: metadata.namespace: Namespace elsewhere is in no file".to_owned()),
        ("kind: HostingService", "kind: HostingServcie", "a.yaml:2:7: error: HostingServcie customers/alice: kind: found HostingServcie, did you mean HostingService?".to_owned()),
        ("v1alpha1", "v1", format!("a.yaml:1:13: {alice}: apiVersion: found hostwright.dev/v1, expected hostwright.dev/v1alpha1")),
    ];
    for (from, to, expected) in rows {
        let said = about_service(from, to).await;
        assert!(said.lines().any(|line| line.starts_with(&expected)), "{to}: expected {expected}, said {said}");
    }
}

#[tokio::test]
async fn a_password_of_an_order_is_a_labelled_secret_beside_it() {
    let place = PLACE.replace(
        "  namespaceSelector: {}",
        "  checkout: {pin: {type: password, label: PIN, rules: 'nullable|string'}}\n  namespaceSelector: {}",
    );
    let service = format!("{SERVICE}  checkoutFrom:\n    pin: {{secretKeyRef: {{name: alice, key: pin}}}}\n");
    let secret = |labels: &str, key: &str| {
        format!(
            "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: alice, namespace: customers, labels: {labels}}}\nstringData: {{{key}: hunter2}}\n"
        )
    };
    let rows = [
        (String::new(), "spec.checkoutFrom.pin.secretKeyRef.name: Secret customers/alice is in no file"),
        (secret("{}", "pin"), "spec.checkoutFrom.pin.secretKeyRef.name: Secret alice of "),
        (
            secret("{hostwright.dev/checkout: 'true'}", "pni"),
            "spec.checkoutFrom.pin.secretKeyRef.key: Secret customers/alice of ",
        ),
    ];
    for (secret, expected) in rows {
        let said = lines(&report(&[("place.yaml", &place), ("a.yaml", &format!("{service}{secret}"))], true).await);
        assert!(
            said.contains(expected) && said.lines().count() == 1 && !said.contains("hunter2"),
            "{expected}: {said}"
        );
    }
    let right = format!("{service}{}", secret("{hostwright.dev/checkout: 'true'}", "pin"));
    assert_eq!(lines(&report(&[("place.yaml", &place), ("a.yaml", &right)], true).await), "");
    let inline = service.replace("    server_name: Alice", "    server_name: Alice\n    pin: hunter2");
    let said = lines(&report(&[("place.yaml", &place), ("a.yaml", &inline)], false).await);
    assert!(
        said.contains(
            "a.yaml:18:10: error: HostingService customers/alice: spec.checkout.pin: a password does not belong here"
        ) && !said.contains("hunter2"),
        "{said}"
    );
}

#[tokio::test]
async fn a_package_leads_to_packages_that_are_there_and_on_its_instance() {
    let place = PLACE.replace("  namespaceSelector: {}", "  scalableTo: [vsp, far]\n  namespaceSelector: {}");
    let far = "apiVersion: hostwright.dev/v1alpha1\nkind: Package\nmetadata: {name: far}\nspec:\n  providerInstanceRef: {name: elsewhere}\n";
    let said = lines(&report(&[("place.yaml", &place), ("far.yaml", far)], true).await);
    for expected in [
        "place.yaml:28:16: error: Package vps: spec.scalableTo[0]: Package vsp is in no file, did you mean vps?",
        "place.yaml:28:21: error: Package vps: spec.scalableTo[1]: Package far belongs to ProviderInstance elsewhere, not panel-eu",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[tokio::test]
async fn a_rule_of_the_definition_is_checked() {
    let overdue = PLACE.replace("  namespaceSelector: {}", "  overdue: {terminateAfter: 5d}\n  namespaceSelector: {}");
    let said = lines(&report(&[("place.yaml", &overdue)], true).await);
    assert!(
        said.starts_with("place.yaml:28:12: error: Package vps: spec.overdue: ")
            && said.contains("terminateAfter needs suspendAfter"),
        "{said}"
    );
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_in_the_order_of_its_places() {
    let service = SERVICE
        .replace("server_name", "sever_name")
        .replace("4096", "1")
        .replace("desiredStatus: Active", "desiredStatus: Active\n  bogus: 1");
    let found = report(&[("place.yaml", PLACE), ("a.yaml", &service)], true).await;
    let lines: Vec<usize> = found.findings.iter().map(|finding| finding.position.line).collect();
    assert!(lines.is_sorted() && [14, 16, 17, 18].iter().all(|line| lines.contains(line)), "{}", found.text());
}

#[tokio::test]
async fn what_is_in_no_file_may_be_in_the_cluster_unless_the_files_are_everything() {
    let some = report(&[("a.yaml", SERVICE)], false).await;
    assert_eq!((some.count(Severity::Error), some.count(Severity::Warning)), (0, 2), "{}", some.text());
    let all = report(&[("a.yaml", SERVICE)], true).await;
    assert_eq!((all.count(Severity::Error), all.count(Severity::Warning)), (2, 0), "{}", all.text());
}

#[tokio::test]
async fn an_instance_is_checked_without_the_values_of_its_secrets() {
    let rows = [
        (
            "name: pterodactyl",
            "name: pterodactil",
            "place.yaml:15:21: error: ProviderInstance panel-eu: spec.pluginRef.name: found pterodactil, did you mean pterodactyl?",
        ),
        (
            "panel_url:",
            "panel_ulr:",
            "place.yaml:16:12: error: ProviderInstance panel-eu: spec.config.panel_ulr: unknown field, did you mean panel_url?",
        ),
        (
            "key: api_key}",
            "key: token}",
            "place.yaml:18:55: error: ProviderInstance panel-eu: spec.configFrom.api_key.secretKeyRef.key: Secret hostwright-system/panel-eu-api of place.yaml:6 has no key token",
        ),
        (
            "namespace: hostwright-system",
            "namespace: customers",
            "place.yaml:18:36: error: ProviderInstance panel-eu: spec.configFrom.api_key.secretKeyRef.name: Secret hostwright-system/panel-eu-api is in no file; place.yaml:6 has one in namespace customers",
        ),
        (
            "config: {",
            "config: {api_key: ptla_hunter2, ",
            "place.yaml:16:21: error: ProviderInstance panel-eu: spec.config.api_key: a password does not belong here",
        ),
    ];
    for (from, to, expected) in rows {
        let report = report(&[("place.yaml", &PLACE.replace(from, to))], true).await;
        let said = lines(&report);
        assert!(said.lines().any(|line| line.starts_with(expected)), "expected {expected}, said {said}");
        assert!(!said.contains("hunter2") && !report.to_json().to_string().contains("hunter2"), "{said}");
    }
}

#[tokio::test]
async fn an_object_that_is_written_twice_is_refused_the_second_time() {
    let said = lines(&report(&[("place.yaml", PLACE), ("a.yaml", SERVICE), ("b.yaml", SERVICE)], true).await);
    let expected = "b.yaml:4:9: error: HostingService customers/alice: metadata.name: found a second time, first at a.yaml:1; keep one of the two";
    assert_eq!(said, expected);
}

#[tokio::test]
async fn broken_yaml_is_said_at_its_place_and_hides_no_other_document() {
    let broken = format!("kind: [hunter2\n---\n{}", SERVICE.replace("name: vps", "name: vsp"));
    let found = report(&[("place.yaml", PLACE), ("a.yaml", &broken)], true).await;
    let said = lines(&found);
    assert!(said.starts_with("a.yaml:") && !said.contains("hunter2"), "{said}");
    assert!(said.lines().any(|line| line.starts_with("a.yaml:10:11: error: HostingService customers/alice")), "{said}");
}

#[tokio::test]
async fn lists_anchors_and_the_line_ends_of_windows_are_read() {
    let wrong = SERVICE.replace("name: vps", "name: vsp");
    let indented = format!("  {}\n", wrong.trim_end().replace('\n', "\n  "));
    let list = format!("apiVersion: v1\nkind: List\nitems:\n-{}", &indented[1..]);
    let windows = wrong.replace('\n', "\r\n");
    let anchors = SERVICE
        .replace("id: cust-1", "id: &it vsp")
        .replace("name: vps", "name: vps #")
        .replace("server_name: Alice", "sever_name: *it");
    let rows = [(&list, "a.yaml:11:13: "), (&windows, "a.yaml:8:11: "), (&anchors, "a.yaml:17:5: ")];
    for (text, expected) in rows {
        let said = lines(&report(&[("place.yaml", PLACE), ("a.yaml", text)], true).await);
        assert!(said.starts_with(expected) || said.contains(&format!("\n{expected}")), "{text}\n{said}");
    }
}

#[tokio::test]
async fn other_kinds_need_nothing_that_is_known_here_and_what_has_no_kind_is_said() {
    let other = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n";
    let found = report(&[("kustomization.yaml", other), ("b.yaml", "metadata: {name: a}\n---\n- 1\n")], true).await;
    assert_eq!((found.foreign, found.count(Severity::Error)), (1, 3), "{}", found.text());
}

#[tokio::test]
async fn a_package_names_the_field_of_a_variant() {
    let text = PLACE.replace("value: 2048, label: a", "value: minimum, label: a").replace("nest_id: 1", "nest_di: 1");
    let said = lines(&report(&[("place.yaml", &text)], true).await);
    for expected in [
        "place.yaml:25:18: error: Package vps: spec.provisioning.nest_di: unknown field, did you mean nest_id?",
        ": error: Package vps: spec.variants.memory.default: found 2048, expected one of minimum, 4096",
        ": error: Package vps: spec.variants.memory.options[0]: found \"minimum\": ",
    ] {
        assert!(said.contains(expected), "expected {expected}, said {said}");
    }
}
