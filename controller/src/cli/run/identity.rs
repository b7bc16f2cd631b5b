//! The name of this process in the lease, and what it tells of a predecessor.
//!
//! A process that was killed leaves its name in the lease, and its successor would wait until the lease has run out. Where
//! the name says that the holder was a process of this very machine, the kernel knows whether it still runs.

use std::fs;

use hostwright_crds::FIELD_MANAGER;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::PostParams;
use kube::{Api, Client};

use crate::kube::bounded;

/// A process that cannot be mistaken for another one, now or later. Source: proc(5).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Process {
    host: String,
    id: u32,
    /// When it started, in clock ticks since the machine did: process ids are used again.
    started: u64,
    /// Process ids count within a namespace.
    namespace: String,
    /// Changes when the machine starts.
    boot: String,
}

impl Process {
    /// This one; none on systems without `/proc`.
    fn current() -> Option<Self> {
        let read = |path: &str| Some(fs::read_to_string(path).ok()?.trim().to_owned());
        let namespace = fs::read_link("/proc/self/ns/pid").ok()?.to_str()?.to_owned();
        Some(Self {
            host: read("/proc/sys/kernel/hostname")?,
            id: std::process::id(),
            started: started(std::process::id())?,
            namespace: namespace.trim_start_matches("pid:[").trim_end_matches(']').to_owned(),
            boot: read("/proc/sys/kernel/random/boot_id")?,
        })
    }

    fn name(&self) -> String {
        format!("{}_{}_{}_{}_{}", self.host, self.id, self.started, self.namespace, self.boot)
    }

    fn parse(name: &str) -> Option<Self> {
        let mut parts = name.rsplitn(5, '_');
        let (boot, namespace) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        let (started, id) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Self { host: parts.next()?.to_owned(), id, started, namespace, boot })
    }

    /// Whether it certainly does not run any more, as far as this process can know.
    fn has_ended(&self, observer: &Self) -> bool {
        (&self.boot, &self.namespace) == (&observer.boot, &observer.namespace) && started(self.id) != Some(self.started)
    }
}

/// When a process started: field 22 of its stat. The second field may contain anything, and ends at the last parenthesis.
fn started(id: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// What this process calls itself: no other one has the same name.
pub(super) fn of_this_process() -> String {
    Process::current()
        .map_or_else(|| format!("{}_{:016x}", std::process::id(), rand::random::<u64>()), |process| process.name())
}

/// Gives the lease back in the name of a process of this machine that has ended. Where anything is unclear, the lease is
/// left to run out.
pub(super) async fn free_the_lease_of_the_dead(client: &Client, namespace: &str, name: &str) {
    let api: Api<Lease> = Api::namespaced(client.clone(), namespace);
    let Ok(Some(mut lease)) = bounded(api.get_opt(name)).await else {
        return;
    };
    let Some(holder) = lease.spec.as_ref().and_then(|record| record.holder_identity.clone()) else {
        return;
    };
    let (Some(dead), Some(observer)) = (Process::parse(&holder), Process::current()) else {
        return;
    };
    if !dead.has_ended(&observer) {
        return;
    }
    if let Some(record) = &mut lease.spec {
        record.holder_identity = Some(String::new());
    }
    lease.metadata.managed_fields = None;
    let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
    // Carries the resourceVersion it was read with: another process that was faster keeps it.
    match bounded(api.replace(name, &params, &lease)).await {
        Ok(_) => tracing::info!(lease = name, holder, "the holder of the lease has ended; the lease is free"),
        Err(error) => {
            tracing::debug!(lease = name, holder, %error, "the lease of an ended process will run out by itself");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(id: u32, started: u64) -> Process {
        Process { host: "node_1".into(), id, started, namespace: "4026531836".into(), boot: "b-1".into() }
    }

    #[test]
    fn a_name_tells_which_process_it_is() {
        let process = process(12, 3456);
        assert_eq!(process.name(), "node_1_12_3456_4026531836_b-1");
        assert_eq!(Process::parse(&process.name()), Some(process));
        assert_eq!(Process::parse("hostwright-7d9c-x2x"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn only_an_ended_process_of_this_machine_is_known_to_have_ended() {
        let here = Process::current().unwrap();
        assert!(!here.has_ended(&here));
        let earlier_with_our_id = Process { started: here.started - 1, ..here.clone() };
        assert!(earlier_with_our_id.has_ended(&here));
        let elsewhere = Process { boot: "another".into(), ..earlier_with_our_id.clone() };
        assert!(!elsewhere.has_ended(&here));
        let in_another_namespace = Process { namespace: "1".into(), ..earlier_with_our_id };
        assert!(!in_another_namespace.has_ended(&here));
    }
}
