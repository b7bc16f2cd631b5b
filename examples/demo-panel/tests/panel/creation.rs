use demo_panel::{PowerState, ServerStatus, WingsMode};
use serde_json::{Value, json};

use crate::support::{Fixture, server, with, without};

const SERVERS: &str = "/api/application/servers";

#[tokio::test]
async fn an_empty_body_is_refused_rule_by_rule_in_the_declared_order() {
    let fixture = Fixture::with_node_and_user().await;
    fixture.post(SERVERS, &json!({})).await.assert_violations(&[
        ("name", "required"),
        ("user", "required"),
        ("egg", "required"),
        ("docker_image", "required"),
        ("startup", "required"),
        ("environment", "present"),
        ("limits", "required"),
        ("limits.memory", "required"),
        ("limits.swap", "required"),
        ("limits.disk", "required"),
        ("limits.io", "required"),
        ("limits.cpu", "required"),
        ("feature_limits", "required"),
        ("feature_limits.databases", "present"),
        ("feature_limits.backups", "present"),
        ("allocation.default", "required"),
    ]);
}

#[tokio::test]
async fn limits_out_of_range_are_refused_with_the_panels_words() {
    let fixture = Fixture::with_node_and_user().await;
    let limits = json!({"memory": -1, "swap": -2, "disk": "much", "io": 5, "cpu": -1, "threads": "a"});
    let answer = fixture.post(SERVERS, &with(server("svc-1"), json!({ "limits": limits }))).await;
    answer.assert_violations(&[
        ("limits.memory", "min"),
        ("limits.swap", "min"),
        ("limits.disk", "numeric"),
        ("limits.io", "between"),
        ("limits.threads", "regex"),
        ("limits.cpu", "min"),
    ]);
    assert_eq!(
        answer.details(),
        [
            "The limits.memory must be at least 0.",
            "The limits.swap must be at least -1.",
            "The limits.disk must be a number.",
            "The limits.io must be between 10 and 1000.",
            "The limits.threads format is invalid.",
            "The limits.cpu must be at least 0.",
        ]
    );
}

#[tokio::test]
async fn a_deployment_needs_all_three_members() {
    let fixture = Fixture::with_node_and_user().await;
    let answer = fixture.post(SERVERS, &with(server("svc-1"), json!({"deploy": {"locations": []}}))).await;
    answer.assert_violations(&[("deploy.dedicated_ip", "required_with"), ("deploy.port_range", "present")]);
    let answer = fixture.post(SERVERS, &with(server("svc-1"), json!({"deploy": {}}))).await;
    answer.assert_violations(&[("allocation.default", "required"), ("deploy", "required")]);
}

#[tokio::test]
async fn a_taken_external_id_is_reported_as_unique() {
    let fixture = Fixture::with_server().await;
    let answer = fixture.post(SERVERS, &server("svc-1")).await;
    answer.assert_violations(&[("external_id", "unique")]);
    assert_eq!(answer.details(), ["The external id has already been taken."]);
}

#[tokio::test]
async fn missing_variables_count_as_null_and_unknown_ones_are_ignored() {
    let fixture = Fixture::with_node_and_user().await;
    let answer = fixture.post(SERVERS, &with(server("svc-1"), json!({"environment": {}}))).await;
    answer
        .assert_violations(&[("environment.SERVER_JARFILE", "required"), ("environment.VANILLA_VERSION", "required")]);
    assert_eq!(
        answer.details(),
        ["The Server Jar File variable field is required.", "The Server Version variable field is required."]
    );
    let environment = json!({"SERVER_JARFILE": "server.zip", "VANILLA_VERSION": "", "OTHER": "x"});
    let answer = fixture.post(SERVERS, &with(server("svc-1"), json!({ "environment": environment }))).await;
    answer.assert_violations(&[("environment.SERVER_JARFILE", "regex"), ("environment.VANILLA_VERSION", "required")]);
    let environment = json!({"SERVER_JARFILE": "a.jar", "VANILLA_VERSION": "1.20", "OTHER": "x"});
    let created = fixture.post(SERVERS, &with(server("svc-1"), json!({ "environment": environment }))).await;
    let created = created.assert_status(201).attributes();
    assert_eq!(created["container"]["environment"]["VANILLA_VERSION"], "1.20");
    assert!(created["container"]["environment"].get("OTHER").is_none());
}

