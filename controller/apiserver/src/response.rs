//! Building answers: JSON bodies with warnings.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WARNING};
use http::{Response, StatusCode};
use serde_json::Value;

use crate::resource::Resource;
use crate::status::ApiError;
use crate::store::Stored;
use crate::warning;

/// A successful answer before it is written out.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) content: Content,
}

/// What an answer tells.
#[derive(Debug)]
pub(crate) enum Content {
    Value(Value),
    /// An object as it is kept.
    Object(Arc<Stored>),
    /// Objects as they are kept, and the metadata of their list.
    List(Value, Vec<Arc<Stored>>),
}

impl From<Value> for Content {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

impl From<Arc<Stored>> for Content {
    fn from(object: Arc<Stored>) -> Self {
        Self::Object(object)
    }
}

impl Content {
    /// The same in the words of a resource, as a tree.
    pub(crate) fn into_value(self, resource: &Resource) -> Value {
        match self {
            Self::Value(value) => value,
            Self::Object(object) => resource.present(&object),
            Self::List(metadata, objects) => {
                let items: Vec<Value> = objects.iter().map(|object| resource.item(object)).collect();
                resource.list(&items, &metadata)
            }
        }
    }

    /// The same in the words of a resource, as JSON. A long list is written bit by bit, as the client takes it.
    pub(crate) fn into_body(self, resource: &Arc<Resource>) -> Body {
        match self {
            Self::Value(value) => Body::from(value.to_string()),
            Self::Object(object) => Body::from(resource.text(&object).into_owned()),
            Self::List(metadata, objects) => list(resource.clone(), &metadata, objects),
        }
    }
}

/// About so many bytes of a list are written at once.
const PART: usize = 64 * 1024;

fn list(resource: Arc<Resource>, metadata: &Value, objects: Vec<Arc<Stored>>) -> Body {
    // The list without its items, split where they belong.
    let frame = resource.list(&[], metadata).to_string();
    let (start, end) = frame.split_once("\"items\":[").unwrap_or((&frame, ""));
    let mut part = format!("{start}\"items\":[");
    let mut end = Some(end.to_owned());
    let is_short = objects.iter().map(|object| object.text().len()).sum::<usize>() < PART;
    let mut objects = objects.into_iter().enumerate();
    let parts = std::iter::from_fn(move || {
        while part.len() < PART {
            let Some((index, object)) = objects.next() else {
                part.push_str(&end.take()?);
                break;
            };
            part.push_str(if index == 0 { "" } else { "," });
            resource.push_item(&mut part, &object);
        }
        Some(Bytes::from(std::mem::take(&mut part)))
    });
    if is_short {
        return Body::from(parts.collect::<Vec<Bytes>>().concat());
    }
    Body::from_stream(futures::stream::iter(parts.map(Ok::<_, Infallible>)))
}

impl Answer {
    pub(crate) fn ok(content: impl Into<Content>) -> Self {
        Self { code: 200, content: content.into() }
    }

    pub(crate) fn created(content: impl Into<Content>) -> Self {
        Self { code: 201, content: content.into() }
    }
}

pub(crate) fn json(code: u16, body: &Value, warnings: &[String]) -> Response<Body> {
    written(code, Body::from(body.to_string()), warnings)
}

/// An answer whose JSON is written already.
pub(crate) fn written(code: u16, body: Body, warnings: &[String]) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for header in warning::headers(warnings) {
        response.headers_mut().append(WARNING, header);
    }
    response
}

pub(crate) fn error(error: &ApiError, warnings: &[String]) -> Response<Body> {
    let mut response = json(error.code, &error.to_value(), warnings);
    let seconds = error.details.as_ref().and_then(|details| details["retryAfterSeconds"].as_u64());
    if let Some(seconds) = seconds {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

pub(crate) fn text(code: u16, text: impl Into<String>) -> Response<Body> {
    let mut response = Response::new(Body::from(text.into()));
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
