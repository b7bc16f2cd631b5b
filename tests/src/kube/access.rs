//! Who may do what, and the kubeconfigs that say so.

use std::sync::OnceLock;

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount as Account;
use kube::api::{Api, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

/// A way into a cluster.
#[derive(Debug, Clone)]
pub struct Access {
    kubeconfig: Kubeconfig,
}

/// A service account by namespace and name.
#[derive(Debug, Clone, Copy)]
pub struct ServiceAccount<'a> {
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
}

impl Access {
    pub(super) fn of_token(server: &str, authority_pem: &str, token: &str) -> Self {
        use base64::Engine as _;
        let authority = base64::engine::general_purpose::STANDARD.encode(authority_pem);
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority-data": authority}}],
            "users": [{"name": "test", "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": "default"}}],
        });
        Self { kubeconfig: serde_json::from_value(kubeconfig).unwrap() }
    }

    pub(super) fn of_kubeconfig(text: &str) -> Self {
        Self { kubeconfig: Kubeconfig::from_yaml(text).expect("TEST_KUBECONFIG cannot be read") }
    }

    /// The kubeconfig as a file has it.
    pub fn to_yaml(&self) -> String {
        serde_yaml::to_string(&self.kubeconfig).unwrap()
    }

    /// A client with connections of its own. It belongs to the runtime it is made in.
    pub async fn client(&self) -> kube::Client {
        let config = kube::Config::from_custom_kubeconfig(self.kubeconfig.clone(), &KubeConfigOptions::default()).await;
        kube::Client::try_from(config.unwrap()).unwrap()
    }

    /// The way in of a service account, which is made where there is none: what it may do is what is bound to it.
    #[must_use]
    pub fn of_service_account(&self, account: ServiceAccount<'_>) -> Self {
        let (namespace, name) = (account.namespace.to_owned(), account.name.to_owned());
        let admin = self.clone();
        let token = real_time(async move {
            let accounts: Api<Account> = Api::namespaced(admin.client().await, &namespace);
            let manifest = serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
            match accounts.create(&PostParams::default(), &manifest).await {
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                made => drop(made.unwrap()),
            }
            let spec = TokenRequestSpec { expiration_seconds: Some(24 * 60 * 60), ..TokenRequestSpec::default() };
            let request = TokenRequest { spec: Some(spec), ..TokenRequest::default() };
            let issued = accounts.create_token_request(&name, &PostParams::default(), &request).await.unwrap();
            issued.status.unwrap().token
        });
        let mut kubeconfig = self.kubeconfig.clone();
        let user = json!([{"name": "test", "user": {"token": token}}]);
        kubeconfig.auth_infos = serde_json::from_value(user).unwrap();
        for context in &mut kubeconfig.contexts {
            if let Some(context) = &mut context.context {
                context.user = Some("test".to_owned());
            }
        }
        Self { kubeconfig }
    }
}

/// Does something on threads where time is real, whatever the clock of the caller, and waits for it.
pub(crate) fn real_time<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let (sender, receiver) = std::sync::mpsc::channel();
    runtime().spawn(async move {
        // The one who asked may have given up by panicking.
        let _ = sender.send(work.await);
    });
    receiver.recv().expect("work on the real server panicked, see above")
}

/// The threads where time is real.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap())
}
