//! Deliberate misbehaviour of the panel itself.

use std::time::Duration;

use regex::Regex;

use crate::config::RateLimits;

/// Deliberate misbehaviour. The default is none.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Delay before every API request is looked at.
    pub latency: Duration,
    /// Requests whose answer is lost after they took effect: the connection breaks instead.
    pub lose_reply: Vec<RequestMatch>,
    /// Requests answered with 500 after they took effect.
    pub server_error: Vec<RequestMatch>,
    /// Limits in place of the dialect's.
    pub rate_limits: Option<RateLimits>,
}

/// A number of requests to come, by method and path.
#[derive(Clone, Debug)]
pub struct RequestMatch {
    method: String,
    path: Regex,
    remaining: u32,
}

impl RequestMatch {
    /// The next `count` requests with this method and a path matching the regular expression `path`.
    pub fn new(method: &str, path: &str, count: u32) -> Result<Self, regex::Error> {
        Ok(Self { method: method.to_ascii_uppercase(), path: Regex::new(path)?, remaining: count })
    }

    fn takes(&mut self, method: &str, path: &str) -> bool {
        let matches = self.remaining > 0 && self.method == method && self.path.is_match(path);
        if matches {
            self.remaining -= 1;
        }
        matches
    }
}

/// What happens to the answer of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerFault {
    Lost,
    ServerError,
}

impl Faults {
    /// Uses up one occurrence of the first fault that matches the request.
    pub(crate) fn take(&mut self, method: &str, path: &str) -> Option<AnswerFault> {
        if self.lose_reply.iter_mut().any(|fault| fault.takes(method, path)) {
            Some(AnswerFault::Lost)
        } else if self.server_error.iter_mut().any(|fault| fault.takes(method, path)) {
            Some(AnswerFault::ServerError)
        } else {
            None
        }
    }
}
