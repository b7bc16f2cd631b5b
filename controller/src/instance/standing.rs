//! What follows from everything that was found out about an instance. Pure.

use hostwright_crds::{InstanceMode, ProviderInstance, ProviderInstanceStatus, condition, reason};
use hostwright_plugin::Connection;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;

use super::identity::{self, Panel};
use super::memory::Facts;
use super::{absence, first_sight, token};
use crate::providers::{Hold, Standing};

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Conclusion {
    /// Whether it can be used.
    pub(super) standing: Standing,
    /// Which panel it is.
    pub(super) panel: Panel,
    /// The provider's version.
    pub(super) version: Option<String>,
    /// Why no absence is believed.
    pub(super) absence: Option<Hold>,
    /// Why nothing is ended.
    pub(super) endings: Option<Hold>,
    /// Remotes missing together, while that is not confirmed.
    pub(super) missing_together: Option<usize>,
    /// When the last test with these settings passed.
    pub(super) verified_at: Option<Timestamp>,
    /// What the connection test said, for the message of Ready.
    pub(super) connected: String,
    /// Whether a confirmation took effect.
    pub(super) confirmed: bool,
}

/// Draws the conclusion from the object and the facts.
pub(super) fn conclude(instance: &ProviderInstance, facts: &Facts) -> Conclusion {
    let name = instance.name_any();
    let none = ProviderInstanceStatus::default();
    let status = instance.status.as_ref().unwrap_or(&none);
    let confirmed = token::confirmed(instance.annotations());
    let recorded = Panel {
        identity: status.remote_identity.clone().unwrap_or_default(),
        former: status.former_identities.clone(),
    };
    // The object may be older than our own last write to it.
    let known = facts.panel.clone().filter(|panel| !panel.identity.is_empty()).unwrap_or_else(|| recorded.clone());

    let answer = usable(instance, facts);
    let judged = answer.map(|connection| {
        let panel = identity::judge(&name, &known, &connection.identity, &confirmed);
        (connection, panel)
    });
    let panel = match &judged {
        Ok((_, Ok(panel))) => panel.clone(),
        _ => known.clone(),
    };
    let standing = match &judged {
        Err(hold) | Ok((_, Err(hold))) => Standing::NotReady(hold.clone()),
        Ok((connection, Ok(_))) => match lacking(&name, connection) {
            Some(hold) => Standing::NotReady(hold),
            None => Standing::Ready,
        },
    };
    // On another panel than the one the records speak of, no absence means anything.
    let other_panel = match &standing {
        Standing::NotReady(hold) if hold.reason == reason::REMOTE_CHANGED => Some(hold.clone()),
        _ => None,
    };
    let missing = absence::judge(&name, facts.missing.as_ref(), status.missing_together, &confirmed);
    let sight = first_sight::judge(instance, facts.first_sight, &confirmed);
    let absence = other_panel.or_else(|| missing.hold.clone());

    Conclusion {
        version: judged
            .as_ref()
            .ok()
            .map_or_else(|| status.version.clone(), |(connection, _)| connection.version.clone()),
        connected: judged.as_ref().map(|(connection, _)| describe(&name, connection, facts)).unwrap_or_default(),
        verified_at: facts.current_test().filter(|_| judged.is_ok()).map(|test| test.at),
        confirmed: !recorded.identity.is_empty() && panel != recorded || missing.confirmed || sight.confirmed,
        endings: held_endings(sight.hold, absence.as_ref()),
        missing_together: missing.hold.is_some().then_some(missing.count),
        standing,
        panel,
        absence,
    }
}

/// The connection of the last test, or why there is none.
fn usable<'a>(instance: &ProviderInstance, facts: &'a Facts) -> Result<&'a Connection, Hold> {
    let name = instance.name_any();
    if instance.spec.mode == InstanceMode::Disabled {
        return Err(Hold::new(reason::INSTANCE_DISABLED, format!("{name}: mode is Disabled; no call is made")));
    }
    if let Some(Err(hold)) = &facts.settings {
        return Err(hold.clone());
    }
    match facts.current_test() {
        Some(test) => test.answer.as_ref().map_err(Clone::clone),
        None => Err(Hold::new(reason::INSTANCE_NOT_READY, format!("{name}: not connected yet"))),
    }
}

fn lacking(name: &str, connection: &Connection) -> Option<Hold> {
    let missing: Vec<&str> =
        connection.permissions.iter().filter(|right| !right.granted).map(|right| right.name.as_str()).collect();
    let (noun, pronoun) = match missing.len() {
        0 => return None,
        1 => ("permission", "it"),
        _ => ("permissions", "them"),
    };
    let names = missing.join(", ");
    let text = format!("{name}: the credentials lack the {noun} {names}; grant {pronoun} at the provider");
    Some(Hold::new(reason::PERMISSION_MISSING, text))
}

