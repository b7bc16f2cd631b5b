//! Taking over servers that are there already, and the users that servers leave behind.

use hostwright_plugin::{Call, Class, Observation, Plugin as _, Remote};
use serde_json::{Value, json};

use crate::support::{Fixture, call, instance};

/// A server that another system made for the user with this address, and a call that names it.
async fn stranger(fixture: &Fixture, email: &str) -> Call {
    let mut eve = call();
    "prod.customers.cust-9".clone_into(&mut eve.owner.key);
    "first@example.com".clone_into(&mut eve.owner.email);
    let made = fixture.created(eve).await;
    let id = made.remote.as_ref().unwrap().id.clone();
    let server = fixture.server(&made);
    let user = json!({"email": email, "username": "found", "first_name": "F", "last_name": "D"});
    let user = fixture.api("POST", "users", &user).await["attributes"]["id"].clone();
    let details = json!({"name": "kept", "user": user, "external_id": null, "description": "and this"});
    fixture.panel.finish_installation(server.id, true);
    fixture.api("PATCH", &format!("servers/{id}/details"), &details).await;
    fixture.sent();
    named(&id)
}

/// A call of the service, whose remote is to be the server with this number.
fn named(id: &str) -> Call {
    Call { remote: Some(Remote { id: id.to_owned(), ..Remote::default() }), named: Some(id.to_owned()), ..call() }
}

async fn marked(fixture: &Fixture, call: &Call) -> Value {
    let id = call.named.as_ref().unwrap();
    fixture.api("GET", &format!("servers/{id}"), &Value::Null).await["attributes"].clone()
}

#[tokio::test]
async fn a_server_is_found_by_its_number_alone_and_shows_whose_mark_it_carries() {
    let fixture = Fixture::new();
    let wanted = stranger(&fixture, "alice@example.com").await;
    let Observation::Present(present) = fixture.plugin.observe(&wanted).await.unwrap() else { panic!("absent") };
    assert_eq!(
        (present.remote.id.as_str(), present.external_id.as_deref()),
        (wanted.remote.as_ref().unwrap().id.as_str(), None)
    );
    assert_eq!(fixture.plugin.observe(&named("404")).await.unwrap(), Observation::Absent);
    let error = fixture.plugin.observe(&named("1a7ce997")).await.unwrap_err();
    assert_eq!(error.class, Class::Invalid);
    assert!(error.message.contains("\"1a7ce997\" is not the number of a server"), "{}", error.message);
}

#[tokio::test]
async fn only_the_external_id_of_what_is_adopted_changes_and_once_more_changes_nothing() {
    let fixture = Fixture::new();
    let wanted = stranger(&fixture, "Alice@Example.com").await;
    let before = marked(&fixture, &wanted).await;
    fixture.plugin.adopt(&wanted).await.unwrap();
    let mut after = marked(&fixture, &wanted).await;
    assert_eq!(after["external_id"], call().external_id);
    after["external_id"] = Value::Null;
    after["updated_at"] = before["updated_at"].clone();
    assert_eq!(after, before);
    fixture.sent();
    fixture.plugin.adopt(&wanted).await.unwrap();
    assert!(fixture.sent().iter().all(|request| request.starts_with("GET ")));
}

#[tokio::test]
async fn a_server_of_somebody_else_is_refused_and_stays_as_it_is() {
    let fixture = Fixture::new();
    let wanted = stranger(&fixture, "eve@example.com").await;
    let error = fixture.plugin.adopt(&wanted).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Invalid, "AdoptionRefused"));
    assert!(!error.message.contains("eve@"), "addresses of others are nobody's business: {}", error.message);
    assert!(error.message.contains("belongs to panel user"), "{}", error.message);
    assert_eq!(marked(&fixture, &wanted).await["external_id"], Value::Null);
}

#[tokio::test]
async fn a_server_with_another_mark_is_refused() {
    let fixture = Fixture::new();
    let wanted = stranger(&fixture, "alice@example.com").await;
    let other = Call { external_id: "prod.customers.other".to_owned(), ..wanted.clone() };
    fixture.plugin.adopt(&other).await.unwrap();
    let error = fixture.plugin.adopt(&wanted).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Invalid, "AdoptionRefused"));
    assert!(error.message.contains("carries the external id \"prod.customers.other\""), "{}", error.message);
}

#[tokio::test]
async fn what_is_named_must_be_there_and_must_not_be_a_second_one() {
    let fixture = Fixture::new();
    assert_eq!(fixture.plugin.adopt(&named("404")).await.unwrap_err().class, Class::NotFound);
    let stranger = stranger(&fixture, "eve@example.com").await;
    fixture.created(call()).await;
    let error = fixture.plugin.adopt(&stranger).await.unwrap_err();
    assert_eq!(error.class, Class::NotFound, "its external id is another server's: {}", error.message);
    assert_eq!(marked(&fixture, &stranger).await["external_id"], Value::Null);
}

#[tokio::test]
async fn users_are_listed_with_their_marks_and_removed_only_with_the_mark_and_without_servers() {
    let fixture = Fixture::new();
    let made = fixture.created(call()).await;
    let instance = instance();
    let page = fixture.plugin.list_users(&instance, None).await.unwrap();
    let key = call().owner.key;
    let user = page.items.into_iter().find(|user| user.owner_key.as_ref() == Some(&key)).unwrap();
    assert_eq!(user.email, "alice@example.com");
    assert!(user.url.as_ref().unwrap().ends_with(&format!("/admin/users/view/{}", user.id)), "{:?}", user.url);

    let owns = fixture.plugin.remove_user(&instance, &user.id, &key).await.unwrap_err();
    assert_eq!(owns.class, Class::Conflict, "{}", owns.message);
    fixture.plugin.terminate(&made).await.unwrap();
    let other = fixture.plugin.remove_user(&instance, &user.id, "prod.customers.cust-2").await.unwrap_err();
    assert_eq!(other.class, Class::NotFound);
    fixture.plugin.remove_user(&instance, &user.id, &key).await.unwrap();
    assert!(fixture.panel.users().iter().all(|left| left.external_id.as_ref() != Some(&key)));
    assert_eq!(fixture.plugin.remove_user(&instance, &user.id, &key).await.unwrap_err().class, Class::NotFound);
    assert_eq!(fixture.plugin.remove_user(&instance, "", &key).await.unwrap_err().class, Class::NotFound);
}
