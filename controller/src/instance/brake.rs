//! The brakes: so many endings, and suspensions by overdue policies, in a span of time, and no more without a person.
//!
//! They are reserved in blocks, and a block is in status before its first use: a crash may count endings that never
//! happened, and forgets none that did.

use std::time::Duration;

use hostwright_crds::{Brake as Window, BrakeLimit, ProviderInstance, ProviderInstanceStatus, annotation, reason};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use kube::runtime::reflector::ObjectRef;
use kube::{Api, ResourceExt as _};

use crate::context::Context;
use crate::kube::fenced::write_status_of;
use crate::kube::{WriteError, bounded};
use crate::providers::Hold;

/// A quarter of the limit is reserved at once: few writes, and few endings lost to a restart.
const BLOCKS: i32 = 4;
/// How often a reservation is tried when others write the status at the same time.
const TRIES: usize = 4;

/// What a brake is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Braked {
    /// Every ending.
    Endings,
    /// Suspensions that only an overdue policy wants.
    PolicySuspensions,
}

impl Braked {
    fn limit(self, instance: &ProviderInstance) -> BrakeLimit {
        let limits = &instance.spec.limits;
        let hourly = |max| BrakeLimit { max, per: hostwright_crds::Duration::seconds(3_600) };
        match self {
            Self::Endings => limits.terminations.clone().unwrap_or_else(|| hourly(20)),
            Self::PolicySuspensions => limits.policy_suspensions.clone().unwrap_or_else(|| hourly(100)),
        }
    }

    fn annotation(self) -> &'static str {
        match self {
            Self::Endings => annotation::RELEASE_ENDINGS,
            Self::PolicySuspensions => annotation::RELEASE_SUSPENSIONS,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Endings => reason::TERMINATION_HELD,
            Self::PolicySuspensions => reason::POLICY_SUSPENSION_HELD,
        }
    }

    fn window(self, status: &ProviderInstanceStatus) -> Option<&Window> {
        match self {
            Self::Endings => status.brake.as_ref(),
            Self::PolicySuspensions => status.policy_brake.as_ref(),
        }
    }

    fn set_window(self, status: &mut ProviderInstanceStatus, window: Window) {
        match self {
            Self::Endings => status.brake = Some(window),
            Self::PolicySuspensions => status.policy_brake = Some(window),
        }
    }
}

/// What is reserved and not used, by brake.
#[derive(Debug, Default)]
pub(super) struct Reserves {
    endings: tokio::sync::Mutex<Reserve>,
    policy_suspensions: tokio::sync::Mutex<Reserve>,
}

impl Reserves {
    fn of(&self, braked: Braked) -> &tokio::sync::Mutex<Reserve> {
        match braked {
            Braked::Endings => &self.endings,
            Braked::PolicySuspensions => &self.policy_suspensions,
        }
    }
}

#[derive(Debug, Default)]
struct Reserve {
    left: i32,
    until: Timestamp,
}

impl Reserve {
    fn take(&mut self, now: Timestamp) -> bool {
        let granted = self.left > 0 && now < self.until;
        if granted {
            self.left -= 1;
        }
        granted
    }
}

/// How many are allowed.
#[derive(Debug, Clone, Copy)]
pub struct Brake<'a> {
    /// Of what.
    braked: Braked,
    /// So many.
    max: i32,
    /// In so much time.
    per: Duration,
    /// The value of the annotation that releases more.
    release: Option<&'a str>,
}

/// What the brake says to one more ending.
#[derive(Debug, Clone, PartialEq)]
enum Decision {
    /// Write this window first; then so many endings are free until then.
    Reserve { window: Window, block: i32, until: Timestamp },
    /// No more for now.
    Held { used: i32 },
}

impl<'a> Brake<'a> {
    fn of(instance: &'a ProviderInstance, braked: Braked) -> Self {
        let limit = braked.limit(instance);
        let release = instance.annotations().get(braked.annotation()).map(String::as_str);
        Self { braked, max: limit.max, per: limit.per.get(), release }
    }

    fn decide(&self, recorded: Option<&Window>, now: Timestamp) -> Decision {
        let (mut window, until) = self.current(recorded, now);
        match self.release {
            // A value counts once, in the window in which it is first seen.
            Some(value) if window.released_by.as_deref() != Some(value) => {
                let more = value.trim().parse::<i32>().unwrap_or(0).max(0);
                window.released = Some(window.released.unwrap_or(0).saturating_add(more));
                window.released_by = Some(value.to_owned());
            }
            Some(_) => {}
            None => window.released_by = None,
        }
        let allowed = self.max.saturating_add(window.released.unwrap_or(0));
        let left = allowed.saturating_sub(window.reserved);
        if left <= 0 {
            return Decision::Held { used: window.reserved };
        }
        let block = (self.max / BLOCKS).max(1).min(left);
        window.reserved += block;
        Decision::Reserve { window, block, until }
    }

