//! Whether remotes with our mark were there before this cluster saw the instance: a staging copy of production finds
//! production's, and must not end them.

use std::collections::BTreeMap;

use hostwright_crds::{HostingService, ProviderInstance, annotation, condition, reason};
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};

use super::memory::{FirstSight, Remembered};
use super::{Error, references, token};
use crate::context::{Context, Guarded};
use crate::kube::bounded;
use crate::providers::{Hold, Snapshot};

/// What is made of the first sight.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Judgement {
    /// Why nothing is ended.
    pub(super) hold: Option<Hold>,
    /// Whether a person confirmed that the remotes are this cluster's.
    pub(super) confirmed: bool,
}

/// Whether endings are allowed. Once remotes were found to be there already, only a person lifts that.
pub(super) fn judge(instance: &ProviderInstance, sight: FirstSight, confirmed: &[&str]) -> Judgement {
    let name = instance.name_any();
    let found = match sight {
        FirstSight::Known => return Judgement::default(),
        FirstSight::Unclear if !was_held(instance) => {
            let text = format!("{name}: its remotes were never listed by this cluster; nothing is ended before that");
            return Judgement { hold: Some(Hold::new(reason::INSTANCE_NOT_READY, text)), confirmed: false };
        }
        FirstSight::Unclear | FirstSight::AlreadyThere(0) => "remotes".to_owned(),
        FirstSight::AlreadyThere(1) => "1 remote".to_owned(),
        FirstSight::AlreadyThere(count) => format!("{count} remotes"),
    };
    let token = token::of(&["already there", &name, instance.metadata.uid.as_deref().unwrap_or_default()]);
    if confirmed.contains(&token.as_str()) {
        return Judgement { hold: None, confirmed: true };
    }
    let text = format!(
        "{name}: {found} with this installation's mark existed before this cluster saw the instance; nothing on it is \
         ended. This cluster is theirs: annotate {}={token}. It is a copy: give it an installation id of its own",
        annotation::CONFIRM
    );
    Judgement { hold: Some(Hold::new(reason::REMOTES_ALREADY_THERE, text)), confirmed: false }
}

/// Whether status says that remotes were there already.
fn was_held(instance: &ProviderInstance) -> bool {
    let conditions = instance.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    condition::find(conditions, condition::ENDINGS_HELD)
        .is_some_and(|held| held.status == "True" && held.reason == reason::REMOTES_ALREADY_THERE)
}

/// Remotes that no record of this cluster claims.
fn unclaimed(list: &Snapshot, claimed: &BTreeMap<String, String>) -> usize {
    list.remotes.keys().filter(|id| !claimed.contains_key(*id)).count()
}

/// Settles the first sight once there is a list, or where there can be none.
pub(super) async fn settle(
    instance: &ProviderInstance,
    ctx: &Context,
    remembered: &Remembered,
    list: Option<&Snapshot>,
    can_list: bool,
) -> Result<(), Error> {
    if remembered.facts().first_sight != FirstSight::Unclear {
        return Ok(());
    }
    let name = instance.name_any();
    if ctx.installation.knows(&name) {
        remembered.facts().first_sight = FirstSight::Known;
        return Ok(());
    }
    let found = match list {
        Some(list) => strangers(ctx, list).await?,
        None if can_list => return Ok(()),
        None => 0,
    };
    if found > 0 || was_held(instance) {
        remembered.facts().first_sight = FirstSight::AlreadyThere(found);
        return Ok(());
    }
    welcome(ctx, remembered, &name).await
}

/// Records that this cluster knows the instance.
pub(super) async fn welcome(ctx: &Context, remembered: &Remembered, name: &str) -> Result<(), Error> {
    if !ctx.leadership.holds() {
        return Ok(());
    }
    let identity = {
        let facts = remembered.facts();
        facts.current_test().and_then(|test| test.answer.as_ref().ok()).map(|connection| connection.identity.clone())
    };
    let Some(identity) = identity else { return Ok(()) };
    ctx.installation.add(name, &identity).await?;
    remembered.facts().first_sight = FirstSight::Known;
    Ok(())
}

/// How many listed remotes no record claims. The cache may lag behind a record that was just written, so the records are
/// read live before anything is said to be strange.
async fn strangers(ctx: &Context, list: &Snapshot) -> Result<usize, Error> {
    let cached = ctx.caches.services.state();
    let claimed = references::claimed(cached.iter().map(AsRef::as_ref));
    if unclaimed(list, &claimed) == 0 {
        return Ok(0);
    }
    let services: Api<Guarded<HostingService>> = Api::all(ctx.client.clone());
    let live = bounded(services.list(&ListParams::default())).await.map_err(Error::Read)?;
    Ok(unclaimed(list, &references::claimed(live.items.iter())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hostwright_crds::ProviderInstanceStatus;
    use hostwright_plugin::{Present, Remote, State};
    use k8s_openapi::jiff::Timestamp;

    fn instance(held: bool) -> ProviderInstance {
        let mut instance = ProviderInstance::default();
        instance.metadata.name = Some("panel-eu".into());
        instance.metadata.uid = Some("uid-1".into());
        if held {
            let reason = reason::REMOTES_ALREADY_THERE;
            let held = condition::new(condition::ENDINGS_HELD, "True", reason, "", 1, Timestamp::UNIX_EPOCH);
            instance.status = Some(ProviderInstanceStatus { conditions: vec![held], ..Default::default() });
        }
        instance
    }

    fn reason_of(judgement: &Judgement) -> Option<&'static str> {
        judgement.hold.as_ref().map(|hold| hold.reason)
    }

    #[test]
    fn nothing_is_ended_before_the_first_list_nor_where_remotes_were_there_already() {
        let rows = [
            (false, FirstSight::Known, None),
            (false, FirstSight::Unclear, Some(reason::INSTANCE_NOT_READY)),
            (true, FirstSight::Unclear, Some(reason::REMOTES_ALREADY_THERE)),
            (false, FirstSight::AlreadyThere(2), Some(reason::REMOTES_ALREADY_THERE)),
        ];
        for (held, sight, expected) in rows {
            assert_eq!(reason_of(&judge(&instance(held), sight, &[])), expected, "{held} {sight:?}");
        }
    }

    #[test]
    fn the_token_in_the_message_lifts_it() {
        let hold = judge(&instance(false), FirstSight::AlreadyThere(2), &[]).hold.unwrap();
        let token = hold.message.split("confirm=").nth(1).unwrap().split('.').next().unwrap();
        for sight in [FirstSight::AlreadyThere(2), FirstSight::AlreadyThere(3)] {
            assert_eq!(judge(&instance(false), sight, &[token]), Judgement { hold: None, confirmed: true });
        }
    }

    #[test]
    fn a_remote_without_a_record_is_a_stranger() {
        let present = || Present::new(Remote::default(), State::Active, None);
        let remotes = ["prod.a.x", "prod.a.y"].map(|id| (id.to_owned(), present())).into();
        let list = Snapshot { remotes, ..Snapshot::default() };
        let claimed = BTreeMap::from([("prod.a.x".to_owned(), "a/x".to_owned())]);
        assert_eq!(unclaimed(&list, &claimed), 1);
    }
}
