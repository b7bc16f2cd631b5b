use serde_json::json;

use crate::support::{Fixture, user, with};

#[tokio::test]
async fn a_duplicate_user_clashes_in_three_fields_in_the_order_of_the_rules() {
    let fixture = Fixture::holding();
    fixture.post("/api/application/users", &user("bob")).await.assert_status(201);
    let answer = fixture.post("/api/application/users", &user("bob")).await;
    answer.assert_violations(&[("email", "unique"), ("external_id", "unique"), ("username", "unique")]);
    assert_eq!(
        answer.details(),
        [
            "The email has already been taken.",
            "The Third Party Identifier has already been taken.",
            "The username has already been taken.",
        ]
    );
}

#[tokio::test]
async fn a_user_is_found_by_external_id_only_when_it_matches_wholly() {
    let fixture = Fixture::holding();
    fixture.post("/api/application/users", &user("bob")).await;
    let found = fixture.get("/api/application/users/external/cust-bob").await.assert_status(200);
    assert_eq!(found.attributes()["username"], "bob-svc");
    fixture.get("/api/application/users/external/cust-b").await.assert_error(404, "NotFoundHttpException");
}

#[tokio::test]
async fn a_filter_matches_parts_ignores_case_and_takes_alternatives() {
    let fixture = Fixture::holding();
    for name in ["bob", "xbob", "alice", "carol"] {
        fixture.post("/api/application/users", &user(name)).await.assert_status(201);
    }
    for (filter, expected) in [
        ("filter[email]=bob@example.com", vec![2, 3]),
        ("filter[email]=BOB@", vec![2, 3]),
        ("filter[username]=alice,carol", vec![4, 5]),
        ("filter[external_id]=cust-bob", vec![2]),
        ("filter[email]=bob&filter[username]=xb", vec![3]),
        ("filter[email]=", vec![1, 2, 3, 4, 5]),
        ("filter%5Bemail%5D=carol", vec![5]),
    ] {
        let list = fixture.get(&format!("/api/application/users?{filter}")).await.assert_status(200).json();
        let ids: Vec<u64> =
            list["data"].as_array().unwrap().iter().map(|user| user["attributes"]["id"].as_u64().unwrap()).collect();
        assert_eq!(ids, expected, "{filter}");
    }
}

#[tokio::test]
async fn a_partial_update_is_refused_and_a_full_one_keeps_what_is_optional() {
    let fixture = Fixture::holding();
    fixture.post("/api/application/users", &user("bob")).await;
    let partial = fixture.patch("/api/application/users/2", &json!({"first_name": "Bobby"})).await;
    partial.assert_violations(&[("email", "required"), ("username", "required"), ("last_name", "required")]);
    let full = json!({"email": "bob@example.com", "username": "Bob.SVC", "first_name": "Bobby", "last_name": "C"});
    let updated = fixture.patch("/api/application/users/2", &full).await.assert_status(200).attributes();
    assert_eq!(updated["first_name"], "Bobby");
    assert_eq!(updated["username"], "bob.svc");
    assert_eq!(updated["external_id"], "cust-bob");
    let cleared = with(full, json!({"external_id": null}));
    let updated = fixture.patch("/api/application/users/2", &cleared).await.assert_status(200).attributes();
    assert!(updated["external_id"].is_null());
}

#[tokio::test]
async fn user_names_begin_and_end_with_a_letter_or_digit_and_have_three_characters() {
    let fixture = Fixture::holding();
    for (name, accepted) in
        [("ab", false), ("a-b", true), ("A.9", true), ("-ab", false), ("ab_", false), ("a b", false)]
    {
        let body = with(user("bob"), json!({"username": name}));
        let answer = fixture.post("/api/application/users", &body).await;
        if accepted {
            let id = answer.assert_status(201).attributes()["id"].clone();
            fixture.delete(&format!("/api/application/users/{id}")).await.assert_status(204);
        } else {
            answer.assert_violations(&[("username", "p_username")]);
        }
    }
}

#[tokio::test]
async fn strings_are_trimmed_and_empty_ones_are_missing() {
    let fixture = Fixture::holding();
    let body = with(user("bob"), json!({"first_name": "  Bob  ", "last_name": "   "}));
    fixture.post("/api/application/users", &body).await.assert_violations(&[("last_name", "required")]);
    let body = with(body, json!({"last_name": "C", "external_id": ""}));
    let created = fixture.post("/api/application/users", &body).await.assert_status(201).attributes();
    assert_eq!(created["first_name"], "Bob");
    assert!(created["external_id"].is_null());
}

#[tokio::test]
async fn only_installed_languages_and_booleans_are_accepted() {
    let fixture = Fixture::holding();
    let body = with(user("bob"), json!({"language": "xx", "root_admin": "perhaps"}));
    let answer = fixture.post("/api/application/users", &body).await;
    answer.assert_violations(&[("language", "in"), ("root_admin", "boolean")]);
    assert_eq!(answer.details()[1], "The Root Administrator Status field must be true or false.");
}

#[tokio::test]
async fn a_user_with_servers_cannot_be_deleted() {
    let fixture = Fixture::with_server().await;
    fixture.delete("/api/application/users/2").await.assert_error(400, "DisplayException");
    fixture.panel.delete_server(1);
    fixture.delete("/api/application/users/2").await.assert_status(204);
    fixture.get("/api/application/users/2").await.assert_error(404, "NotFoundHttpException");
}
