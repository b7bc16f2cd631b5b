//! A control plane in a temporary folder.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;
use tempfile::TempDir;

use super::access::{Access, ServiceAccount, real_time};
use super::parts::{Part, free_ports};
use super::programs::Programs;

/// Longer than any start on a busy machine.
const PATIENCE: Duration = Duration::from_mins(3);
const ADMIN_TOKEN: &str = "admin-of-the-test";
/// The controllers that tests need: what owners leave behind, what is in a namespace that ends, roles made of others.
const CONTROLLERS: &str = "garbage-collector-controller,namespace-controller,clusterrole-aggregation-controller";

const AUDIT_FLAGS: [&str; 3] =
    ["--audit-policy-file=audit.json", "--audit-log-path=audit.log", "--audit-log-mode=blocking-strict"];

/// Whether a write is on the disk when it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It is, as in production. There is no audit log and no controller manager, which take time too: for measuring.
    Synced,
    /// It need not be: for everything else.
    Unsynced,
}

/// A Kubernetes control plane of this test's own, without nodes. It ends with this value, or with the test's process.
pub struct ControlPlane {
    admin: Access,
    kubeconfig: PathBuf,
    /// In the order in which they may end: each needs those after it.
    parts: Vec<Part>,
    directory: TempDir,
}

impl ControlPlane {
    /// Starts one; nothing, and words about it, when there is no program for it.
    ///
    /// # Panics
    /// When there is none although `HOSTWRIGHT_REQUIRE` lists `kube`, or when it does not get ready.
    pub fn start() -> Option<Self> {
        Self::start_with(Durability::Unsynced)
    }

    /// As [`Self::start`].
    pub fn start_with(durability: Durability) -> Option<Self> {
        let programs = Programs::find()?;
        let directory = tempfile::Builder::new().prefix("hostwright-kube-").tempdir().unwrap();
        let kubeconfig = directory.path().join("kubeconfig");
        let (admin, parts) = match &programs {
            Programs::Cluster(path) => {
                let text = std::fs::read_to_string(path);
                (Access::of_kubeconfig(&text.unwrap_or_else(|error| panic!("{}: {error}", path.display()))), Vec::new())
            }
            _ => start_parts(&programs, directory.path(), durability),
        };
        std::fs::write(&kubeconfig, admin.to_yaml()).unwrap();
        let mut plane = Self { admin, kubeconfig, parts, directory };
        plane.wait_until_ready();
        // It gives up on an API server that takes longer than ten seconds to get ready.
        if durability == Durability::Unsynced && programs.has("controller-manager") {
            let manager = Part::start(&programs, "controller-manager", plane.directory.path(), &manager_flags());
            plane.parts.insert(0, manager);
        }
        Some(plane)
    }

    /// The kubeconfig of an administrator, as a file.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The way in of an administrator.
    pub fn admin(&self) -> &Access {
        &self.admin
    }

    /// The kubeconfig of a service account, as a file.
    pub fn kubeconfig_of(&self, account: ServiceAccount<'_>) -> PathBuf {
        let path = self.directory.path().join(format!("{}.{}.kubeconfig", account.namespace, account.name));
        std::fs::write(&path, self.admin.of_service_account(account).to_yaml()).unwrap();
        path
    }

    /// Every answered request so far, as the server's audit log tells it: who asked for what, and by which right. Empty on a
    /// cluster that is not this test's own.
    pub fn audit(&self) -> Vec<Value> {
        let log = std::fs::read_to_string(self.directory.path().join("audit.log")).unwrap_or_default();
        log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The processes, by which to tell how much memory they use.
    pub fn process_ids(&self) -> Vec<u32> {
        self.parts.iter().map(Part::process_id).collect()
    }

    fn wait_until_ready(&mut self) {
        let start = Instant::now();
        loop {
            let admin = self.admin.clone();
            let ready = real_time(async move {
                let request = http::Request::get("/readyz").body(Vec::new()).unwrap();
                let answer = admin.client().await.request_text(request).await;
                tokio::time::sleep(Duration::from_millis(if answer.is_ok() { 0 } else { 50 })).await;
                answer
            });
            let Err(problem) = ready else { return };
            self.parts.iter_mut().for_each(Part::must_run);
            assert!(start.elapsed() < PATIENCE, "not ready: {problem}\n{}", self.last_words());
        }
    }

    fn last_words(&self) -> String {
        self.parts.iter().map(Part::last_words).collect::<Vec<_>>().join("\n")
    }
}

fn start_parts(programs: &Programs, directory: &Path, durability: Durability) -> (Access, Vec<Part>) {
    let [etcd_port, peer_port, api_port] = free_ports();
    let authority = write_files(directory);
    let server = format!("https://127.0.0.1:{api_port}");
    let admin = Access::of_token(&server, &authority, ADMIN_TOKEN);
    let etcd = Part::start(programs, "etcd", directory, &etcd_flags(etcd_port, peer_port, durability));
    let mut flags = api_flags(etcd_port, api_port);
    if durability == Durability::Unsynced {
        flags.extend(AUDIT_FLAGS.map(ToOwned::to_owned));
    }
    let api = Part::start(programs, "apiserver", directory, &flags);
    (admin, vec![api, etcd])
}

/// Certificates, keys, tokens and what to audit; the certificate to trust.
fn write_files(directory: &Path) -> String {
    let key = KeyPair::generate().unwrap();
    let names = ["127.0.0.1", "localhost"].map(ToOwned::to_owned);
    let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    let accounts = KeyPair::generate().unwrap();
    let audit = r#"{"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived", "ResponseStarted"],
        "rules": [{"level": "Metadata"}]}"#;
    for (name, text) in [
        ("server.crt", certificate.pem()),
        ("server.key", key.serialize_pem()),
        ("accounts.pub", accounts.public_key_pem()),
        ("accounts.key", accounts.serialize_pem()),
        ("tokens.csv", format!("{ADMIN_TOKEN},admin,1,\"system:masters\"\n")),
        ("audit.json", audit.to_owned()),
    ] {
        std::fs::write(directory.join(name), text).unwrap();
    }
    certificate.pem()
}

fn etcd_flags(port: u16, peer_port: u16, durability: Durability) -> Vec<String> {
    let (clients, peers) = (format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{peer_port}"));
    let mut flags = vec![
        "--data-dir=etcd".to_owned(),
        format!("--listen-client-urls={clients}"),
        format!("--advertise-client-urls={clients}"),
        format!("--listen-peer-urls={peers}"),
        format!("--initial-advertise-peer-urls={peers}"),
        format!("--initial-cluster=default={peers}"),
        "--log-level=warn".to_owned(),
    ];
    if durability == Durability::Unsynced {
        flags.push("--unsafe-no-fsync".to_owned());
    }
    flags
}

fn api_flags(etcd_port: u16, port: u16) -> Vec<String> {
    [
        &format!("--etcd-servers=http://127.0.0.1:{etcd_port}"),
        &format!("--secure-port={port}"),
        "--bind-address=127.0.0.1",
        "--tls-cert-file=server.crt",
        "--tls-private-key-file=server.key",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-account-key-file=accounts.pub",
        "--service-account-signing-key-file=accounts.key",
        "--token-auth-file=tokens.csv",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--disable-admission-plugins=ServiceAccount",
        "--endpoint-reconciler-type=none",
    ]
    .map(ToOwned::to_owned)
    .to_vec()
}

fn manager_flags() -> Vec<String> {
    let controllers = format!("--controllers={CONTROLLERS}");
    ["--kubeconfig=kubeconfig", "--leader-elect=false", "--secure-port=0", &controllers].map(ToOwned::to_owned).to_vec()
}