#[tokio::test]
async fn hidden_variables_are_checked_too_and_null_is_kept_as_an_empty_text() {
    let fixture = Fixture::with_node_and_user().await;
    let environment = json!({"SERVER_JARFILE": "a.jar", "BUILD_NUMBER": "latest", "DL_PATH": ["x"]});
    let body = with(server("svc-1"), json!({"egg": 5, "environment": environment}));
    fixture.post(SERVERS, &body).await.assert_violations(&[("environment.DL_PATH", "string")]);
    let environment = json!({"SERVER_JARFILE": "a.jar", "BUILD_NUMBER": "latest"});
    let body = with(body, json!({ "environment": environment }));
    let created = fixture.post(SERVERS, &body).await.assert_status(201).attributes();
    assert_eq!(created["container"]["environment"]["MINECRAFT_VERSION"], "");
}

#[tokio::test]
async fn placement_comes_before_variables_and_body_rules_before_placement() {
    let fixture = Fixture::with_node_and_user().await;
    let huge = json!({"memory": 999_999, "swap": 0, "disk": 1, "io": 500, "cpu": 0});
    let body = with(server("svc-1"), json!({"limits": huge, "environment": {}}));
    fixture.post(SERVERS, &body).await.assert_error(400, "NoViableNodeException");
    fixture.post(SERVERS, &with(body, json!({"egg": 9999}))).await.assert_violations(&[("egg", "exists")]);
}

#[tokio::test]
async fn a_node_is_full_when_the_sum_of_its_servers_reaches_the_overallocated_size() {
    let fixture = Fixture::with_node_and_user().await;
    let memory = |amount: i64| json!({"limits": {"memory": amount, "swap": 0, "disk": 1, "io": 500, "cpu": 0}});
    fixture.post(SERVERS, &with(server("a"), memory(4096))).await.assert_status(201);
    fixture.post(SERVERS, &with(server("b"), memory(1))).await.assert_error(400, "NoViableNodeException");
    fixture.panel.edit_node(1, |node| node.memory_overallocate = 50);
    fixture.post(SERVERS, &with(server("b"), memory(2049))).await.assert_error(400, "NoViableNodeException");
    fixture.post(SERVERS, &with(server("b"), memory(2048))).await.assert_status(201);
}

#[tokio::test]
async fn only_public_nodes_in_the_wanted_locations_are_used() {
    let fixture = Fixture::with_node_and_user().await;
    let other = fixture.panel.add_location("other");
    let node = fixture.panel.add_node("n2", other, 4096, 20_000, 3);
    let deploy =
        |locations: Value| json!({"deploy": {"locations": locations, "dedicated_ip": false, "port_range": []}});
    let created = fixture.post(SERVERS, &with(server("a"), deploy(json!([other])))).await.assert_status(201);
    assert_eq!(created.attributes()["node"], node);
    fixture.post(SERVERS, &with(server("b"), deploy(json!([99])))).await.assert_error(400, "NoViableNodeException");
    fixture.panel.edit_node(1, |node| node.public = false);
    let anywhere = fixture.post(SERVERS, &with(server("b"), deploy(json!([])))).await.assert_status(201);
    assert_eq!(anywhere.attributes()["node"], node);
    fixture.post(SERVERS, &with(server("c"), deploy(json!([1])))).await.assert_error(400, "NoViableNodeException");
}

