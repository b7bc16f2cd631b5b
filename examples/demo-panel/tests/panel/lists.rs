use serde_json::Value;

use crate::support::{Fixture, server, user};

async fn three_users() -> Fixture {
    let fixture = Fixture::holding();
    for name in ["bob", "carol"] {
        fixture.post("/api/application/users", &user(name)).await.assert_status(201);
    }
    fixture
}

fn ids(list: &Value) -> Vec<u64> {
    list["data"].as_array().unwrap().iter().map(|row| row["attributes"]["id"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn links_forget_page_size_and_filters() {
    let fixture = three_users().await;
    let first = fixture.get("/api/application/users?per_page=2&filter[email]=example").await.json();
    assert_eq!(ids(&first), [1, 2]);
    let pagination = &first["meta"]["pagination"];
    assert_eq!(pagination["total"], 3);
    assert_eq!(pagination["total_pages"], 2);
    assert_eq!(pagination["links"]["next"], "http://panel.example/api/application/users?page=2");
    let second = fixture.get("/api/application/users?per_page=2&page=2").await.json();
    assert_eq!(ids(&second), [3]);
    assert_eq!(second["meta"]["pagination"]["links"]["previous"], "http://panel.example/api/application/users?page=1");
    assert!(second["meta"]["pagination"]["links"].get("next").is_none());
}

#[tokio::test]
async fn a_page_beyond_the_last_is_empty() {
    let fixture = three_users().await;
    let list = fixture.get("/api/application/users?page=9").await.assert_status(200).json();
    assert_eq!(list["data"].as_array().unwrap().len(), 0);
    assert_eq!(list["meta"]["pagination"]["count"], 0);
    assert_eq!(list["meta"]["pagination"]["total"], 3);
}

#[tokio::test]
async fn lists_are_sorted_on_request() {
    let fixture = three_users().await;
    assert_eq!(ids(&fixture.get("/api/application/users?sort=-id").await.json()), [3, 2, 1]);
    let by_uuid = fixture.get("/api/application/users?sort=uuid").await.json();
    let uuids: Vec<&str> =
        by_uuid["data"].as_array().unwrap().iter().map(|user| user["attributes"]["uuid"].as_str().unwrap()).collect();
    assert!(uuids.is_sorted());
    let answer = fixture.get("/api/application/users?sort=email").await;
    answer.assert_error(400, "InvalidSortQuery");
}

#[tokio::test]
async fn servers_are_filtered_by_the_documented_columns() {
    let fixture = Fixture::with_node_and_user().await;
    for external_id in ["cust-1", "cust-11"] {
        fixture.post("/api/application/servers", &server(external_id)).await.assert_status(201);
    }
    let short = fixture.panel.server("cust-11").unwrap().identifier().to_owned();
    let both = fixture.get("/api/application/servers?filter[external_id]=cust-1").await.json();
    assert_eq!(ids(&both), [1, 2]);
    assert_eq!(ids(&fixture.get(&format!("/api/application/servers?filter[uuidShort]={short}")).await.json()), [2]);
    let answer = fixture.get("/api/application/servers?filter[user]=1").await;
    answer.assert_error(400, "InvalidFilterQuery");
    assert_eq!(
        answer.details(),
        [
            "Requested filter(s) `user` are not allowed. Allowed filter(s) are `uuid, uuidShort, name, description, image, \
          external_id`."
        ]
    );
}

#[tokio::test]
async fn related_resources_are_embedded_on_request() {
    let fixture = Fixture::with_server().await;
    let all = "allocations,user,subusers,egg.variables,nest,variables,location,node.location,databases,transfer";
    let server = fixture.get(&format!("/api/application/servers/1?include={all}")).await.attributes();
    let related = &server["relationships"];
    assert_eq!(related["allocations"]["data"][0]["attributes"]["assigned"], true);
    assert_eq!(related["user"]["attributes"]["id"], 2);
    assert_eq!(related["subusers"]["data"].as_array().unwrap().len(), 0);
    assert_eq!(related["egg"]["attributes"]["relationships"]["variables"]["data"].as_array().unwrap().len(), 2);
    assert_eq!(related["nest"]["attributes"]["name"], "Minecraft");
    assert_eq!(related["variables"]["data"][0]["attributes"]["server_value"], "server.jar");
    assert_eq!(related["location"]["attributes"]["short"], "lab");
    assert_eq!(related["node"]["attributes"]["relationships"]["location"]["attributes"]["short"], "lab");
    assert_eq!(related["transfer"]["object"], "null_resource");
    assert!(related["transfer"]["attributes"].is_null());
}

#[tokio::test]
async fn eggs_of_a_nest_are_listed_without_pages() {
    let fixture = Fixture::holding();
    let eggs = fixture.get("/api/application/nests/1/eggs").await.assert_status(200).json();
    assert_eq!(ids(&eggs), [1, 2, 3, 4, 5]);
    assert!(eggs.get("meta").is_none());
    assert!(eggs["data"][0]["attributes"].get("relationships").is_none());
    let egg = fixture.get("/api/application/nests/1/eggs/4?include=variables").await.attributes();
    assert_eq!(egg["relationships"]["variables"]["data"][1]["attributes"]["rules"], "required|string|between:3,15");
    fixture.get("/api/application/nests/2/eggs/4").await.assert_error(404, "NotFoundHttpException");
    fixture.get("/api/application/nests/9/eggs").await.assert_error(404, "NotFoundHttpException");
}
