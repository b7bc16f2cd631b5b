//! The rows of the panel's database, as far as the API shows or uses them.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// Id of a user.
pub type UserId = u64;
/// Id of a location.
pub type LocationId = u64;
/// Id of a node.
pub type NodeId = u64;
/// Id of an allocation.
pub type AllocationId = u64;
/// Id of a server.
pub type ServerId = u64;

/// An account of the panel.
#[derive(Clone, Debug)]
pub struct User {
    pub id: UserId,
    pub external_id: Option<String>,
    pub uuid: String,
    pub username: String,
    pub email: String,
    pub first_name: String,
    pub last_name: String,
    pub language: String,
    /// Shown by Pelican only.
    pub timezone: String,
    pub root_admin: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A place where nodes stand.
#[derive(Clone, Debug)]
pub struct Location {
    pub id: LocationId,
    /// Short code, for example `lab`.
    pub short: String,
    pub long: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A machine running Wings.
#[derive(Clone, Debug)]
pub struct Node {
    pub id: NodeId,
    pub uuid: String,
    /// Whether automatic placement may use it.
    pub public: bool,
    pub name: String,
    pub location: LocationId,
    /// Pelican's replacement of locations.
    pub tags: Vec<String>,
    pub fqdn: String,
    /// `http` or `https`.
    pub scheme: String,
    pub behind_proxy: bool,
    pub maintenance_mode: bool,
    /// MiB.
    pub memory: i64,
    /// Percent by which the sum of the servers may exceed `memory`.
    pub memory_overallocate: i64,
    /// MiB.
    pub disk: i64,
    /// Percent by which the sum of the servers may exceed `disk`.
    pub disk_overallocate: i64,
    /// MiB.
    pub upload_size: i64,
    pub daemon_listen: i64,
    pub daemon_sftp: i64,
    pub daemon_base: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// An address and port of a node.
#[derive(Clone, Debug)]
pub struct Allocation {
    pub id: AllocationId,
    pub node: NodeId,
    pub ip: String,
    pub alias: Option<String>,
    pub port: u16,
    pub notes: Option<String>,
    /// The server it is assigned to.
    pub server: Option<ServerId>,
}

/// What a server may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// MiB; 0 is unlimited.
    pub memory: i64,
    /// MiB; -1 is unlimited.
    pub swap: i64,
    /// MiB; 0 is unlimited.
    pub disk: i64,
    /// Block IO weight.
    pub io: i64,
    /// Percent of one core; 0 is unlimited.
    pub cpu: i64,
    /// Pinned cores, for example `0-1,3`.
    pub threads: Option<String>,
    pub oom_disabled: bool,
}

/// How many of each feature the owner may create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureLimits {
    pub databases: Option<i64>,
    pub allocations: Option<i64>,
    pub backups: i64,
}

/// What a server waits for; none of these when it is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerStatus {
    Installing,
    InstallFailed,
    ReinstallFailed,
    Suspended,
    RestoringBackup,
}

impl ServerStatus {
    /// The name the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Installing => "installing",
            Self::InstallFailed => "install_failed",
            Self::ReinstallFailed => "reinstall_failed",
            Self::Suspended => "suspended",
            Self::RestoringBackup => "restoring_backup",
        }
    }
}

/// Whether the game process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerState {
    Offline,
    Running,
}

/// A game server.
#[derive(Clone, Debug)]
pub struct Server {
    pub id: ServerId,
    pub external_id: Option<String>,
    pub uuid: String,
    pub name: String,
    pub description: String,
    pub status: Option<ServerStatus>,
    pub skip_scripts: bool,
    pub owner: UserId,
    pub limits: Limits,
    pub feature_limits: FeatureLimits,
    pub node: NodeId,
    /// The default allocation; only Pelican allows none.
    pub allocation: Option<AllocationId>,
    pub egg: u64,
    pub startup: String,
    pub image: String,
    /// Values by name of the environment variable.
    pub environment: BTreeMap<String, String>,
    pub transferring: bool,
    pub power: PowerState,
    pub start_on_completion: bool,
    /// Counts installations, so that the end of an earlier one is not taken for the end of a later one.
    pub installation: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Server {
    /// First eight characters of the uuid, the client API's name of the server.
    pub fn identifier(&self) -> &str {
        self.uuid.get(..8).unwrap_or(&self.uuid)
    }

    pub fn is_suspended(&self) -> bool {
        self.status == Some(ServerStatus::Suspended)
    }

    /// The panel's notion: a server suspended during its installation counts as installed.
    pub fn is_installed(&self) -> bool {
        !matches!(self.status, Some(ServerStatus::Installing | ServerStatus::InstallFailed))
    }
}