    /// The window that now belongs to, and its end.
    fn current(&self, recorded: Option<&Window>, now: Timestamp) -> (Window, Timestamp) {
        let end = |since: Timestamp| since.saturating_add(self.per).unwrap_or(since);
        match recorded.and_then(|window| window.since.as_ref().map(|since| (window, since.0))) {
            // One that begins further ahead than a window is long comes from a clock that was wrong.
            Some((window, since)) if now < end(since) && since < end(now) => (window.clone(), end(since)),
            earlier => {
                let released_by = earlier.and_then(|(window, _)| window.released_by.clone());
                (Window { since: Some(Time(now)), reserved: 0, released: None, released_by }, end(now))
            }
        }
    }

    /// Without the number of those that wait: it moves, and each of them would write it again.
    fn held(&self, name: &str, count: i32) -> Hold {
        let span = match self.per.as_secs() {
            3_600 => "hour".to_owned(),
            seconds => hostwright_crds::Duration::seconds(seconds).to_string(),
        };
        let number = if self.release.is_some() { "ANOTHER NUMBER" } else { "NUMBER" };
        let (done, otherwise) = match self.braked {
            Braked::Endings => ("ended", "deletionPolicy Retain, put them back"),
            Braked::PolicySuspensions => ("suspended as overdue", "correct paidUntil, or the package's overdue policy"),
        };
        let text = format!(
            "{name}: {count} {done} in the last {span}, more wait; intended: annotate hinst {name} {}={number}; not \
             intended: {otherwise}",
            self.braked.annotation()
        );
        Hold::new(self.braked.reason(), text)
    }
}

/// Takes one from what is allowed. One that is then not carried out counts all the same.
///
/// # Errors
/// Why it has to wait.
pub async fn take(ctx: &Context, instance: &str, braked: Braked) -> Result<(), Hold> {
    let unknown = || Hold::new(reason::INSTANCE_NOT_READY, format!("{instance}: not connected yet"));
    let remembered = ctx.providers.memory.get(instance).ok_or_else(unknown)?;
    let mut reserve = remembered.reserves.of(braked).lock().await;
    if reserve.take(ctx.clock.now()) {
        return Ok(());
    }
    // What the cache shows to be used up stays so: hundreds may ask.
    let cached = ctx.caches.instances.get(&ObjectRef::new(instance)).ok_or_else(unknown)?;
    let cached = cached.0.as_ref().map_err(|_| unknown())?;
    if let Decision::Held { used } = decide(cached, braked, ctx) {
        return Err(Brake::of(cached, braked).held(instance, used));
    }
    reserve_block(ctx, instance, braked, &mut reserve).await
}

/// Whether the brake is known to hold: by the cache, so that hundreds can ask without a request.
pub fn brake_holds(ctx: &Context, instance: &str, braked: Braked) -> Option<Hold> {
    let remembered = ctx.providers.memory.get(instance)?;
    // Whoever takes an ending right now will find out.
    let reserved = remembered.reserves.of(braked).try_lock().is_ok_and(|reserve| reserve.left == 0);
    let cached = ctx.caches.instances.get(&ObjectRef::new(instance))?;
    let cached = cached.0.as_ref().ok().filter(|_| reserved)?;
    match decide(cached, braked, ctx) {
        Decision::Held { used } => Some(Brake::of(cached, braked).held(instance, used)),
        Decision::Reserve { .. } => None,
    }
}

async fn reserve_block(ctx: &Context, instance: &str, braked: Braked, reserve: &mut Reserve) -> Result<(), Hold> {
    let failed = |problem: &dyn std::fmt::Display| {
        let text = format!("{instance}: the brake cannot count it, so it waits: {problem}");
        Hold::new(braked.reason(), text)
    };
    let api: Api<ProviderInstance> = Api::all(ctx.client.clone());
    for _ in 0..TRIES {
        if !ctx.leadership.holds() {
            return Err(failed(&"another replica leads"));
        }
        let live = bounded(api.get(instance)).await.map_err(|problem| failed(&problem))?;
        let (window, block, until) = match decide(&live, braked, ctx) {
            Decision::Held { used } => return Err(Brake::of(&live, braked).held(instance, used)),
            Decision::Reserve { window, block, until } => (window, block, until),
        };
        let mut status = live.status.clone().unwrap_or_default();
        braked.set_window(&mut status, window);
        match write_status_of(&ctx.client, &live, status).await {
            Ok(_) => {
                *reserve = Reserve { left: block - 1, until };
                return Ok(());
            }
            Err(WriteError::Conflict) => {}
            Err(problem) => return Err(failed(&problem)),
        }
    }
    Err(failed(&WriteError::Conflict))
}

