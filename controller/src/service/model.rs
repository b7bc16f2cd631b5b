//! The planner and the fold against a small model of a provider: whatever goes wrong for a while, and wherever the process
//! dies, it converges afterwards, makes no second remote and loses none.

use hostwright_crds::{DeletionPolicy, DesiredStatus, HostingServiceStatus, OnRemoteMissing, Renewal, annotation};
use hostwright_plugin::{
    Class, CreateUniqueness, Difference, Error, Observation, Outcome, Present, Remote, RemoteState, RenewSupport,
    Secret, State,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt as _;
use proptest::prelude::*;

use super::fixture::{OWNER, Scene, at, service};
use super::fold::{self, Finding};
use super::plan::{ReleaseReason, Step};
use super::situation::Look;

/// The length of a paid period, in seconds.
const PERIOD: i64 = 2_592_000;
/// The credential that the provider makes up, where it does.
const TOKEN: &str = "token";

/// What happens to one mutation.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Answered,
    /// It takes effect, and the answer is lost.
    AnswerLost,
    /// It never arrives, which nobody can tell from the above.
    RequestLost,
    /// A create that takes effect this many seconds later, after its answer was given up.
    Late(i64),
    Refused(Class),
    /// The process dies before the call.
    CrashBefore,
    /// The process dies after the call took effect.
    CrashAfter,
    /// The process dies after it stored the credentials of the answer, before it wrote the answer down.
    CrashStored,
}

/// What happens before a pass.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Event {
    Nothing,
    Want(DesiredStatus),
    StatusWiped,
    SuspendedByHand,
    UnsuspendedByHand,
    Order(i64),
    ResizedByHand(i64),
    RemovedByHand,
    FinalizerTakenAway,
    /// Paid for this many more periods.
    Paid(i64),
    /// Somebody asks for new credentials.
    RotationAsked(u32),
}

/// What the provider has.
#[derive(Debug, Clone, PartialEq)]
struct Server {
    id: u32,
    state: State,
    memory: i64,
    /// Every period that was bought, by the second of its end.
    bought: Vec<i64>,
    /// The credential that it accepts.
    token: u32,
}

/// A provider with room for one service, and the object that orders it.
#[expect(clippy::struct_excessive_bools, reason = "independent switches of a provider")]
struct World {
    scene: Scene,
    /// The status and the record as they are stored; what is newer is lost in a crash.
    stored: HostingServiceStatus,
    servers: Vec<Server>,
    made: u32,
    /// How many credentials were issued.
    issued: u32,
    /// The one in the Secret.
    kept: Option<u32>,
    /// There is a Secret.
    prepared: bool,
    /// The last look did not settle the doubt it was made for.
    unsettled: bool,
    /// Creates on their way: when they arrive, and the period that they buy.
    landing: Vec<(i64, Option<i64>)>,
    most_servers: usize,
    released: bool,
    enforced: bool,
}

