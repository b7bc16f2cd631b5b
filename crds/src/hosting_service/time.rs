//! What billing says about time: until when a service is paid, and when it ends.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Until when a service is paid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Renewal {
    /// The first instant that is not paid any more. It moves forwards only, unless `corrects` names the date that stood.
    pub paid_until: Time,
    /// The date that stood before and was a mistake: with it, paidUntil may move backwards once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<Time>,
}

/// The end that a customer asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cancellation {
    /// When it ends; at once where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// Why, in words; the history repeats it.
    #[schemars(length(min = 1, max = 128))]
    pub reason: String,
    /// Who asked for it, as billing knows them; the history repeats it.
    #[schemars(length(min = 1, max = 63))]
    pub requested_by: String,
}
