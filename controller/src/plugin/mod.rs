//! The driver of Plugins: one object for each built-in plugin, so that people see what there is and what it takes.

#[cfg(test)]
pub(crate) mod sample;

use std::sync::Arc;

use hostwright_crds::{
    FIELD_MANAGER, Plugin as PluginObject, PluginSchemas, PluginSpec, PluginStatus, condition, reason,
};
use hostwright_plugin::{Map, Plugin};
use k8s_openapi::jiff::Timestamp;
use kube::api::{ObjectMeta, PostParams};
use kube::runtime::controller::Action;
use kube::{Api, ResourceExt as _};
use serde::Serialize;
use serde_json::Value;

use crate::context::{Context, Guarded};
use crate::kube::fenced::write_status_of;
use crate::kube::{WriteError, bounded};

/// Why a pass failed; it is repeated.
#[derive(Debug, thiserror::Error)]
#[error("cannot keep the Plugin objects up to date: {0}")]
pub struct Error(#[from] WriteError);

impl Error {
    /// Whether another writer was first, which is no news: the next attempt sees what it wrote.
    pub fn is_lost_race(&self) -> bool {
        self.0 == WriteError::Conflict
    }
}

/// Makes the objects of the built-in plugins that are missing, and mends those that differ, once this process leads.
/// Writes nothing where nothing differs.
///
/// # Errors
/// When an object could not be read or written.
pub async fn publish_builtins(ctx: &Context) -> Result<(), Error> {
    ctx.leadership.wait_until_held().await;
    let api: Api<PluginObject> = Api::all(ctx.client.clone());
    for (slug, plugin) in ctx.providers.plugins() {
        let object = match bounded(api.get_opt(slug)).await? {
            Some(object) => object,
            None => create(&api, slug, plugin.as_ref()).await?,
        };
        keep(&api, object, plugin.as_ref(), ctx).await?;
    }
    Ok(())
}

/// Says of one Plugin object whether this controller runs that plugin.
///
/// # Errors
/// When that could not be written down.
pub async fn reconcile(seen: Arc<Guarded<PluginObject>>, ctx: Arc<Context>) -> Result<Action, Error> {
    let object = match &seen.0 {
        Ok(object) => object,
        Err(invalid) => {
            let name = invalid.metadata.name.as_deref().unwrap_or_default();
            tracing::warn!(plugin = name, error = invalid.error, "a Plugin cannot be read; it is left as it is");
            return Ok(Action::await_change());
        }
    };
    if object.metadata.deletion_timestamp.is_some() || !ctx.leadership.holds() {
        return Ok(Action::await_change());
    }
    if let Some(plugin) = ctx.providers.plugin(&object.name_any()) {
        let api: Api<PluginObject> = Api::all(ctx.client.clone());
        keep(&api, object.clone(), plugin.as_ref(), &ctx).await?;
    } else {
        let known: Vec<&str> = ctx.providers.plugins().map(|(slug, _)| slug.as_str()).collect();
        write_if_changed(object, unknown_status(object, &known, ctx.clock.now()), &ctx).await?;
    }
    Ok(Action::await_change())
}

async fn create(api: &Api<PluginObject>, slug: &str, plugin: &dyn Plugin) -> Result<PluginObject, WriteError> {
    let object = PluginObject {
        metadata: ObjectMeta { name: Some(slug.to_owned()), ..ObjectMeta::default() },
        spec: spec_of(plugin),
        status: None,
    };
    bounded(api.create(&params(), &object)).await
}

/// Spec and status of a built-in plugin as its code says.
async fn keep(
    api: &Api<PluginObject>,
    mut object: PluginObject,
    plugin: &dyn Plugin,
    ctx: &Context,
) -> Result<(), WriteError> {
    let spec = spec_of(plugin);
    if object.spec != spec {
        object.spec = spec;
        object.metadata.managed_fields = None;
        // Carries the resourceVersion it was read with.
        object = bounded(api.replace(&object.name_any(), &params(), &object)).await?;
    }
    let status = known_status(&object, plugin, ctx.clock.now());
    write_if_changed(&object, status, ctx).await
}

async fn write_if_changed(object: &PluginObject, status: PluginStatus, ctx: &Context) -> Result<(), WriteError> {
    if object.status.as_ref() != Some(&status) {
        write_status_of(&ctx.client, object, status).await?;
    }
    Ok(())
}

fn params() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() }
}