impl World {
    fn new(uniqueness: CreateUniqueness, renew: RenewSupport, rotates: Option<bool>) -> Self {
        let mut scene = service().instance(|facts| {
            facts.capabilities.create_uniqueness = uniqueness;
            facts.capabilities.renew = renew;
            facts.capabilities.rotate_credentials = rotates == Some(true);
        });
        let enforced = uniqueness.is_enforced();
        if rotates.is_some() {
            scene.credentials.minted.insert(TOKEN.to_owned());
        }
        scene.service.spec.on_remote_missing = OnRemoteMissing::Recreate;
        Self {
            scene,
            stored: HostingServiceStatus::default(),
            servers: vec![],
            made: 0,
            issued: 0,
            kept: None,
            prepared: false,
            unsettled: false,
            landing: vec![],
            most_servers: 0,
            released: false,
            enforced,
        }
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Nothing => {}
            // An end that was ordered is final; billing does not take it back.
            Event::Want(_) if self.scene.service.spec.desired_status == DesiredStatus::Terminated => {}
            Event::Want(desired) => self.scene.service.spec.desired_status = desired,
            Event::StatusWiped => {
                self.stored = HostingServiceStatus::default();
                *self.scene.status() = HostingServiceStatus::default();
            }
            Event::SuspendedByHand => self.servers.iter_mut().for_each(|server| server.state = State::Suspended),
            Event::UnsuspendedByHand => self.servers.iter_mut().for_each(|server| server.state = State::Active),
            Event::Order(memory) => self.order(memory),
            Event::ResizedByHand(memory) => self.servers.iter_mut().for_each(|server| server.memory = memory),
            Event::RemovedByHand => self.servers.clear(),
            Event::FinalizerTakenAway => self.scene.service.metadata.finalizers = None,
            Event::RotationAsked(token) => {
                let key = annotation::ROTATE_REQUESTED_AT.to_owned();
                self.scene.service.annotations_mut().insert(key, token.to_string());
            }
            Event::Paid(periods) => {
                let paid_until = Time(at(self.paid_until().unwrap_or_default() + periods * PERIOD));
                self.scene.service.spec.renewal = Some(Renewal { paid_until, corrects: None });
            }
        }
    }

    fn order(&mut self, memory: i64) {
        let order = self.scene.order.as_mut().unwrap();
        order.config.insert("memory".into(), memory.into());
        order.digest = format!("digest of {memory}");
    }

    fn paid_until(&self) -> Option<i64> {
        super::due::paid_until(&self.scene.service).map(k8s_openapi::jiff::Timestamp::as_second)
    }

    fn renew_support(&mut self) -> RenewSupport {
        self.scene.facts().capabilities.renew
    }

    fn ordered(&self) -> i64 {
        self.scene.order.as_ref().unwrap().config["memory"].as_i64().unwrap()
    }

    /// What the real pass derives from schemas.
    fn compare(&mut self) {
        let applied = self.scene.status().last_applied.as_ref().and_then(|last| last.config["memory"].as_i64());
        let seen =
            self.scene.look.as_ref().and_then(Look::present).and_then(|present| present.applied["memory"].as_i64());
        let ordered = self.ordered();
        let difference =
            |found: i64, wanted: i64| Difference { field: "memory".into(), found: found.into(), wanted: wanted.into() };
        let changed = applied.filter(|applied| *applied != ordered);
        self.scene.changes.scalable = changed.map(|applied| difference(applied, ordered)).into_iter().collect();
        let drifted = applied.zip(seen).filter(|(applied, seen)| applied != seen);
        self.scene.drift.enforced = drifted.map(|(applied, seen)| difference(seen, applied)).into_iter().collect();
    }

    /// One pass, its mutation ending as `fate` says. Every pass is triggered by a list that has doubts.
    fn pass(&mut self, fate: Fate, suspicious: bool) {
        self.scene.suspicion = suspicious || self.unsettled;
        self.scene.look = None;
        self.scene.just_recorded = false;
        *self.scene.status() = self.stored.clone();
        for _ in 0..16 {
            if self.released {
                return;
            }
            self.land();
            self.compare();
            let step = self.scene.plan();
            if !self.carry_out(step, fate) {
                return;
            }
        }
        panic!("a pass did not end; next would be {:?}", self.scene.plan());
    }

    /// False when the pass is over.
    fn carry_out(&mut self, step: Step, fate: Fate) -> bool {
        match step {
            Step::Wait(wait) => {
                self.unsettled |= self.scene.look.is_some();
                self.store();
                let pause = wait.until.map_or(60, |until| (until.as_second() - self.scene.now).max(1));
                self.scene.now += pause;
                return false;
            }
            Step::Settled => {
                self.unsettled = false;
                if self.scene.status().operation.is_some() {
                    self.found(&Finding::Dropped);
                }
                self.store();
                self.scene.now += 60;
                return false;
            }
            Step::Release(ReleaseReason::Retained) => panic!("nothing was retained"),
            Step::Release(_) => {
                self.released = true;
                return false;
            }
            Step::TakeFinalizer => {
                self.scene.service.metadata.finalizers = Some(vec![hostwright_crds::FINALIZER.into()]);
            }
            Step::Record => self.record(),
            Step::Observe => {
                self.scene.suspicion = false;
                let look = Look { seen: self.seen(), at: at(self.scene.now) };
                self.scene.look = Some(look.clone());
                self.found(&Finding::Looked(look));
                self.compare();
                let doubted = self.scene.status().attached_differences.is_some();
                if doubted && self.scene.changes.scalable.is_empty() && self.scene.drift.enforced.is_empty() {
                    self.found(&Finding::Agrees);
                }
            }
            Step::ResolvedAsAbsent => panic!("this provider can be asked"),
            Step::RefuseRotation(token) => self.found(&Finding::RotationRefused(token)),
            Step::NoteRenewal(until) => self.found(&Finding::NotedRenewal(until)),
            Step::ResolveRenewal(conclusion) => {
                self.scene.service.annotations_mut().remove(annotation::RESOLVE_RENEW);
                self.found(&Finding::ResolvedRenewal(conclusion));
            }
            Step::Forget => self.found(&Finding::Forgot),
            Step::Verify => self.scene.facts().verified_at = Some(at(self.scene.now)),
            Step::Attach(how) => {
                self.recall();
                let present = self.scene.look.as_ref().and_then(Look::present).cloned().unwrap();
                self.found(&Finding::Attached(how, Box::new(present)));
            }
            Step::Conclude(conclusion) => {
                self.recall();
                self.found(&Finding::Concluded(conclusion));
            }
            Step::AssumeAttempt => self.found(&Finding::AssumedAttempt),
            Step::ReportMissing => self.found(&Finding::WentMissing),
            Step::Poll => panic!("this provider gives no tokens"),
            Step::End => {
                self.end();
                self.found(&Finding::Ended);
            }
            step => {
                let verb = step.verb().unwrap();
                return self.mutate(verb, fate);
            }
        }
        true
    }

    fn record(&mut self) {
        let fresh = self.scene.service.annotations().is_empty() && self.scene.status().external_id.is_none();
        let paid_until = self.paid_until().map(at);
        let scene = std::mem::replace(&mut self.scene, service());
        self.scene = scene.recorded();
        self.scene.just_recorded = fresh;
        if fresh {
            self.scene.recorded_until = paid_until;
        }
    }

    fn end(&mut self) {
        let scene = std::mem::replace(&mut self.scene, service());
        self.scene = scene.ended();
    }

    /// What stands in the Secret.
    fn recall(&mut self) {
        if !self.scene.credentials.is_empty() && self.prepared {
            let keys = self.kept.map(|_| TOKEN.to_owned()).into_iter().collect();
            self.found(&Finding::CredentialsKept(keys));
        }
    }

    fn mutate(&mut self, verb: hostwright_crds::Verb, fate: Fate) -> bool {
        if verb == hostwright_crds::Verb::Create && self.scene.status().remote.is_none() {
            (self.kept, self.prepared) = (None, true);
            self.recall();
        }
        let status = self.scene.status().clone();
        let seen = self.scene.look.as_ref().and_then(Look::present).cloned();
        let operation = fold::next_attempt(&status, verb, seen.as_ref(), &self.scene.ground());
        self.found(&Finding::Began(operation.clone()));
        // The write-ahead; for a create right after its record, that is the record.
        if !(self.scene.just_recorded && verb == hostwright_crds::Verb::Create && status.operation.is_none()) {
            self.store();
        }
        let unknown = || Err(Error::new(Class::Unknown, "timeout", "no answer"));
        let answer = match fate {
            Fate::CrashBefore => return false,
            Fate::CrashAfter => {
                let _ = self.effect(verb);
                return false;
            }
            Fate::Answered => self.effect(verb),
            Fate::CrashStored => {
                let answer = self.effect(verb);
                self.keep(&answer);
                return false;
            }
            Fate::AnswerLost => {
                let _ = self.effect(verb);
                unknown()
            }
            Fate::Late(after) if verb == hostwright_crds::Verb::Create => {
                self.landing.push((self.scene.now + after, self.buying()));
                unknown()
            }
            Fate::RequestLost | Fate::Late(_) => unknown(),
            Fate::Refused(class) => Err(Error::new(class, "refused", "words")),
        };
        self.scene.look = None;
        self.keep(&answer);
        self.found(&Finding::Answered(operation, answer));
        self.store();
        self.scene.now += 1;
        false
    }

    fn keep(&mut self, answer: &Result<Outcome, Error>) {
        if let Ok(Outcome::Done(state)) = answer
            && let Some(token) = state.credentials.get(TOKEN)
        {
            self.kept = token.expose().parse().ok();
            self.recall();
        }
    }

    /// What a verb does to the provider.
    fn effect(&mut self, verb: hostwright_crds::Verb) -> Result<Outcome, Error> {
        use hostwright_crds::Verb;
        let memory = self.ordered();
        match verb {
            Verb::Create if self.enforced && !self.servers.is_empty() => {
                Err(Error::new(Class::Conflict, "unique", "it exists already"))
            }
            Verb::Create => {
                self.make(self.buying());
                Ok(self.issuing())
            }
            Verb::Terminate => {
                self.servers.clear();
                Ok(Outcome::Gone)
            }
            _ if self.servers.is_empty() => Err(Error::new(Class::NotFound, "gone", "no such server")),
            Verb::Adopt => Err(Error::unsupported("adopting")),
            Verb::Suspend => {
                self.servers.iter_mut().for_each(|server| server.state = State::Suspended);
                Ok(self.done())
            }
            Verb::Unsuspend => {
                self.servers.iter_mut().for_each(|server| server.state = State::Active);
                Ok(self.done())
            }
            Verb::Scale => {
                self.servers.iter_mut().for_each(|server| server.memory = memory);
                Ok(self.done())
            }
            Verb::Rotate => {
                self.issued += 1;
                self.servers[0].token = self.issued;
                Ok(self.issuing())
            }
            Verb::Renew => {
                let until = self.buying().unwrap();
                let repeatable = self.renew_support() == RenewSupport::Idempotent;
                let server = &mut self.servers[0];
                if !(repeatable && server.bought.contains(&until)) {
                    server.bought.push(until);
                }
                Ok(self.done())
            }
        }
    }

    /// The period that the running operation buys.
    fn buying(&self) -> Option<i64> {
        let operation = self.scene.service.status.as_ref()?.operation.as_ref()?;
        operation.paid_until.as_ref().map(|until| until.0.as_second())
    }

    fn make(&mut self, bought: Option<i64>) {
        self.made += 1;
        let bought = bought.into_iter().collect();
        self.issued += 1;
        let (memory, token) = (self.ordered(), self.issued);
        self.servers.push(Server { id: self.made, state: State::Active, memory, bought, token });
        self.most_servers = self.most_servers.max(self.servers.len());
    }

    fn done(&self) -> Outcome {
        let server = &self.servers[0];
        Outcome::Done(RemoteState::new(remote(server.id), server.state))
    }

    /// The same with the credential that is told once.
    fn issuing(&self) -> Outcome {
        let server = &self.servers[0];
        let names = self.scene.credentials.minted.iter();
        let credentials = names.map(|name| (name.clone(), Secret::new(server.token.to_string()))).collect();
        Outcome::Done(RemoteState { credentials, ..RemoteState::new(remote(server.id), server.state) })
    }

    /// Creates that were on their way arrive. The provider refuses a second one where it can.
    fn land(&mut self) {
        let now = self.scene.now;
        let (arrived, flying): (Vec<_>, Vec<_>) = self.landing.drain(..).partition(|(at, _)| *at <= now);
        self.landing = flying;
        for (_, bought) in arrived {
            if !self.enforced || self.servers.is_empty() {
                self.make(bought);
            }
        }
    }

    fn seen(&self) -> Observation {
        match self.servers.first() {
            None => Observation::Absent,
            Some(server) => {
                let mut present = Present::new(remote(server.id), server.state, Some(OWNER.into()));
                present.applied.insert("memory".into(), server.memory.into());
                let observable = self.scene.judge(|s| s.facts().map(|facts| facts.capabilities.renew));
                present.paid_until = (observable == Some(RenewSupport::Observable))
                    .then(|| server.bought.last().copied().map(at))
                    .flatten();
                Observation::Present(Box::new(present))
            }
        }
    }

    fn found(&mut self, finding: &Finding) {
        let mut status = self.scene.status().clone();
        fold::fold(&mut status, finding, &self.scene.ground());
        *self.scene.status() = status;
    }

    fn store(&mut self) {
        let rendered = self.scene.judge(|situation| super::report::render(situation, &super::plan::plan(situation)));
        *self.scene.status() = rendered.clone();
        self.stored = rendered;
    }

    /// Without any more faults, long enough for every pause.
    fn calms_down(&mut self) {
        for _ in 0..60 {
            if let Some(hash) = self.stored.attached_differences.clone() {
                let scene = std::mem::replace(&mut self.scene, service());
                self.scene = scene.annotated(annotation::ACCEPT_DIFFERENCES, &hash);
            }
            if let Some(date) = self.stored.renewal_in_doubt.clone() {
                // Somebody looks at the provider.
                let bought = self.servers.iter().any(|server| server.bought.contains(&date.0.as_second()));
                let scene = std::mem::replace(&mut self.scene, service());
                self.scene = scene.annotated(annotation::RESOLVE_RENEW, if bought { "renewed" } else { "repeat" });
            }
            self.pass(Fate::Answered, true);
        }
    }

    /// Every period was bought once, and each ends later than the one before.
    fn buys_nothing_twice(&self) -> bool {
        self.servers.iter().all(|server| server.bought.is_sorted_by(|one, other| one < other))
    }

    fn has_ended(&self) -> bool {
        self.scene.service.annotations().values().any(|record| record.contains("\"ended\""))
    }
}

