//! Real servers are few, since each costs some hundred megabytes: tests borrow one and give it back.

use std::sync::{Condvar, Mutex, OnceLock};

use super::tidy;
use crate::SYSTEM;
use crate::helm::{self, Helm};
use crate::kube::{Access, ControlPlane, ServiceAccount, real_time};

/// As many as tests run at once on a machine with two cores.
const MOST: usize = 2;

/// A control plane with the definitions of all kinds.
pub(super) struct Plane {
    /// May do everything.
    pub(super) admin: kube::Client,
    /// May do what the chart gives the controller.
    pub(super) controller: kube::Client,
    _processes: ControlPlane,
}

impl Plane {
    fn start() -> Self {
        let plane = ControlPlane::start().expect("HOSTWRIGHT_TEST_SERVER=kube without a server to run on, see above");
        let admin = client(plane.admin());
        real_time(tidy::prepare(admin.clone()));
        let controller = client(&of_the_controller(plane.admin(), &admin));
        Self { admin, controller, _processes: plane }
    }
}

fn client(access: &Access) -> kube::Client {
    let access = access.clone();
    real_time(async move { access.client().await })
}

/// The way in of the controller, which may do what the chart grants it, and nothing else.
///
/// # Panics
/// Without helm, which alone knows what that is.
fn of_the_controller(plane: &Access, admin: &kube::Client) -> Access {
    let helm = Helm::find().expect("without helm nobody knows what the chart grants the controller, see above");
    let objects = helm.rendered(&[
        "--set",
        "installationId=test,checkoutSecrets.namespaces={customers},credentialSecrets.namespaces={customers}",
    ]);
    let account = helm::named(&objects, "ServiceAccount", "hostwright").clone();
    let granted = objects
        .into_iter()
        .filter(|object| object["apiVersion"] == "rbac.authorization.k8s.io/v1" || object["kind"] == "ServiceAccount");
    real_time(tidy::apply(admin.clone(), granted.collect()));
    let name = account["metadata"]["name"].as_str().expect("an account has a name").to_owned();
    plane.of_service_account(ServiceAccount { namespace: SYSTEM, name: &name })
}

/// A control plane that goes back to the others when it is dropped.
pub(super) struct Lent {
    /// Present until then.
    plane: Option<Plane>,
}

impl Lent {
    pub(super) fn wait_for_one() -> Self {
        let plane = shelf().take();
        real_time(tidy::empty(plane.admin.clone()));
        Self { plane: Some(plane) }
    }

    pub(super) fn plane(&self) -> &Plane {
        self.plane.as_ref().expect("present until it is dropped")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        shelf().put(self.plane.take());
    }
}

struct Shelf {
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Default)]
struct State {
    started: usize,
    free: Vec<Plane>,
}

fn shelf() -> &'static Shelf {
    static SHELF: OnceLock<Shelf> = OnceLock::new();
    SHELF.get_or_init(|| Shelf { state: Mutex::default(), returned: Condvar::new() })
}

impl Shelf {
    fn take(&self) -> Plane {
        let mut state = self.state.lock().unwrap();
        loop {
            if let Some(plane) = state.free.pop() {
                return plane;
            }
            if state.started < MOST {
                state.started += 1;
                drop(state);
                return Plane::start();
            }
            state = self.returned.wait(state).unwrap();
        }
    }

    fn put(&self, plane: Option<Plane>) {
        self.state.lock().unwrap().free.extend(plane);
        self.returned.notify_one();
    }
}
