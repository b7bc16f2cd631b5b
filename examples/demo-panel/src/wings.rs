//! The daemon on a node, as far as the panel notices it.

use std::collections::HashMap;
use std::time::Duration;

use crate::errors::ApiError;
use crate::records::NodeId;

/// How Wings answers the panel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WingsMode {
    /// Every call succeeds.
    #[default]
    Ok,
    /// Every call is answered with 500 and request id `rid-1`.
    Error500,
    /// The connection is refused.
    Down,
    /// Every call is answered with 404: Wings does not know the server.
    Missing404,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Wings {
    pub(crate) mode: WingsMode,
    /// Nodes that differ from `mode`.
    pub(crate) by_node: HashMap<NodeId, WingsMode>,
    /// How long a call takes.
    pub(crate) latency: Duration,
}

/// A call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WingsFailure {
    InternalError,
    ConnectionRefused,
    NotFound,
}

impl Wings {
    pub(crate) fn mode_of(&self, node: NodeId) -> WingsMode {
        self.by_node.get(&node).copied().unwrap_or(self.mode)
    }

    /// Calls Wings on `node`. Always yields, so that other requests can see what the caller wrote before.
    pub(crate) async fn call(&self, node: NodeId) -> Result<(), WingsFailure> {
        if self.latency.is_zero() {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(self.latency).await;
        }
        match self.mode_of(node) {
            WingsMode::Ok => Ok(()),
            WingsMode::Error500 => Err(WingsFailure::InternalError),
            WingsMode::Down => Err(WingsFailure::ConnectionRefused),
            WingsMode::Missing404 => Err(WingsFailure::NotFound),
        }
    }
}

impl From<WingsFailure> for ApiError {
    fn from(failure: WingsFailure) -> Self {
        let (status, detail) = match failure {
            WingsFailure::InternalError => (
                500,
                "There was an error while communicating with the machine running this server. This error has been \
                 logged, please try again. (code: 500) (request_id: rid-1)",
            ),
            WingsFailure::ConnectionRefused => {
                (504, "Could not establish a connection to the machine running this server. Please try again.")
            }
            WingsFailure::NotFound => (
                404,
                "An error occurred on the remote host: The requested resource does not exist on this instance.. \
                 (request id: rid-1)",
            ),
        };
        ApiError::new(status, "DaemonConnectionException", detail)
    }
}
