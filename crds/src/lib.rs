//! The API types of Hostwright: group `hostwright.dev`, version `v1alpha1`.
//!
//! No client and no I/O lives here: what a person writes, what the controller answers, and the words it uses
//! ([`condition`], [`reason`], [`annotation`]).
#![warn(missing_docs)]
#![expect(clippy::duplicated_attributes, reason = "several columns in one kube attribute repeat its keys by design")]

pub mod annotation;
pub mod condition;
pub mod generated;
mod hosting_service;
mod identity;
pub mod manifests;
mod package;
mod plugin;
mod provider_instance;
pub mod reason;
mod schema;
mod shared;
mod variant;

pub use hosting_service::{
    Adopt, Cancellation, CredentialsStatus, DeletionPolicy, DesiredStatus, HistoryEntry, HostingService,
    HostingServiceSpec, HostingServiceStatus, LastApplied, LastError, NextTransition, OnRemoteMissing, Operation,
    OperationOutcome, Owner, Phase, RemoteState, RemoteStatus, Renewal, Suspension, Target, Verb,
};
pub use identity::{Carried, Identity, IdentityError};
pub use package::{
    FailingService, Overdue, Package, PackageSpec, PackageStatus, Rollout, RolloutStatus, RolloutStrategy, Termination,
};
pub use plugin::{Plugin, PluginSchemas, PluginSpec, PluginStatus};
pub use provider_instance::{
    Adoption, Brake, BrakeLimit, InstanceLimits, InstanceMode, OwnerScope, Promises, ProviderInstance,
    ProviderInstanceSpec, ProviderInstanceStatus,
};
pub use shared::{CHECKOUT_LABEL, Duration, DurationError, NameRef, SecretKeyRef, SecretSource};
pub use variant::{Choice, Selections, Variant, VariantOption, VariantType};

/// The API group of all kinds.
pub const GROUP: &str = "hostwright.dev";
/// The version of all kinds.
pub const VERSION: &str = "v1alpha1";
/// The finalizer that keeps an object until nothing at a provider depends on it any more.
pub const FINALIZER: &str = "hostwright.dev/finalizer";
/// The finalizer that keeps what the controller itself needs: Secrets of instances, the installation's record, the lease.
pub const IN_USE: &str = "hostwright.dev/in-use";
/// The name under which the controller writes.
pub const FIELD_MANAGER: &str = "hostwright";