fn remote(id: u32) -> Remote {
    Remote { id: id.to_string(), ..Remote::default() }
}

fn fates() -> impl Strategy<Value = Fate> {
    let class = prop_oneof![
        Just(Class::Invalid),
        Just(Class::Conflict),
        Just(Class::Capacity),
        Just(Class::Unavailable),
        Just(Class::RateLimited),
        Just(Class::Internal),
        Just(Class::NotFound),
    ];
    prop_oneof![
        3 => Just(Fate::Answered),
        2 => Just(Fate::AnswerLost),
        1 => Just(Fate::RequestLost),
        1 => (0_i64..30).prop_map(Fate::Late),
        2 => class.prop_map(Fate::Refused),
        1 => Just(Fate::CrashBefore),
        1 => Just(Fate::CrashAfter),
        1 => Just(Fate::CrashStored),
    ]
}

fn events() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => Just(Event::Nothing),
        2 => Just(Event::Want(DesiredStatus::Suspended)),
        2 => Just(Event::Want(DesiredStatus::Active)),
        1 => Just(Event::Want(DesiredStatus::Terminated)),
        1 => Just(Event::StatusWiped),
        1 => Just(Event::SuspendedByHand),
        1 => Just(Event::UnsuspendedByHand),
        2 => (1_i64..4).prop_map(Event::Order),
        1 => (1_i64..4).prop_map(Event::ResizedByHand),
        1 => Just(Event::RemovedByHand),
        1 => Just(Event::FinalizerTakenAway),
        2 => (1_i64..3).prop_map(Event::Paid),
        1 => (1_u32..9).prop_map(Event::RotationAsked),
    ]
}

