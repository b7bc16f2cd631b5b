//! How many requests a minute an instance gets.

use std::time::Duration;

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_mins(1);

/// A token bucket that refills evenly over a minute.
///
/// The bucket is kept as the moment at which it will be full again: nothing has to be refilled, and no fraction of a token
/// is lost.
#[derive(Debug, Clone)]
pub struct Limiter {
    per_minute: u32,
    full_at: Instant,
}

impl Limiter {
    /// A full bucket of this many tokens a minute; none a minute counts as one.
    pub fn new(per_minute: u32, now: Instant) -> Self {
        Self { per_minute: per_minute.max(1), full_at: now }
    }

    /// Changes the rate. Tokens that are gone stay gone, but no wait becomes longer than an empty bucket asks for.
    pub fn set_rate(&mut self, per_minute: u32, now: Instant) {
        self.per_minute = per_minute.max(1);
        self.full_at = self.full_at.min(now + self.tokens(self.burst()));
    }

    /// Takes this many tokens, at most [`Limiter::burst`].
    ///
    /// # Errors
    /// How long to wait until there are that many; nothing is taken.
    pub fn take(&mut self, now: Instant, cost: u32) -> Result<(), Duration> {
        let full_at = self.full_at.max(now) + self.tokens(cost.min(self.burst()));
        let latest = now + self.tokens(self.burst());
        if full_at > latest {
            return Err(full_at - latest);
        }
        self.full_at = full_at;
        Ok(())
    }

    /// How many tokens the bucket holds: a quarter of a minute's, so that one minute never sees much more than its share,
    /// and at least 10, so that a small rate still lets one service through in a row.
    pub fn burst(&self) -> u32 {
        (self.per_minute / 4).max(10)
    }

    /// How long this many tokens take to come.
    fn tokens(&self, count: u32) -> Duration {
        MINUTE * count / self.per_minute
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken_at_once(limiter: &mut Limiter, now: Instant) -> u32 {
        (0..1_000).take_while(|_| limiter.take(now, 1).is_ok()).count().try_into().unwrap()
    }

    #[test]
    fn a_quarter_of_a_minute_can_go_at_once_and_at_least_ten() {
        let now = Instant::now();
        for (per_minute, burst) in [(240, 60), (60, 15), (40, 10), (1, 10), (0, 10)] {
            assert_eq!(taken_at_once(&mut Limiter::new(per_minute, now), now), burst, "{per_minute} a minute");
        }
    }

    #[test]
    fn an_empty_bucket_says_how_long_to_wait_and_then_gives() {
        let now = Instant::now();
        let mut limiter = Limiter::new(60, now);
        taken_at_once(&mut limiter, now);
        assert_eq!(limiter.take(now, 3), Err(Duration::from_secs(3)));
        assert_eq!(limiter.take(now + Duration::from_secs(2), 3), Err(Duration::from_secs(1)));
        assert_eq!(limiter.take(now + Duration::from_secs(3), 3), Ok(()));
        assert_eq!(limiter.take(now + Duration::from_secs(3), 1), Err(Duration::from_secs(1)));
    }

    #[test]
    fn a_minute_gives_no_more_than_its_tokens_and_the_burst() {
        let start = Instant::now();
        let mut limiter = Limiter::new(60, start);
        let taken: u32 = (0..60).map(|second| taken_at_once(&mut limiter, start + Duration::from_secs(second))).sum();
        assert!((60..=60 + limiter.burst()).contains(&taken), "{taken}");
    }

    #[test]
    fn idle_hours_save_nothing_up() {
        let now = Instant::now();
        let mut limiter = Limiter::new(60, now);
        let later = now + Duration::from_hours(2);
        assert_eq!(taken_at_once(&mut limiter, later), 15);
    }

    #[test]
    fn a_higher_rate_shortens_the_wait() {
        let now = Instant::now();
        let mut limiter = Limiter::new(1, now);
        taken_at_once(&mut limiter, now);
        assert_eq!(limiter.take(now, 1), Err(Duration::from_mins(1)));
        limiter.set_rate(60, now);
        assert_eq!(limiter.take(now, 1), Err(Duration::from_secs(1)));
    }
}