#[tokio::test]
async fn the_allocation_lies_in_the_wanted_ports() {
    let fixture = Fixture::with_node_and_user().await;
    let ports = |ports: Value| json!({"deploy": {"locations": [1], "dedicated_ip": false, "port_range": ports}});
    let answer = fixture.post(SERVERS, &with(server("a"), ports(json!(["30000"])))).await;
    answer.assert_error(400, "NoViableAllocationException");
    let answer = fixture.post(SERVERS, &with(server("a"), ports(json!(["20000-29999"])))).await;
    answer.assert_error(400, "DisplayException");
    fixture.post(SERVERS, &with(server("a"), ports(json!(["25567-25570"])))).await.assert_status(201);
    let allocation = fixture.panel.server("a").unwrap().allocation.unwrap();
    assert_eq!(fixture.panel.allocations()[usize::try_from(allocation).unwrap() - 1].port, 25567);
    fixture
        .post(SERVERS, &with(server("b"), ports(json!([25565]))))
        .await
        .assert_violations(&[("deploy.port_range.0", "string")]);
}

#[tokio::test]
async fn a_dedicated_ip_belongs_to_no_other_server() {
    let fixture = Fixture::with_server().await;
    let dedicated = json!({"deploy": {"locations": [1], "dedicated_ip": true, "port_range": []}});
    let answer = fixture.post(SERVERS, &with(server("b"), dedicated.clone())).await;
    answer.assert_error(400, "NoViableAllocationException");
    let body = json!({"ip": "192.0.2.11", "ports": ["25565"]});
    fixture.post("/api/application/nodes/1/allocations", &body).await.assert_status(204);
    let created = fixture.post(SERVERS, &with(server("b"), dedicated)).await.assert_status(201);
    assert_eq!(created.attributes()["allocation"], 4);
}

#[tokio::test]
async fn a_fixed_allocation_decides_the_node_and_must_be_free() {
    let fixture = Fixture::with_node_and_user().await;
    let body = without(server("a"), "deploy");
    let fixed = |default: u64| json!({"allocation": {"default": default, "additional": [3]}});
    let created = fixture.post(SERVERS, &with(body.clone(), fixed(2))).await.assert_status(201).attributes();
    assert_eq!(created["allocation"], 2);
    assert_eq!(fixture.panel.allocations()[2].server, Some(1));
    let taken = fixture.post(SERVERS, &with(with(body, fixed(2)), json!({"external_id": "b"}))).await;
    taken.assert_violations(&[("allocation.default", "exists"), ("allocation.additional.0", "exists")]);
}

#[tokio::test]
async fn omitted_options_take_the_panels_defaults() {
    let fixture = Fixture::with_node_and_user().await;
    let features = json!({"databases": null, "backups": null});
    let body = with(without(server("a"), "external_id"), json!({ "feature_limits": features }));
    let created = fixture.post(SERVERS, &body).await.assert_status(201).attributes();
    assert!(created["external_id"].is_null());
    assert_eq!(created["limits"]["oom_disabled"], true);
    assert_eq!(created["feature_limits"], json!({"databases": 0, "allocations": 0, "backups": 0}));
    assert_eq!(created["description"], "");
}

#[tokio::test(start_paused = true)]
async fn a_failing_daemon_leaves_nothing_behind_but_the_id() {
    let fixture = Fixture::with_node_and_user().await;
    for (mode, status) in [(WingsMode::Error500, 500), (WingsMode::Down, 504), (WingsMode::Missing404, 404)] {
        fixture.panel.set_wings(mode);
        fixture.post(SERVERS, &server("a")).await.assert_error(status, "DaemonConnectionException");
    }
    assert!(fixture.panel.servers().is_empty());
    assert!(fixture.panel.allocations().iter().all(|allocation| allocation.server.is_none()));
    fixture.get(&format!("{SERVERS}/external/a")).await.assert_error(404, "NotFoundHttpException");
    fixture.panel.set_wings(WingsMode::Ok);
    assert_eq!(fixture.post(SERVERS, &server("a")).await.assert_status(201).attributes()["id"], 4);
}

