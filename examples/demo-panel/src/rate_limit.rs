//! Fixed windows of one minute that begin with the first request, as Laravel's limiter counts them.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::records::UserId;

const WINDOW: Duration = Duration::from_mins(1);

/// The two APIs, each with buckets of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Api {
    Application,
    Client,
}

#[derive(Debug, Default)]
pub(crate) struct RateLimiter {
    windows: HashMap<(Api, UserId), Window>,
}

#[derive(Debug)]
struct Window {
    ends: Instant,
    used: u32,
}

/// What became of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Admitted { remaining: u32 },
    Refused { retry_after: Duration },
}

impl RateLimiter {
    /// Counts a request of `user` against `limit` requests per window.
    pub(crate) fn admit(&mut self, api: Api, user: UserId, limit: u32) -> Admission {
        let now = Instant::now();
        let window = self.windows.entry((api, user)).or_insert(Window { ends: now + WINDOW, used: 0 });
        if now >= window.ends {
            *window = Window { ends: now + WINDOW, used: 0 };
        }
        if window.used >= limit {
            return Admission::Refused { retry_after: window.ends - now };
        }
        window.used += 1;
        Admission::Admitted { remaining: limit - window.used }
    }
}
