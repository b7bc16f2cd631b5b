//! Who may do what with a server in which state.

use crate::errors::ApiError;
use crate::http::Call;
use crate::records::{Server, ServerStatus};
use crate::state::State;

/// What a request wants of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Its description, in any state.
    View,
    /// Its console, which administrators may watch during an installation, a transfer or a restore.
    Websocket,
    /// Anything else, only while it is ready.
    Use,
}

impl Access {
    /// Finds the server by identifier or uuid. For strangers it does not exist; the state is looked at last.
    pub(super) fn check<'a>(self, state: &'a State, call: &Call, server: &str) -> Result<&'a Server, ApiError> {
        let mut servers = state.servers.rows();
        let server = servers
            .find(|candidate| candidate.uuid == server || candidate.identifier() == server)
            .ok_or_else(ApiError::not_found)?;
        call.may_read(state)?;
        let admin = state.is_root_admin(call.user());
        if server.owner != call.user() && !admin {
            return Err(ApiError::not_found());
        }
        match Conflict::of(state, server) {
            None => Ok(server),
            Some(_) if self == Self::View => Ok(server),
            Some(conflict) if self == Self::Websocket && admin && conflict.is_passing() => Ok(server),
            Some(conflict) => Err(conflict.into()),
        }
    }
}

/// Why a server cannot be used, in the order in which the panel looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Conflict {
    Suspended,
    NodeMaintenance,
    NotInstalled,
    Restoring,
    Transferring,
}

impl Conflict {
    fn of(state: &State, server: &Server) -> Option<Self> {
        let maintenance = state.nodes.get(server.node).is_some_and(|node| node.maintenance_mode);
        if server.is_suspended() {
            Some(Self::Suspended)
        } else if maintenance {
            Some(Self::NodeMaintenance)
        } else if !server.is_installed() {
            Some(Self::NotInstalled)
        } else if server.status == Some(ServerStatus::RestoringBackup) {
            Some(Self::Restoring)
        } else if server.transferring {
            Some(Self::Transferring)
        } else {
            None
        }
    }

    fn is_passing(self) -> bool {
        matches!(self, Self::NotInstalled | Self::Restoring | Self::Transferring)
    }
}

impl From<Conflict> for ApiError {
    fn from(conflict: Conflict) -> Self {
        let detail = match conflict {
            Conflict::Suspended => "This server is currently suspended and the functionality requested is unavailable.",
            Conflict::NodeMaintenance => {
                "The node of this server is currently under maintenance and the functionality requested is unavailable."
            }
            Conflict::NotInstalled => {
                "This server has not yet completed its installation process, please try again later."
            }
            Conflict::Restoring => "This server is currently restoring from a backup, please try again later.",
            Conflict::Transferring => {
                "This server is currently being transferred to a new machine, please try again later."
            }
        };
        ApiError::new(409, "ServerStateConflictException", detail)
    }
}