#[tokio::test(start_paused = true)]
async fn a_server_is_visible_while_the_daemon_is_asked_and_gone_when_it_fails() {
    let fixture = Fixture::with_node_and_user().await;
    fixture.panel.set_wings(WingsMode::Error500);
    fixture.panel.set_wings_latency(std::time::Duration::from_secs(5));
    let creating = tokio::spawn({
        let fixture = fixture.clone();
        async move { fixture.post(SERVERS, &server("a")).await }
    });
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let seen = fixture.get(&format!("{SERVERS}/external/a")).await.assert_status(200);
    assert_eq!(seen.attributes()["status"], "installing");
    creating.await.unwrap().assert_error(500, "DaemonConnectionException");
    fixture.get(&format!("{SERVERS}/external/a")).await.assert_error(404, "NotFoundHttpException");
}

#[tokio::test(start_paused = true)]
async fn of_parallel_creates_with_one_external_id_exactly_one_succeeds() {
    let fixture = Fixture::with_node_and_user().await;
    fixture.panel.set_wings_latency(std::time::Duration::from_secs(1));
    let creates = (0..8).map(|_| {
        let fixture = fixture.clone();
        tokio::spawn(async move { fixture.post(SERVERS, &server("a")).await.status.as_u16() })
    });
    let mut statuses = Vec::new();
    for create in creates.collect::<Vec<_>>() {
        statuses.push(create.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 422, 422, 422, 422, 422, 422, 422]);
    assert_eq!(fixture.panel.live_servers("a"), 1);
    assert_eq!(fixture.panel.max_live_per_external_id("a"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_installation_ends_by_itself_and_starts_the_server() {
    let fixture = Fixture::with_node_and_user().await;
    fixture.panel.reset(demo_panel::InstallMode::Auto);
    fixture.panel.seed_demo();
    fixture.post("/api/application/users", &crate::support::user("bob")).await.assert_status(201);
    let created = fixture.post(SERVERS, &server("a")).await.assert_status(201).attributes();
    assert_eq!(created["status"], "installing");
    tokio::time::sleep(std::time::Duration::from_millis(900)).await;
    assert_eq!(fixture.panel.server("a").unwrap().status, Some(ServerStatus::Installing));
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let server = fixture.panel.server("a").unwrap();
    assert_eq!((server.status, server.power), (None, PowerState::Running));
}

#[tokio::test(start_paused = true)]
async fn a_held_installation_goes_on_until_the_daemon_reports_its_end() {
    let fixture = Fixture::with_node_and_user().await;
    fixture.post(SERVERS, &server("a")).await.assert_status(201);
    tokio::time::sleep(std::time::Duration::from_hours(1)).await;
    let uuid = fixture.panel.server("a").unwrap().uuid;
    let report = |successful: bool, reinstall: bool| json!({"successful": successful, "reinstall": reinstall});
    let path = format!("/api/remote/servers/{uuid}/install");
    for (report, status) in [
        (report(false, false), Some(ServerStatus::InstallFailed)),
        (report(false, true), Some(ServerStatus::ReinstallFailed)),
        (report(true, false), None),
    ] {
        assert!(fixture.panel.server("a").unwrap().status != status);
        fixture.post(&path, &report).await.assert_status(204);
        assert_eq!(fixture.panel.server("a").unwrap().status, status);
    }
    fixture.panel.suspend_server(1);
    fixture.post(&path, &report(true, false)).await.assert_status(204);
    assert_eq!(fixture.panel.server("a").unwrap().status, Some(ServerStatus::Suspended));
    fixture.post(&path, &json!({})).await.assert_violations(&[("successful", "present")]);
    let unknown = "/api/remote/servers/00000000-0000-4000-8000-000000000000/install";
    fixture.post(unknown, &report(true, false)).await.assert_error(404, "NotFoundHttpException");
}