/// `panel-eu: Pterodactyl 1.11 at https://panel.example.com, 6 permissions proven`.
fn describe(name: &str, connection: &Connection, facts: &Facts) -> String {
    let Some(settings) = facts.usable() else {
        return String::new();
    };
    let version = connection.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    let address = settings.address.as_ref().map(|address| format!(" at {address}")).unwrap_or_default();
    let rights = match connection.permissions.len() {
        0 => String::new(),
        1 => ", 1 permission proven".to_owned(),
        count => format!(", {count} permissions proven"),
    };
    let list = facts.list_error.as_ref().map(|error| format!("; its remotes could not be listed: {error}"));
    let text = format!("{name}: {}{version}{address}{rights}{}", settings.provider, list.unwrap_or_default());
    condition::cut(settings.redactor.redact(&text), condition::MESSAGE_BYTES)
}

/// Remotes that were already there come first: their condition in status is all that keeps them known over a restart.
fn held_endings(sight: Option<Hold>, absence: Option<&Hold>) -> Option<Hold> {
    match sight {
        Some(hold) if hold.reason == reason::REMOTES_ALREADY_THERE => Some(hold),
        passing => absence.cloned().or(passing),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::instance::memory::{FirstSight, Missing, Test};
    use crate::instance::validate::fixtures::settings;
    use hostwright_plugin::Permission;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn connection(identity: &str, granted: bool) -> Connection {
        Connection {
            identity: identity.into(),
            version: Some("1.11".into()),
            permissions: vec![Permission { name: "r_servers".into(), granted }],
            note: None,
        }
    }

    fn facts(answer: Result<Connection, Hold>) -> Facts {
        Facts {
            settings: Some(Ok(Arc::new(settings()))),
            test: Some(Test { settings: settings().digest, at: at(100), answer }),
            first_sight: FirstSight::Known,
            ..Facts::default()
        }
    }

    /// An instance that was connected to the panel `one` before.
    fn instance() -> ProviderInstance {
        let mut instance = ProviderInstance::default();
        instance.metadata.name = Some("panel-eu".into());
        instance.status =
            Some(ProviderInstanceStatus { remote_identity: Some("one".into()), ..ProviderInstanceStatus::default() });
        instance
    }

    fn reason_of(standing: &Standing) -> &'static str {
        match standing {
            Standing::Ready => reason::CONNECTED,
            Standing::NotReady(hold) => hold.reason,
        }
    }

    #[test]
    fn an_instance_is_ready_when_its_very_settings_reach_the_panel_it_was_before() {
        let down = Hold::new(reason::PROVIDER_UNAVAILABLE, "down");
        let mut disabled = instance();
        disabled.spec.mode = InstanceMode::Disabled;
        let mut other_settings = facts(Ok(connection("one", true)));
        other_settings.test.as_mut().unwrap().settings = "others".into();
        let inline = Facts { settings: Some(Err(Hold::new(reason::INLINE_SECRET, "inline"))), ..Facts::default() };
        let rows = [
            (instance(), facts(Ok(connection("one", true))), reason::CONNECTED),
            (instance(), facts(Ok(connection("two", true))), reason::REMOTE_CHANGED),
            (instance(), facts(Ok(connection("one", false))), reason::PERMISSION_MISSING),
            (instance(), facts(Err(down)), reason::PROVIDER_UNAVAILABLE),
            (instance(), other_settings, reason::INSTANCE_NOT_READY),
            (instance(), inline, reason::INLINE_SECRET),
            (disabled, facts(Ok(connection("one", true))), reason::INSTANCE_DISABLED),
        ];
        for (instance, facts, expected) in rows {
            let conclusion = conclude(&instance, &facts);
            assert_eq!(reason_of(&conclusion.standing), expected);
            assert_eq!(conclusion.panel.identity, "one", "{expected}");
        }
    }

    #[test]
    fn on_another_panel_no_absence_is_believed_and_nothing_is_ended() {
        let conclusion = conclude(&instance(), &facts(Ok(connection("two", true))));
        for hold in [conclusion.absence, conclusion.endings] {
            assert_eq!(hold.unwrap().reason, reason::REMOTE_CHANGED);
        }
    }

    #[test]
    fn a_mass_absence_leaves_the_instance_usable_for_everything_else() {
        let mut facts = facts(Ok(connection("one", true)));
        facts.missing = Some(Missing { ids: (0..10).map(|id| id.to_string()).collect(), of: 30 });
        let conclusion = conclude(&instance(), &facts);
        assert_eq!(conclusion.standing, Standing::Ready);
        assert_eq!(conclusion.absence.unwrap().reason, reason::MASS_ABSENCE);
        assert_eq!(conclusion.missing_together, Some(10));
    }

    #[test]
    fn remotes_that_were_already_there_are_named_before_anything_else() {
        let mut facts = facts(Ok(connection("two", true)));
        facts.first_sight = FirstSight::AlreadyThere(3);
        let conclusion = conclude(&instance(), &facts);
        assert_eq!(conclusion.endings.unwrap().reason, reason::REMOTES_ALREADY_THERE);
        assert_eq!(conclusion.absence.unwrap().reason, reason::REMOTE_CHANGED);
    }

    #[test]
    fn the_message_says_where_the_panel_is_and_what_was_proven() {
        let conclusion = conclude(&instance(), &facts(Ok(connection("one", true))));
        assert_eq!(conclusion.connected, "panel-eu: Demo 1.11 at https://panel.example.com, 1 permission proven");
        assert_eq!(conclusion.verified_at, Some(at(100)));
    }
}