fn spec_of(plugin: &dyn Plugin) -> PluginSpec {
    let manifest = plugin.manifest().clone();
    PluginSpec {
        display_name: manifest.name,
        provider: manifest.provider,
        version: manifest.version,
        description: manifest.description,
        author: manifest.author,
        icon: manifest.icon,
    }
}

fn known_status(object: &PluginObject, plugin: &dyn Plugin, now: Timestamp) -> PluginStatus {
    let manifest = plugin.manifest();
    let text = format!("{} {} is built in", manifest.name, manifest.version);
    PluginStatus {
        protocol_version: i32::try_from(manifest.protocol_version).ok(),
        capabilities: as_map(plugin.capabilities()),
        schemas: Some(PluginSchemas {
            config: as_map(plugin.config_schema()),
            package: as_map(plugin.package_schema()),
            checkout: as_map(plugin.checkout_schema()),
        }),
        ..judged(object, "True", reason::READY, &text, now)
    }
}

fn unknown_status(object: &PluginObject, known: &[&str], now: Timestamp) -> PluginStatus {
    let text = format!("this controller has no plugin {}; it has {}", object.name_any(), known.join(", "));
    judged(object, "False", reason::PLUGIN_NOT_FOUND, &text, now)
}

fn judged(object: &PluginObject, ready: &str, reason: &str, message: &str, now: Timestamp) -> PluginStatus {
    let generation = object.metadata.generation.unwrap_or_default();
    let mut conditions = object.status.as_ref().map(|status| status.conditions.clone()).unwrap_or_default();
    let told = |kind, value| condition::new(kind, value, reason, message, generation, now);
    condition::set(&mut conditions, told(condition::READY, ready));
    // Which plugins a controller has changes only with the controller.
    condition::set_while(ready == "False", &mut conditions, told(condition::STALLED, "True"));
    PluginStatus { observed_generation: Some(generation), conditions, ..PluginStatus::default() }
}

fn as_map<T: Serialize>(value: &T) -> Map {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        // Capabilities and schemas are objects; what is not would have nothing to show.
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::sample::Sample;
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn object(name: &str) -> PluginObject {
        let mut object = PluginObject::default();
        object.metadata.name = Some(name.into());
        object.metadata.generation = Some(1);
        object
    }

    #[test]
    fn a_built_in_plugin_shows_what_it_can_do_and_takes() {
        let mut object = object("sample");
        let plugin = Sample::new();
        let status = known_status(&object, &plugin, at(1));
        assert!(condition::is_true(&status.conditions, condition::READY));
        assert_eq!((status.protocol_version, status.observed_generation), (Some(1), Some(1)));
        assert!(status.capabilities.contains_key("createUniqueness"));
        assert!(status.schemas.as_ref().unwrap().config.contains_key("panel_url"));
        object.status = Some(status.clone());
        assert_eq!(known_status(&object, &plugin, at(2)), status, "a later pass writes nothing");
    }

    #[test]
    fn a_plugin_that_is_not_there_is_answered_with_those_that_are() {
        let status = unknown_status(&object("proxmox"), &["demo", "pterodactyl"], at(1));
        let ready = condition::find(&status.conditions, condition::READY).unwrap();
        assert_eq!(ready.reason, reason::PLUGIN_NOT_FOUND);
        assert!(condition::is_true(&status.conditions, condition::STALLED));
        assert!(ready.message.contains("no plugin proxmox; it has demo, pterodactyl"), "{}", ready.message);
    }
}
