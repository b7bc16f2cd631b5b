//! What is deleted because no file asks for it any more.
//!
//! Deleting a `HostingService` ends a customer's server, so whatever could be an accident deletes nothing: a folder that is
//! gone, empty or not read to the end, a file that lost its content, and many objects that are missing at once.

use std::collections::BTreeSet;
use std::time::Duration;

use super::target::Key;

/// The most objects that are deleted at once, and the share of those that the folder applied, whichever is more.
const MOST_AT_ONCE: usize = 3;
const LARGEST_SHARE: usize = 10;

/// An object that this folder applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owned {
    pub(super) key: Key,
    pub(super) uid: String,
    pub(super) resource_version: String,
    /// It is being deleted already.
    pub(super) is_ending: bool,
}

/// What is known at this moment.
#[derive(Debug)]
pub(super) struct Evidence<'a> {
    /// What the folder applied so far.
    pub(super) owned: Vec<Owned>,
    /// What its files ask for.
    pub(super) wanted: &'a BTreeSet<Key>,
    /// Why the files may ask for more than was understood.
    pub(super) gaps: Vec<String>,
    /// How long everything in the folder has been as it is; none while a file is being written.
    pub(super) at_rest: Option<Duration>,
    /// How long it has to be, where anything is to be deleted at all.
    pub(super) prune_after: Option<Duration>,
}

/// What follows for the objects that no file asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// There are none.
    Nothing,
    /// They stay: nothing is ever deleted.
    Stay(Vec<Owned>),
    /// They stay because of this.
    Held(Vec<Owned>, String),
    /// They are deleted if the folder stays as it is for as long as it must.
    Wait(Vec<Owned>),
    /// They are deleted.
    Delete(Vec<Owned>),
}

/// Decides, without looking at anything but the evidence.
pub(super) fn decide(evidence: Evidence<'_>) -> Verdict {
    let Evidence { owned, wanted, gaps, at_rest, prune_after } = evidence;
    let most = MOST_AT_ONCE.max(owned.len() / LARGEST_SHARE);
    let is_orphan = |object: &Owned| !object.is_ending && !wanted.contains(&object.key) && may_be_pruned(&object.key);
    let mut orphans: Vec<Owned> = owned.into_iter().filter(is_orphan).collect();
    // Customers' services go before what they are made from.
    orphans.sort_by_key(|object| (u8::MAX - object.key.rank(), object.key.clone()));
    if orphans.is_empty() {
        return Verdict::Nothing;
    }
    if let Some(gap) = gaps.into_iter().next() {
        return Verdict::Held(orphans, gap);
    }
    let Some(prune_after) = prune_after else {
        return Verdict::Stay(orphans);
    };
    if orphans.len() > most {
        return Verdict::Held(orphans, format!("more than {most} at once look like an accident"));
    }
    if at_rest.is_none_or(|rest| rest < prune_after) {
        return Verdict::Wait(orphans);
    }
    Verdict::Delete(orphans)
}

/// Whether objects of this kind are ever pruned: with a namespace or a definition goes what others put there.
fn may_be_pruned(key: &Key) -> bool {
    !matches!(key.kind.as_str(), "Namespace" | "CustomResourceDefinition")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: &str, name: &str) -> Key {
        let group = if kind.starts_with(['N', 'S']) { "" } else { "hostwright.dev" };
        Key { group: group.into(), kind: kind.into(), namespace: "customers".into(), name: name.into() }
    }

    fn owned(kind: &str, name: &str) -> Owned {
        let uid = format!("uid-{name}");
        Owned { key: key(kind, name), uid, resource_version: "1".into(), is_ending: false }
    }

    fn services(count: usize) -> Vec<Owned> {
        (0..count).map(|index| owned("HostingService", &format!("s{index}"))).collect()
    }

    const AFTER: Duration = Duration::from_mins(1);

    /// A folder that asks for the first `wanted` of these, is read to the end, at rest, and prunes.
    fn verdict(owned: Vec<Owned>, wanted: usize, change: impl FnOnce(&mut Evidence<'_>)) -> Verdict {
        let wanted = owned.iter().take(wanted).map(|object| object.key.clone()).collect();
        let mut evidence =
            Evidence { owned, wanted: &wanted, gaps: Vec::new(), at_rest: Some(AFTER), prune_after: Some(AFTER) };
        change(&mut evidence);
        decide(evidence)
    }

    fn named(verdict: &Verdict) -> (&'static str, usize) {
        match verdict {
            Verdict::Nothing => ("nothing", 0),
            Verdict::Stay(objects) => ("stay", objects.len()),
            Verdict::Held(objects, _) => ("held", objects.len()),
            Verdict::Wait(objects) => ("wait", objects.len()),
            Verdict::Delete(objects) => ("delete", objects.len()),
        }
    }

    #[test]
    fn what_no_file_asks_for_is_deleted_when_all_is_certain() {
        assert_eq!(named(&verdict(services(5), 4, |_| {})), ("delete", 1));
        assert_eq!(named(&verdict(services(5), 5, |_| {})), ("nothing", 0));
    }

    #[test]
    fn nothing_is_deleted_unless_it_is_asked_for() {
        assert_eq!(named(&verdict(services(5), 4, |evidence| evidence.prune_after = None)), ("stay", 1));
    }

    #[test]
    fn nothing_is_deleted_while_the_files_may_ask_for_more() {
        let unread = |evidence: &mut Evidence<'_>| evidence.gaps.push("a.yaml cannot be read".to_owned());
        let verdict = verdict(services(5), 4, unread);
        assert_eq!(verdict, Verdict::Held(vec![owned("HostingService", "s4")], "a.yaml cannot be read".to_owned()));
    }

    #[test]
    fn nothing_is_deleted_before_the_folder_has_been_at_rest() {
        let rested = |rest: Option<u64>| {
            let rest = rest.map(Duration::from_secs);
            named(&verdict(services(5), 4, |evidence| evidence.at_rest = rest)).0
        };
        assert_eq!([rested(None), rested(Some(59)), rested(Some(60))], ["wait", "wait", "delete"]);
    }

    #[test]
    fn many_at_once_are_held() {
        let rows = [
            (3, 0, "delete"),
            (4, 0, "held"),
            (29, 25, "held"),
            (40, 36, "delete"),
            (40, 35, "held"),
            (100, 90, "delete"),
        ];
        for (owned, wanted, expected) in rows {
            assert_eq!(named(&verdict(services(owned), wanted, |_| {})).0, expected, "{wanted} of {owned}");
        }
    }

    #[test]
    fn what_is_ending_is_left_to_end() {
        let mut objects = services(5);
        objects[4].is_ending = true;
        assert_eq!(verdict(objects, 4, |_| {}), Verdict::Nothing);
    }

    #[test]
    fn namespaces_and_definitions_are_never_deleted() {
        let objects = vec![owned("Namespace", "customers"), owned("CustomResourceDefinition", "packages")];
        assert_eq!(verdict(objects, 0, |_| {}), Verdict::Nothing);
    }

    #[test]
    fn services_go_before_what_they_are_made_from() {
        let objects =
            vec![owned("Secret", "key"), owned("ProviderInstance", "panel"), owned("HostingService", "alice")];
        let Verdict::Delete(order) = verdict(objects, 0, |_| {}) else { panic!("they are not deleted") };
        let kinds: Vec<&str> = order.iter().map(|object| object.key.kind.as_str()).collect();
        assert_eq!(kinds, ["HostingService", "ProviderInstance", "Secret"]);
    }
}
