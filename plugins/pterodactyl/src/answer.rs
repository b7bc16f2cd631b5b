//! What the panel answers: envelopes, lists, errors.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use jiff::{Timestamp, fmt::rfc2822};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

/// An answer, whatever it holds.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Bytes,
}

/// `{"object": ..., "attributes": {...}}`
#[derive(Debug, Deserialize)]
pub(crate) struct Envelope<T> {
    pub(crate) attributes: T,
}

/// `{"object": "list", "data": [...], "meta": {...}}`, its items as they came.
#[derive(Debug, Deserialize)]
pub(crate) struct List {
    pub(crate) data: Vec<Value>,
    #[serde(default)]
    meta: ListMeta,
}

#[derive(Debug, Default, Deserialize)]
struct ListMeta {
    pagination: Option<Pagination>,
}

#[derive(Debug, Deserialize)]
struct Pagination {
    current_page: u32,
    total_pages: u32,
}

/// One error of an answer. `source` and `meta.trace`, which a panel in debug mode adds, are never read.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) detail: String,
    #[serde(default)]
    pub(crate) meta: RefusalMeta,
}

/// The rule that a field of the body broke.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct RefusalMeta {
    #[serde(default)]
    pub(crate) source_field: String,
    #[serde(default)]
    pub(crate) rule: String,
}

#[derive(Deserialize)]
struct Refusals {
    errors: Vec<Refusal>,
}

impl Answer {
    pub(crate) fn new(response: http::Response<Bytes>) -> Self {
        let (head, body) = response.into_parts();
        Self { status: head.status, headers: head.headers, body }
    }

    pub(crate) fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The panel's errors; empty when this is not an error of a panel.
    pub(crate) fn refusals(&self) -> Vec<Refusal> {
        self.json::<Refusals>().map(|answer| answer.errors).unwrap_or_default()
    }

    /// True when it came through the API's key check, which marks every answer with the state of the rate limit.
    pub(crate) fn is_behind_key_check(&self) -> bool {
        self.headers.contains_key("x-ratelimit-limit")
    }

    pub(crate) fn is_html(&self) -> bool {
        let declared = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        declared.starts_with("text/html") || self.body.trim_ascii_start().first() == Some(&b'<')
    }

    /// What `Retry-After` asks for, given in seconds or as a date.
    pub(crate) fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        let text = self.headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let date = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        Some(Duration::try_from(date.duration_since(now)).unwrap_or(Duration::ZERO))
    }
}

impl List {
    /// The number of the page after this one. The panel's own `links.next` is no help: it drops `per_page` and filters.
    pub(crate) fn next_page(&self) -> Option<u32> {
        let pagination = self.meta.pagination.as_ref()?;
        let has_more = !self.data.is_empty() && pagination.current_page < pagination.total_pages;
        has_more.then(|| pagination.current_page.saturating_add(1))
    }

    /// The items that can be read; a malformed one must not hide the others.
    pub(crate) fn items<T: DeserializeOwned>(self) -> impl Iterator<Item = T> {
        self.data.into_iter().filter_map(|item| match serde_json::from_value::<Envelope<T>>(item) {
            Ok(envelope) => Some(envelope.attributes),
            Err(error) => {
                tracing::warn!(%error, "an item of a list cannot be read and is left out");
                None
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(header: &str, body: &'static str) -> Answer {
        Answer::new(
            http::Response::builder()
                .header(header::RETRY_AFTER, header)
                .body(Bytes::from_static(body.as_bytes()))
                .unwrap(),
        )
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now: Timestamp = "2026-11-23T15:00:00Z".parse().unwrap();
        assert_eq!(answer("17", "").retry_after(now), Some(Duration::from_secs(17)));
        let dated = answer("Mon, 23 Nov 2026 15:01:30 GMT", "").retry_after(now);
        assert_eq!(dated, Some(Duration::from_secs(90)));
        let past = answer("Mon, 23 Nov 2026 14:00:00 GMT", "").retry_after(now);
        assert_eq!(past, Some(Duration::ZERO));
        assert_eq!(answer("soon", "").retry_after(now), None);
    }

    #[test]
    fn a_malformed_item_does_not_hide_the_others() {
        #[derive(Deserialize)]
        struct Numbered {
            id: u64,
        }
        let list: List = serde_json::from_str(
            r#"{"object":"list","data":[{"attributes":{"id":1}},{"attributes":{"id":"x"}},{"attributes":{"id":3}}]}"#,
        )
        .unwrap();
        assert_eq!(list.items::<Numbered>().map(|item| item.id).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn the_next_page_is_counted_and_an_empty_page_is_the_last() {
        let next = |data: &str, current: u32, total: u32| {
            let text = format!(
                r#"{{"data":{data},"meta":{{"pagination":{{"current_page":{current},"total_pages":{total},"links":{{}}}}}}}}"#
            );
            serde_json::from_str::<List>(&text).unwrap().next_page()
        };
        assert_eq!(next("[{}]", 1, 3), Some(2));
        assert_eq!(next("[{}]", 3, 3), None);
        assert_eq!(next("[]", 2, 3), None);
        assert_eq!(serde_json::from_str::<List>(r#"{"data":[{}]}"#).unwrap().next_page(), None);
    }
}
