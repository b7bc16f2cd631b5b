//! Where the programs of a control plane are.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Names a folder with `etcd`, `kube-apiserver` and perhaps `kube-controller-manager`, as envtest lays them out.
const ASSETS: &str = "KUBEBUILDER_ASSETS";
/// Names the kubeconfig of an administrator of a cluster that tests may use up.
const KUBECONFIG: &str = "TEST_KUBECONFIG";
/// What must not be skipped, separated by commas.
const REQUIRE: &str = "HOSTWRIGHT_REQUIRE";

/// What a test against a real server has at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Programs {
    /// A running cluster.
    Cluster(PathBuf),
    /// A folder of separate programs.
    Folder(PathBuf),
    /// The one binary that `just kube` builds.
    Binary(PathBuf),
}

impl Programs {
    /// What there is; nothing, and words on standard error, when there is nothing.
    ///
    /// # Panics
    /// When there is nothing although `HOSTWRIGHT_REQUIRE` lists `kube`.
    pub(super) fn find() -> Option<Self> {
        let given = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/kube/kube");
        let found = choose(given(KUBECONFIG), given(ASSETS), built.is_file().then_some(built));
        if found.is_none() {
            let missing = format!("no Kubernetes API server: run `just kube`, or set {ASSETS} or {KUBECONFIG}");
            assert!(!is_required("kube"), "{missing}; {REQUIRE} forbids to skip this");
            eprintln!("skipped: {missing}");
        }
        found
    }

    /// The command of a part of the control plane, which ends when its standard input does.
    pub(super) fn command(&self, part: &str) -> Command {
        match self {
            Self::Binary(binary) => {
                let mut command = Command::new(binary);
                command.arg(part).env("KUBE_ENDS_WITH_STDIN", "1");
                command
            }
            Self::Folder(folder) => {
                let program = if part == "etcd" { part.to_owned() } else { format!("kube-{part}") };
                let mut command = Command::new("sh");
                // The programs themselves do not mind who started them; the shell does.
                command.args(["-c", r#"exec 3<&0; "$@" </dev/null & read -r _ <&3; kill -9 $!"#, "sh"]);
                command.arg(folder.join(program));
                command
            }
            Self::Cluster(_) => unreachable!("a running cluster has its parts"),
        }
    }

    /// Whether there is such a part.
    pub(super) fn has(&self, part: &str) -> bool {
        match self {
            Self::Binary(_) => true,
            Self::Folder(folder) => folder.join(format!("kube-{part}")).is_file(),
            Self::Cluster(_) => false,
        }
    }
}

/// Whether a test that lacks this must fail and not be skipped.
pub fn is_required(what: &str) -> bool {
    std::env::var(REQUIRE).is_ok_and(|list| list.split(',').any(|one| one.trim() == what))
}

/// What was given wins over what happens to be there.
fn choose(cluster: Option<PathBuf>, folder: Option<PathBuf>, binary: Option<PathBuf>) -> Option<Programs> {
    cluster.map(Programs::Cluster).or(folder.map(Programs::Folder)).or(binary.map(Programs::Binary))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_wins_over_what_is_there() {
        let path = |name: &str| Some(PathBuf::from(name));
        assert_eq!(choose(path("config"), path("assets"), path("kube")), path("config").map(Programs::Cluster));
        assert_eq!(choose(None, path("assets"), path("kube")), path("assets").map(Programs::Folder));
        assert_eq!(choose(None, None, path("kube")), path("kube").map(Programs::Binary));
        assert_eq!(choose(None, None, None), None);
    }
}
