use serde_json::{Value, json};

use crate::support::{Fixture, with};

fn node(name: &str) -> Value {
    json!({
        "name": name, "location_id": 1, "fqdn": "192.0.2.10", "scheme": "https", "memory": 4096,
        "memory_overallocate": 0, "disk": 20000, "disk_overallocate": 0, "daemon_sftp": 2022, "daemon_listen": 8443,
    })
}

#[tokio::test]
async fn a_node_is_created_changed_listed_and_deleted() {
    let fixture = Fixture::holding();
    let created = fixture.post("/api/application/nodes", &node("n1")).await.assert_status(201);
    assert_eq!(created.json()["meta"]["resource"], "http://panel.example/api/application/nodes/1");
    assert_eq!(created.attributes()["public"], true);
    let changed = fixture.patch("/api/application/nodes/1", &with(node("n1"), json!({"memory": 8192}))).await;
    assert_eq!(changed.assert_status(200).attributes()["memory"], 8192);
    let list = fixture.get("/api/application/nodes?include=allocations,location,servers").await.json();
    assert_eq!(list["data"][0]["attributes"]["relationships"]["location"]["attributes"]["id"], 1);
    fixture.delete("/api/application/nodes/1").await.assert_status(204);
    fixture.get("/api/application/nodes/1").await.assert_error(404, "NotFoundHttpException");
}

#[tokio::test]
async fn a_node_in_an_unknown_location_is_refused() {
    let fixture = Fixture::holding();
    let answer = fixture.post("/api/application/nodes", &with(node("n/1"), json!({"location_id": 9}))).await;
    answer.assert_violations(&[("name", "regex"), ("location_id", "exists")]);
}

#[tokio::test]
async fn a_node_shows_the_sums_of_its_servers_and_is_kept_while_it_has_some() {
    let fixture = Fixture::with_server().await;
    let attributes = fixture.get("/api/application/nodes/1").await.attributes();
    assert_eq!(attributes["allocated_resources"], json!({"memory": 1024, "disk": 2000}));
    fixture.delete("/api/application/nodes/1").await.assert_error(400, "HasActiveServersException");
}

#[tokio::test]
async fn allocations_come_in_ranges_and_known_pairs_are_skipped() {
    let fixture = Fixture::holding();
    fixture.post("/api/application/nodes", &node("n1")).await.assert_status(201);
    let path = "/api/application/nodes/1/allocations";
    for _ in 0..2 {
        let body = json!({"ip": "192.0.2.10", "ports": ["25565-25567", "30000"]});
        fixture.post(path, &body).await.assert_status(204);
    }
    let ports: Vec<u16> = fixture.panel.allocations().iter().map(|allocation| allocation.port).collect();
    assert_eq!(ports, [25565, 25566, 25567, 30000]);
    let one = fixture.get(&format!("{path}?filter[port]=30000")).await.json();
    assert_eq!(one["meta"]["pagination"]["total"], 1);
}

#[tokio::test]
async fn ports_out_of_range_malformed_or_too_many_are_refused() {
    let fixture = Fixture::holding();
    fixture.post("/api/application/nodes", &node("n1")).await.assert_status(201);
    for (port, code) in [
        ("1024", "PortOutOfRangeException"),
        ("70000", "PortOutOfRangeException"),
        ("abc", "InvalidPortMappingException"),
        ("20000-21000", "TooManyPortsInRangeException"),
    ] {
        let body = json!({"ip": "192.0.2.10", "ports": [port]});
        fixture.post("/api/application/nodes/1/allocations", &body).await.assert_error(400, code);
    }
    let body = json!({"ip": "192.0.2.10", "ports": [25565]});
    let answer = fixture.post("/api/application/nodes/1/allocations", &body).await;
    answer.assert_violations(&[("ports.0", "string")]);
    assert!(fixture.panel.allocations().is_empty());
}

#[tokio::test]
async fn an_allocation_in_use_is_not_deleted() {
    let fixture = Fixture::with_server().await;
    let used = fixture.panel.server("svc-1").unwrap().allocation.unwrap();
    let path = format!("/api/application/nodes/1/allocations/{used}");
    fixture.delete(&path).await.assert_error(400, "ServerUsingAllocationException");
    fixture.panel.delete_server(1);
    fixture.delete(&path).await.assert_status(204);
    assert_eq!(fixture.panel.allocations().len(), 2);
}
