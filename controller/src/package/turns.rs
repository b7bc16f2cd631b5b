//! Whose turn it is in the roll-outs of packages. Only this process needs to know: another one begins by counting, and what is
//! under way stands in the status of the services.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hostwright_crds::Package;
use kube::ResourceExt as _;

/// Whose turn it is, by package.
#[derive(Debug, Default)]
pub struct Turns {
    packages: Mutex<BTreeMap<String, Turn>>,
}

/// Those whose turn it is to follow one generation of a package, by UID.
#[derive(Debug, Clone, Default)]
struct Turn {
    package: String,
    generation: Option<i64>,
    services: BTreeSet<String>,
}

impl Turns {
    /// Whether a service may follow its package as it is now.
    pub fn has(&self, package: &Package, service: &str) -> bool {
        let packages = self.lock();
        packages.get(&package.name_any()).is_some_and(|turn| turn.is_of(package) && turn.services.contains(service))
    }

    /// Those whose turn it is to follow a package as it is now.
    pub(super) fn of(&self, package: &Package) -> BTreeSet<String> {
        let packages = self.lock();
        let turn = packages.get(&package.name_any()).filter(|turn| turn.is_of(package));
        turn.map(|turn| turn.services.clone()).unwrap_or_default()
    }

    /// Says whose turn it is from now on.
    pub(super) fn give(&self, package: &Package, services: BTreeSet<String>) {
        let mut packages = self.lock();
        if services.is_empty() {
            packages.remove(&package.name_any());
            return;
        }
        let (uid, generation) = (package.uid().unwrap_or_default(), package.metadata.generation);
        packages.insert(package.name_any(), Turn { package: uid, generation, services });
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Turn>> {
        self.packages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    fn is_of(&self, package: &Package) -> bool {
        package.uid().unwrap_or_default() == self.package && package.metadata.generation == self.generation
    }
}
