//! Whose panel user a server ends up with.

use demo_panel::{Faults, RequestMatch};
use hostwright_plugin::{Call, Class, Plugin as _};
use serde_json::json;

use crate::support::{Fixture, Script, answer, broken, call, done, named, not_found, page_of, user};

fn adopting(mut call: Call) -> Call {
    call.instance.settings.insert("adopt_by_email".to_owned(), true.into());
    call
}

async fn add_user(fixture: &Fixture, email: &str, external_id: Option<&str>) {
    let username = email.split('@').next().unwrap();
    let body =
        json!({"email": email, "username": username, "first_name": "X", "last_name": "Y", "external_id": external_id});
    fixture.api("POST", "users", &body).await;
}

fn owner_of(fixture: &Fixture, call: &Call) -> demo_panel::User {
    let owner = fixture.server(call).owner;
    fixture.panel.users().into_iter().find(|user| user.id == owner).unwrap()
}

#[tokio::test]
async fn a_new_owner_gets_a_marked_user_with_their_name_and_address() {
    let fixture = Fixture::new();
    fixture.created(call()).await;
    let made = owner_of(&fixture, &call());
    assert_eq!(made.external_id.as_deref(), Some("prod.customers.cust-1"));
    assert_eq!(made.email, "alice@example.com");
    assert_eq!((made.first_name.as_str(), made.last_name.as_str()), ("Alice", "Archer"));
    assert!(made.username.starts_with("alicearcher-"));
    assert!(!made.root_admin);
}

#[tokio::test]
async fn a_second_service_of_the_owner_uses_the_same_user() {
    let fixture = Fixture::new();
    fixture.created(call()).await;
    let second = fixture.created(named(call(), "prod.customers.second")).await;
    assert_eq!(owner_of(&fixture, &second).id, owner_of(&fixture, &call()).id);
}

#[tokio::test]
async fn a_similar_address_is_somebody_else() {
    let fixture = Fixture::new();
    add_user(&fixture, "xalice@example.com", None).await;
    fixture.created(adopting(call())).await;
    assert_eq!(owner_of(&fixture, &call()).email, "alice@example.com");
}

#[tokio::test]
async fn an_address_that_belongs_to_somebody_else_is_refused_and_nothing_is_made() {
    let fixture = Fixture::new();
    add_user(&fixture, "Alice@Example.com", Some("17")).await;
    let error = fixture.plugin.create(&call()).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Invalid, "OwnerEmailTaken"));
    assert_eq!(error.field.as_deref(), Some("owner.email"));
    assert!(error.message.contains("adopt_by_email"), "{error}");
    assert!(fixture.panel.servers().is_empty());
    assert_eq!(fixture.panel.users().len(), 2);
}

#[tokio::test]
async fn where_policy_allows_it_that_user_is_used_and_left_as_it_is() {
    let fixture = Fixture::new();
    add_user(&fixture, "alice@example.com", Some("17")).await;
    let call = fixture.created(adopting(call())).await;
    let owner = owner_of(&fixture, &call);
    assert_eq!(owner.external_id.as_deref(), Some("17"));
    assert_eq!(owner.first_name, "X");
    assert_eq!(fixture.panel.users().len(), 2);
    assert_eq!(fixture.present(&call).await.owner_key.as_deref(), Some("prod.customers.cust-1"));
    let mut strict = call.clone();
    strict.instance.settings.insert("adopt_by_email".to_owned(), false.into());
    assert_eq!(fixture.present(&strict).await.owner_key.as_deref(), Some("17"));
}

#[tokio::test]
async fn the_user_of_another_owner_of_this_installation_is_never_adopted() {
    let fixture = Fixture::new();
    fixture.created(call()).await;
    let mut other = adopting(named(call(), "prod.shops.alice"));
    other.owner.key = "prod.shops.cust-1".to_owned();
    let error = fixture.plugin.create(&other).await.unwrap_err();
    assert_eq!(error.code, "OwnerEmailTaken");
    assert_eq!(fixture.panel.servers().len(), 1);
}

#[tokio::test]
async fn the_same_owner_id_in_two_namespaces_is_two_users() {
    let fixture = Fixture::new();
    fixture.created(call()).await;
    let mut other = named(call(), "prod.shops.bob");
    other.owner.key = "prod.shops.cust-1".to_owned();
    other.owner.email = "bob@example.com".to_owned();
    fixture.created(other.clone()).await;
    assert_ne!(owner_of(&fixture, &other).id, owner_of(&fixture, &call()).id);
}

#[tokio::test]
async fn a_user_whose_making_got_no_reply_is_found_by_the_next_attempt() {
    let fixture = Fixture::new();
    let lose_reply = vec![RequestMatch::new("POST", "/users$", 1).unwrap()];
    fixture.panel.set_faults(Faults { lose_reply, ..Faults::default() });
    let error = fixture.plugin.create(&call()).await.unwrap_err();
    assert_eq!(error.class, Class::Unknown);
    done(fixture.plugin.create(&call()).await);
    assert_eq!(fixture.panel.users().len(), 2);
}

#[tokio::test]
async fn a_user_made_by_somebody_else_at_the_same_time_is_looked_up_again() {
    let egg = json!({"object": "egg", "attributes": {"docker_image": "java", "startup": "java",
        "relationships": {"variables": {"data": []}}}});
    let script = Script::new([
        not_found(),
        answer(200, &page_of(&[], 1, 1)),
        broken(&[("email", "unique"), ("username", "unique")]),
        answer(200, &user(9, Some("prod.customers.cust-1"), "alice@example.com")),
        answer(200, &egg),
        answer(201, &crate::support::server(|_| {})),
    ]);
    done(script.plugin().create(&call()).await);
    assert_eq!(script.body(5)["user"], 9);
}

#[tokio::test]
async fn partial_matches_are_searched_to_the_last_page() {
    let others: Vec<_> = (10..12).map(|id| user(id, None, &format!("{id}alice@example.com"))).collect();
    let script = Script::new([
        not_found(),
        answer(200, &page_of(&others, 1, 2)),
        answer(200, &page_of(&[user(20, None, "ALICE@example.com")], 2, 2)),
    ]);
    let error = script.plugin().create(&call()).await.unwrap_err();
    assert_eq!(error.code, "OwnerEmailTaken");
    assert!(script.names()[2].ends_with("page=2"), "{:?}", script.names());
}

#[tokio::test]
async fn an_owner_without_an_address_is_refused_by_field() {
    let fixture = Fixture::new();
    let mut call = call();
    call.owner.email.clear();
    let error = fixture.plugin.create(&call).await.unwrap_err();
    assert_eq!((error.class, error.field.as_deref()), (Class::Invalid, Some("owner.email")));
}
