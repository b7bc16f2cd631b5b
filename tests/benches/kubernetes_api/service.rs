//! A service as it is in production: what was ordered, and what a controller has written about it.

use serde_json::{Value, json};

pub const NAMESPACE: &str = "customers";
pub const SERVICES: &str = "/apis/hostwright.dev/v1alpha1/namespaces/customers/hostingservices";

pub fn name(number: usize) -> String {
    format!("service-{number:05}")
}

/// One that has settled, taken from a running demo.
fn settled(number: usize) -> Value {
    let text = include_str!("service.json").replace("alice-survival", &name(number));
    serde_json::from_str(&text).unwrap()
}

/// The body that creates it.
pub fn ordered(number: usize) -> Vec<u8> {
    let mut service = settled(number);
    service.as_object_mut().unwrap().remove("status");
    service.to_string().into_bytes()
}

/// The merge patch that writes its status.
pub fn status(number: usize) -> Vec<u8> {
    json!({ "status": settled(number)["status"] }).to_string().into_bytes()
}

/// The merge patch that changes it a little.
pub fn renamed(round: usize) -> Vec<u8> {
    json!({ "spec": { "checkout": { "server_name": format!("name {round}") } } }).to_string().into_bytes()
}