fn decide(instance: &ProviderInstance, braked: Braked, ctx: &Context) -> Decision {
    let window = instance.status.as_ref().and_then(|status| braked.window(status));
    Brake::of(instance, braked).decide(window, ctx.clock.now())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn brake(max: i32, release: Option<&str>) -> Brake<'_> {
        Brake { braked: Braked::Endings, max, per: HOUR, release }
    }

    /// Takes endings until the brake holds; how many there were, and how many writes they took.
    fn drain(brake: Brake, recorded: &mut Option<Window>, now: Timestamp) -> (i32, usize) {
        let (mut ended, mut writes) = (0, 0);
        let mut reserve = Reserve::default();
        while ended < 1_000 {
            if reserve.take(now) {
                ended += 1;
                continue;
            }
            match brake.decide(recorded.as_ref(), now) {
                Decision::Held { .. } => break,
                Decision::Reserve { window, block, until } => {
                    *recorded = Some(window);
                    reserve = Reserve { left: block, until };
                    writes += 1;
                }
            }
        }
        (ended, writes)
    }

    #[test]
    fn no_more_than_the_limit_is_ended_in_a_window_and_blocks_save_writes() {
        for (max, ended, writes) in [(20, 20, 4), (1, 1, 1), (0, 0, 0), (7, 7, 7), (22, 22, 5)] {
            assert_eq!(drain(brake(max, None), &mut None, at(0)), (ended, writes), "{max}");
        }
    }

    #[test]
    fn the_next_window_allows_as_many_again() {
        let mut recorded = None;
        drain(brake(20, None), &mut recorded, at(0));
        assert_eq!(brake(20, None).decide(recorded.as_ref(), at(3_599)), Decision::Held { used: 20 });
        assert_eq!(drain(brake(20, None), &mut recorded, at(3_600)).0, 20);
    }

    #[test]
    fn what_a_crashed_process_had_reserved_counts_as_used() {
        let mut recorded = None;
        if let Decision::Reserve { window, .. } = brake(20, None).decide(None, at(0)) {
            recorded = Some(window);
        }
        assert_eq!(drain(brake(20, None), &mut recorded, at(1)).0, 15);
    }

    #[test]
    fn a_reservation_is_not_carried_into_the_next_window() {
        let mut reserve = Reserve { left: 5, until: at(3_600) };
        assert!(reserve.take(at(3_599)) && !reserve.take(at(3_600)));
    }

    #[test]
    fn released_endings_count_once_and_in_one_window() {
        let mut recorded = None;
        drain(brake(20, None), &mut recorded, at(0));
        assert_eq!(drain(brake(20, Some("312")), &mut recorded, at(60)).0, 312);
        assert_eq!(drain(brake(20, Some("312")), &mut recorded, at(3_600)).0, 20, "the same value, the next window");
        assert_eq!(drain(brake(20, Some("5")), &mut recorded, at(3_700)).0, 5, "another value");
        assert_eq!(drain(brake(20, Some("many")), &mut recorded, at(3_700)).0, 0, "no number");
    }

    #[test]
    fn a_clock_that_steps_back_neither_forgets_the_window_nor_holds_for_ever() {
        let ahead = |second| Window { since: Some(Time(at(second))), reserved: 20, ..Window::default() };
        assert_eq!(brake(20, None).decide(Some(&ahead(10)), at(0)), Decision::Held { used: 20 });
        assert!(matches!(brake(20, None).decide(Some(&ahead(1_000_000)), at(0)), Decision::Reserve { .. }));
    }

    #[test]
    fn the_message_says_how_to_let_them_go_and_how_to_keep_them() {
        let hold = brake(20, None).held("panel-eu", 20);
        assert_eq!(
            hold.message,
            "panel-eu: 20 ended in the last hour, more wait; intended: annotate hinst panel-eu \
             hostwright.dev/release-endings=NUMBER; not intended: deletionPolicy Retain, put them back"
        );
    }
}
