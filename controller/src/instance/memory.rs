//! What this process remembers of each instance. All of it may be lost at any time: what must survive is in status.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use hostwright_crds::ProviderInstance;
use hostwright_plugin::Connection;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;

use super::brake::Reserves;
use super::identity::Panel;
use super::stock::Known;
use super::validate::Settings;
use crate::context::Context;
use crate::providers::{Gate, GateLimits, Hold, Inventory};

/// What this process remembers, by name of the instance.
#[derive(Default)]
pub struct Memory {
    instances: Mutex<HashMap<String, Arc<Remembered>>>,
}

/// What this process remembers of one instance.
#[derive(Default)]
pub(super) struct Remembered {
    /// UID of the object this is about.
    uid: String,
    gate: OnceLock<Arc<Gate>>,
    /// Its remotes as listed last.
    pub(super) inventory: Arc<Inventory>,
    facts: Mutex<Facts>,
    /// Held during a connection test: many services that doubt the panel share one.
    pub(super) testing: tokio::sync::Mutex<()>,
    /// What the brakes have reserved and not used.
    pub(super) reserves: Reserves,
    /// Held while a unit of a limited package is given out.
    pub(super) promises: tokio::sync::Mutex<Known>,
    /// Shared by those who write the first record of a service on it, and alone for whoever lets the object go.
    pub(super) recording: Arc<tokio::sync::RwLock<()>>,
}

/// What was found out about an instance.
#[derive(Default)]
pub(super) struct Facts {
    /// Its settings, or why they cannot be used; None before the first pass.
    pub(super) settings: Option<Result<Arc<Settings>, Hold>>,
    /// Digest of the last settings that could be used.
    pub(super) known_settings: Option<String>,
    /// When usable settings became others in this process.
    pub(super) settings_changed_at: Option<Timestamp>,
    /// The last connection test.
    pub(super) test: Option<Test>,
    /// Which panel it is, as published last; None before that.
    pub(super) panel: Option<Panel>,
    /// Tests that failed since the last one that passed.
    pub(super) failures: u32,
    /// When the next test is due.
    pub(super) test_due: Option<Timestamp>,
    /// When the next list is due.
    pub(super) list_due: Option<Timestamp>,
    /// Lists that failed since the last complete one.
    pub(super) list_failures: u32,
    /// Why the last list failed.
    pub(super) list_error: Option<String>,
    /// External ids that the last complete list should have shown and did not; None before the first.
    pub(super) missing: Option<Missing>,
    /// External ids whose absence was confirmed as intended.
    pub(super) confirmed_missing: BTreeSet<String>,
    /// Whether remotes were there before this cluster saw the instance.
    pub(super) first_sight: FirstSight,
    /// The value of the reconcile-requested annotation that was acted on last.
    pub(super) requested: Option<String>,
    /// The generation for which unused Secrets were let go.
    pub(super) swept: Option<i64>,
}

/// A connection test.
#[derive(Debug, Clone)]
pub(super) struct Test {
    /// Digest of the settings it was made with, secrets included.
    pub(super) settings: String,
    /// When it was answered.
    pub(super) at: Timestamp,
    /// What the panel said, or why it cannot be used.
    pub(super) answer: Result<Connection, Hold>,
}

/// What a list should have shown and did not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Missing {
    /// The external ids.
    pub(super) ids: BTreeSet<String>,
    /// How many should have been there.
    pub(super) of: usize,
}

/// What is known of the time before this cluster saw an instance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum FirstSight {
    /// Not looked yet.
    #[default]
    Unclear,
    /// This cluster knows the instance.
    Known,
    /// This many remotes with our mark were there already; 0 where some were and nobody has counted.
    AlreadyThere(usize),
}

impl Memory {
    /// What is remembered of this object; nothing of an earlier one of the same name.
    pub(super) fn of(&self, instance: &ProviderInstance) -> Arc<Remembered> {
        let uid = instance.metadata.uid.clone().unwrap_or_default();
        let mut instances = self.lock();
        let remembered = instances.entry(instance.name_any()).or_default();
        if remembered.uid != uid {
            *remembered = Arc::new(Remembered { uid, ..Remembered::default() });
        }
        remembered.clone()
    }

    /// What is remembered of an instance by name.
    pub(super) fn get(&self, instance: &str) -> Option<Arc<Remembered>> {
        self.lock().get(instance).cloned()
    }

    /// Forgets an instance that is gone.
    pub(super) fn forget(&self, instance: &str) {
        self.lock().remove(instance);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Remembered>>> {
        self.instances.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remembered {
    /// The gate in front of the instance, the same over all passes.
    pub(super) fn gate(&self, ctx: &Context) -> Arc<Gate> {
        // The first pass configures it before its first use.
        let limits = GateLimits { requests_per_minute: 1, max_concurrent: 1, max_concurrent_creates: 1 };
        self.gate.get_or_init(|| Arc::new(Gate::new(ctx.clock.clone(), limits))).clone()
    }

    /// The facts; not to be held across an await.
    pub(super) fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Facts {
    /// Takes the settings of a pass, and notes when they became others.
    pub(super) fn take_settings(&mut self, settings: Result<Settings, Hold>, now: Timestamp) {
        if let Ok(usable) = &settings {
            let known = self.known_settings.replace(usable.digest.clone());
            if known.is_some_and(|known| known != usable.digest) {
                self.settings_changed_at = Some(now);
            }
        }
        self.settings = Some(settings.map(Arc::new));
    }

    /// The settings, where they can be used.
    pub(super) fn usable(&self) -> Option<&Arc<Settings>> {
        self.settings.as_ref().and_then(|settings| settings.as_ref().ok())
    }

    /// The last test, where it was made with the present settings.
    pub(super) fn current_test(&self) -> Option<&Test> {
        let settings = self.usable()?;
        self.test.as_ref().filter(|test| test.settings == settings.digest)
    }
}