fn histories() -> impl Strategy<Value = Vec<(Event, Fate, bool)>> {
    proptest::collection::vec((events(), fates(), any::<bool>()), 1..24)
}

fn renew_support() -> impl Strategy<Value = RenewSupport> {
    use RenewSupport::{Idempotent, None, Observable, Unneeded};
    prop_oneof![Just(Unneeded), Just(Idempotent), Just(Observable), Just(None)]
}

fn uniqueness() -> impl Strategy<Value = CreateUniqueness> {
    prop_oneof![Just(CreateUniqueness::ByExternalId), Just(CreateUniqueness::LookupOnly)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_goes_wrong_there_is_never_a_second_remote_and_it_converges(
        uniqueness in uniqueness(),
        renew in renew_support(),
        rotates in proptest::option::of(any::<bool>()),
        history in histories(),
        delete in any::<bool>(),
    ) {
        let mut world = World::new(uniqueness, renew, rotates);
        let (mut by_hand, mut wiped) = (false, false);
        for (event, fate, suspicious) in history {
            by_hand |= matches!(event, Event::SuspendedByHand | Event::StatusWiped);
            wiped |= event == Event::StatusWiped;
            world.happens(event);
            world.pass(fate, suspicious);
            prop_assert!(world.most_servers <= 1, "two remotes");
            prop_assert!(world.buys_nothing_twice(), "bought twice: {:?}", world.servers);
        }
        if delete {
            let scene = std::mem::replace(&mut world.scene, service());
            world.scene = scene.deleted(DeletionPolicy::Terminate);
        }
        world.calms_down();
        prop_assert!(world.most_servers <= 1, "two remotes");
        if delete {
            prop_assert!(world.released, "not released: {:?}, {:?}", world.scene.plan(), world.stored.operation);
            prop_assert!(world.servers.is_empty() && world.landing.is_empty(), "a remote nobody knows");
            return Ok(());
        }
        let seen = world.servers.first().map(|server| server.state);
        prop_assert!(world.buys_nothing_twice(), "bought twice: {:?}", world.servers);
        if let Some(server) = world.servers.first().filter(|_| renew != RenewSupport::Unneeded) {
            prop_assert_eq!(server.bought.last().copied(), world.paid_until(), "{:?}", world.stored);
        }
        // A status that was lost knows of no rotation that was not answered.
        if let Some(server) = world.servers.first().filter(|_| rotates == Some(true) && !wiped) {
            prop_assert_eq!(world.kept, Some(server.token), "customers have another: {:?}", world.stored);
        }
        let memory = world.servers.first().map(|server| server.memory);
        prop_assert!(memory.is_none() || memory == Some(world.ordered()), "not scaled: {:?}", world.stored);
        match world.scene.service.spec.desired_status {
            DesiredStatus::Terminated => prop_assert!(seen.is_none() && world.has_ended(), "{seen:?}"),
            DesiredStatus::Suspended => prop_assert_eq!(seen, Some(State::Suspended)),
            // A suspension that others made, or that nobody remembers, stays.
            DesiredStatus::Active if by_hand => prop_assert!(seen.is_some()),
            DesiredStatus::Active => prop_assert_eq!(seen, Some(State::Active)),
        }
        // Converged is quiet: nothing is asked, nothing is written.
        let before = world.stored.clone();
        world.pass(Fate::CrashBefore, false);
        prop_assert_eq!(&world.stored, &before, "it is not quiet: {:?}", world.scene.plan());
    }
}
