//! Manifests as phrases.

use serde_json::{Value, json};

use crate::{NAMESPACE, SYSTEM};

/// An object as somebody applies it.
#[derive(Debug, Clone)]
pub struct Manifest(pub(crate) Value);

/// A service of Alice's that orders `small`. Names may carry a namespace: `shop/alice`.
pub fn service(name: &str) -> Manifest {
    let (namespace, name) = name.split_once('/').unwrap_or((NAMESPACE, name));
    Manifest(json!({
        "apiVersion": "hostwright.dev/v1alpha1", "kind": "HostingService",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "packageRef": {"name": "small"}, "desiredStatus": "Active",
            "owner": {"id": "cust-1", "email": "alice@example.com", "name": "Alice Archer"},
            "checkout": {"server_name": format!("{name} server")},
        },
    }))
}

/// A package of `panel-eu` that every namespace may order; it may be changed to `small` and `large`.
pub fn package(name: &str) -> Manifest {
    Manifest(json!({
        "apiVersion": "hostwright.dev/v1alpha1", "kind": "Package", "metadata": {"name": name},
        "spec": {
            "providerInstanceRef": {"name": "panel-eu"}, "namespaceSelector": {}, "scalableTo": ["large", "small"],
            "provisioning": {"nest_id": 1, "egg_id": 4, "memory": 1024, "disk": 2000},
        },
    }))
}

/// The panel under this name, with its key in the Secret `panel-api`.
pub fn instance(name: &str) -> Manifest {
    Manifest(json!({
        "apiVersion": "hostwright.dev/v1alpha1", "kind": "ProviderInstance", "metadata": {"name": name},
        "spec": {
            "pluginRef": {"name": "pterodactyl"}, "config": {"panel_url": "http://panel.test"},
            "configFrom": {"api_key": {"secretKeyRef": {"name": "panel-api", "key": "api_key"}}},
        },
    }))
}

/// A Secret of the controller's namespace with one value under `api_key`.
pub fn secret(name: &str, value: &str) -> Manifest {
    Manifest(json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": SYSTEM},
        "stringData": {"api_key": value},
    }))
}

/// A Secret beside the services with this password, which a checkout may use.
pub fn password(name: &str, value: &str) -> Manifest {
    Manifest(json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"hostwright.dev/checkout": "true"}},
        "stringData": {"password": value},
    }))
}

/// A namespace.
pub fn namespace(name: &str) -> Manifest {
    Manifest(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))
}

impl From<Value> for Manifest {
    fn from(object: Value) -> Self {
        Self(object)
    }
}

impl Manifest {
    /// The same with a value at a place, whose parents are made where they are missing.
    #[must_use]
    pub fn setting(mut self, place: &[&str], value: impl Into<Value>) -> Self {
        let target = place.iter().fold(&mut self.0, |at, key| &mut at[*key]);
        *target = value.into();
        self
    }

    /// A service of this package.
    #[must_use]
    pub fn ordering(self, package: &str) -> Self {
        self.setting(&["spec", "packageRef", "name"], package)
    }

    /// A service with this desired status.
    #[must_use]
    pub fn wanting(self, desired: &str) -> Self {
        self.setting(&["spec", "desiredStatus"], desired)
    }

    /// A service of this customer.
    #[must_use]
    pub fn owned_by(self, id: &str, email: &str) -> Self {
        self.setting(&["spec", "owner"], json!({"id": id, "email": email, "name": id}))
    }

    /// A service that this holder suspends.
    #[must_use]
    pub fn held_by(self, holder: &str) -> Self {
        self.setting(&["spec", "suspensions", holder], json!({"reason": "TermsOfService"}))
    }

    /// A service that is paid until this instant.
    #[must_use]
    pub fn paid_until(self, instant: impl Into<Value>) -> Self {
        self.setting(&["spec", "renewal", "paidUntil"], instant)
    }

    /// A package that suspends what is overdue after the first span, and ends it after the second.
    #[must_use]
    pub fn overdue(self, suspend_after: &str, terminate_after: &str) -> Self {
        self.setting(&["spec", "overdue"], json!({"suspendAfter": suspend_after, "terminateAfter": terminate_after}))
    }

    /// A service whose remote stays when the object is deleted.
    #[must_use]
    pub fn retained(self) -> Self {
        self.setting(&["spec", "deletionPolicy"], "Retain")
    }

    /// A service that is made anew when something else removed the remote.
    #[must_use]
    pub fn recreated(self) -> Self {
        self.setting(&["spec", "onRemoteMissing"], "Recreate")
    }

    /// With an annotation.
    #[must_use]
    pub fn annotated(self, key: &str, value: &str) -> Self {
        self.setting(&["metadata", "annotations", key], value)
    }

    /// A package with this much memory in MiB.
    #[must_use]
    pub fn with_memory(self, memory: i64) -> Self {
        self.setting(&["spec", "provisioning", "memory"], memory)
    }

    /// A package of this instance.
    #[must_use]
    pub fn on(self, instance: &str) -> Self {
        self.setting(&["spec", "providerInstanceRef", "name"], instance)
    }

    pub(crate) fn text(&self, place: &str) -> &str {
        self.0.pointer(place).and_then(Value::as_str).unwrap_or_default()
    }
}
