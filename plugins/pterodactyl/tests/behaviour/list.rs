//! Looking at all servers.

use demo_panel::{Faults, RateLimits};
use hostwright_plugin::{Class, Plugin as _, State};
use serde_json::json;

use crate::support::{Fixture, Script, answer, call, instance, named, page_of, server};

#[tokio::test]
async fn all_servers_come_page_by_page_with_their_marks() {
    let fixture = Fixture::new();
    fixture.panel.add_node("n2", 1, 1_000_000, 1_000_000, 200);
    let rate_limits = Some(RateLimits { application: 10_000, client: 720 });
    fixture.panel.set_faults(Faults { rate_limits, ..Faults::default() });
    for number in 0..101 {
        fixture.created(named(call(), &format!("prod.customers.s{number:03}"))).await;
    }
    let first = fixture.plugin.list(&instance(), None).await.unwrap();
    assert_eq!((first.items.len(), first.next.as_deref()), (100, Some("2")));
    let last = fixture.plugin.list(&instance(), first.next.as_deref()).await.unwrap();
    assert_eq!((last.items.len(), last.next), (1, None));
    assert_eq!(fixture.sent().len(), 2);

    let listed = &last.items[0];
    assert_eq!(listed.external_id.as_deref(), Some("prod.customers.s100"));
    assert_eq!(listed.owner_key.as_deref(), Some("prod.customers.cust-1"));
    assert_eq!(listed.state, State::Provisioning);
    assert_eq!(listed.applied["memory"], 1024);
    assert!(listed.drift.is_empty());
}

#[tokio::test]
async fn a_list_that_shrinks_while_it_is_read_ends() {
    let script = Script::new([answer(200, &page_of(&[], 2, 5))]);
    let page = script.plugin().list(&instance(), Some("2")).await.unwrap();
    assert_eq!((page.items.len(), page.next), (0, None));
}

#[tokio::test]
async fn an_unmarked_server_is_listed_and_a_malformed_one_does_not_hide_the_others() {
    let unmarked = server(|server| server["external_id"] = json!(null));
    let malformed = server(|server| server["limits"] = json!("none"));
    let script = Script::new([answer(200, &page_of(&[malformed, unmarked], 1, 1))]);
    let page = script.plugin().list(&instance(), None).await.unwrap();
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.items[0].external_id, None);
}

#[tokio::test]
async fn a_cursor_that_is_no_page_number_is_refused_without_a_request() {
    let script = Script::new([]);
    let error = script.plugin().list(&instance(), Some("../users")).await.unwrap_err();
    assert_eq!(error.class, Class::Internal);
}
