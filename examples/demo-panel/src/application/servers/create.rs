//! `POST /servers`: body rules, placement, egg variables, database, Wings, in this order.

use axum::extract::State as Extract;
use serde_json::json;

use super::placement::{is_deployed, place};
use super::view::server_item;
use super::{fields, variables};
use crate::config::Dialect;
use crate::errors::ApiError;
use crate::http::{Call, Reply, created};
use crate::panel::Panel;
use crate::records::{FeatureLimits, Limits, NodeId, PowerState, Server, ServerStatus};
use crate::seed::new_uuid;
use crate::state::State;
use crate::validation::Field;

pub(super) async fn store(Extract(panel): Extract<Panel>, call: Call) -> Reply {
    let (uuid, node) = insert(&mut panel.lock(), &call)?;
    // The row is visible while Wings is asked, and goes again if Wings fails.
    if let Err(failure) = panel.call_wings(node).await {
        panel.lock().remove_server(&uuid);
        return Err(failure.into());
    }
    panel.begin_installation(&uuid);
    let state = panel.lock();
    let server = state.server_by_uuid(&uuid).ok_or_else(ApiError::not_found)?;
    created(server_item(&state, server, &call.includes()))
}

fn insert(state: &mut State, call: &Call) -> Result<(String, NodeId), ApiError> {
    call.may_write(state)?;
    call.validate(state, &rules(state.dialect, is_deployed(call)))?;
    let limits = limits(call, state.dialect);
    let placement = place(state, call, &limits)?;
    let egg = state.egg(call.id("egg").unwrap_or_default())?;
    let no_environment = json!({});
    let environment = variables::check(state, egg, call.input("environment").unwrap_or(&no_environment))?;
    let (startup, image) = (egg.startup.clone(), egg.docker_image.clone());
    let (egg, now) = (egg.id, state.clock.now());
    let limit = |path: &str| call.integer(path).unwrap_or_default();
    let uuid = new_uuid();
    let server = Server {
        id: 0,
        external_id: call.text("external_id"),
        uuid: uuid.clone(),
        name: call.text("name").unwrap_or_default(),
        description: call.text("description").unwrap_or_default(),
        status: Some(ServerStatus::Installing),
        skip_scripts: call.boolean("skip_scripts").unwrap_or_default(),
        owner: call.id("user").unwrap_or_default(),
        limits,
        feature_limits: FeatureLimits {
            databases: Some(limit("feature_limits.databases")),
            allocations: Some(limit("feature_limits.allocations")),
            backups: limit("feature_limits.backups"),
        },
        node: placement.node,
        allocation: placement.allocation,
        egg,
        startup: call.text("startup").unwrap_or(startup),
        image: call.text("docker_image").unwrap_or(image),
        environment,
        transferring: false,
        power: PowerState::Offline,
        start_on_completion: call.boolean("start_on_completion").unwrap_or_default(),
        installation: 1,
        created_at: now,
        updated_at: now,
    };
    let additional = if is_deployed(call) { Vec::new() } else { call.ids("allocation.additional") };
    state.insert_server(|id| Server { id, ..server }, &additional);
    Ok((uuid, placement.node))
}

fn limits(call: &Call, dialect: Dialect) -> Limits {
    let limit = |path: &str| call.integer(path).unwrap_or_default();
    let oom_disabled = if dialect.is_pelican() {
        call.boolean("oom_killer").map(|killer| !killer)
    } else {
        call.boolean("oom_disabled")
    };
    Limits {
        memory: limit("limits.memory"),
        swap: limit("limits.swap"),
        disk: limit("limits.disk"),
        io: limit("limits.io"),
        cpu: limit("limits.cpu"),
        threads: call.text("limits.threads"),
        oom_disabled: oom_disabled.unwrap_or(true),
    }
}

/// The rules, in the order in which their failures are reported.
fn rules(dialect: Dialect, deployed: bool) -> Vec<Field> {
    let mut rules = vec![
        fields::external_id(dialect, None),
        fields::name(dialect),
        Field::new("description", "nullable|string"),
        Field::new("user", "required|integer|exists:users,id"),
        Field::new("egg", "required|exists:eggs,id"),
        fields::image("docker_image", dialect),
    ];
    if dialect.is_pelican() {
        rules.push(Field::new("startup", "sometimes|string"));
        rules.push(Field::new("environment", "sometimes|array"));
    } else {
        rules.push(Field::new("startup", "required|string"));
        rules.push(Field::new("environment", "present|array"));
    }
    rules.push(Field::new("skip_scripts", "sometimes|boolean"));
    rules.push(Field::new(if dialect.is_pelican() { "oom_killer" } else { "oom_disabled" }, "sometimes|boolean"));
    rules.extend(limit_rules(dialect));
    rules.extend(placement_rules(dialect, deployed));
    rules.push(Field::new("start_on_completion", "sometimes|boolean"));
    rules
}

fn limit_rules(dialect: Dialect) -> Vec<Field> {
    let required = |path: &str, rules: &str| Field::new(path, &format!("required|{rules}"));
    vec![
        Field::new("limits", "required|array"),
        required("limits.memory", fields::MEMORY),
        required("limits.swap", fields::SWAP),
        required("limits.disk", fields::DISK),
        required("limits.io", &fields::io(dialect)),
        fields::threads("limits.threads"),
        required("limits.cpu", fields::CPU),
        Field::new("feature_limits", "required|array"),
        Field::new("feature_limits.databases", fields::FEATURE_LIMIT),
        Field::new("feature_limits.allocations", fields::ALLOCATION_LIMIT),
        Field::new("feature_limits.backups", fields::FEATURE_LIMIT),
    ]
}

/// An allocation is looked at only when the panel is not to choose one.
fn placement_rules(dialect: Dialect, deployed: bool) -> Vec<Field> {
    let mut rules = Vec::new();
    if !deployed {
        let presence = if dialect.is_pelican() { "nullable" } else { "required" };
        rules.push(Field::new("allocation.default", &format!("{presence}|integer|bail|exists:free_allocations,id")));
        rules.push(Field::new("allocation.additional.*", "integer|exists:free_allocations,id"));
    }
    let present = if deployed { "array|present" } else { "array" };
    rules.push(Field::new("deploy", "sometimes|required|array"));
    if dialect.is_pelican() {
        rules.push(Field::new("deploy.tags", "array"));
        rules.push(Field::new("deploy.tags.*", "string"));
        rules.push(Field::new("deploy.dedicated_ip", "required_with:deploy"));
        rules.push(Field::new("deploy.port_range", "array"));
    } else {
        rules.push(Field::new("deploy.locations", present));
        rules.push(Field::new("deploy.locations.*", "integer|min:1"));
        // The panel's rule reads `required_with:deploy,boolean`: the type is not checked, and a member `boolean` of
        // the body makes it required too.
        rules.push(Field::new("deploy.dedicated_ip", "required_with:deploy,boolean"));
        rules.push(Field::new("deploy.port_range", present));
    }
    rules.push(Field::new("deploy.port_range.*", "string"));
    rules
}
