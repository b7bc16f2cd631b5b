//! A real Kubernetes API server: etcd, kube-apiserver and kube-controller-manager of one release, or the cluster that a
//! kubeconfig names.
//!
//! ```no_run
//! let Some(plane) = hostwright_tests::kube::ControlPlane::start() else { return };
//! std::process::Command::new("kubectl").args(["get", "namespaces"]).env("KUBECONFIG", plane.kubeconfig());
//! ```

mod access;
mod control_plane;
mod parts;
mod programs;

pub use access::{Access, ServiceAccount};
pub(crate) use access::{real_time, runtime};
pub use control_plane::{ControlPlane, Durability};
pub use programs::is_required;
