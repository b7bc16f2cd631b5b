//! `PATCH /servers/{id}/build`: limits and allocations. There is no capacity check.

use axum::extract::{Path, State as Extract};

use super::fields;
use super::view::server_item;
use crate::config::Dialect;
use crate::errors::ApiError;
use crate::http::{Call, Reply, ok};
use crate::panel::Panel;
use crate::records::{AllocationId, NodeId, ServerId};
use crate::state::State;
use crate::validation::{Field, Rule};

pub(super) async fn update(Extract(panel): Extract<Panel>, call: Call, Path(id): Path<String>) -> Reply {
    let (id, node) = change(&mut panel.lock(), &call, &id)?;
    // The new limits apply at the next boot, so the panel swallows a failure here.
    if let Err(failure) = panel.call_wings(node).await {
        tracing::warn!(server = id, ?failure, "Wings does not know the new build yet");
    }
    let state = panel.lock();
    ok(server_item(&state, state.servers.get(id).ok_or_else(ApiError::not_found)?, &call.includes()))
}

fn change(state: &mut State, call: &Call, id: &str) -> Result<(ServerId, NodeId), ApiError> {
    let id = state.server(id)?.id;
    call.may_write(state)?;
    call.validate(state, &rules(state.dialect, id))?;
    let allocations = AllocationChange::plan(state, call, id)?;
    allocations.apply(state, id);
    let (dialect, now) = (state.dialect, state.clock.now());
    let server = state.servers.get_mut(id).ok_or_else(ApiError::not_found)?;
    // Only Pterodactyl still takes the limits at top level.
    let prefixes: &[&str] = if dialect.is_pelican() { &["limits."] } else { &["limits.", ""] };
    let given =
        |name: &str| prefixes.iter().map(|prefix| format!("{prefix}{name}")).find(|path| call.input(path).is_some());
    let limit = |name: &str| given(name).and_then(|path| call.integer(&path));
    let limits = &mut server.limits;
    limits.memory = limit("memory").unwrap_or(limits.memory);
    limits.swap = limit("swap").unwrap_or(limits.swap);
    limits.disk = limit("disk").unwrap_or(limits.disk);
    limits.io = limit("io").unwrap_or(limits.io);
    limits.cpu = limit("cpu").unwrap_or(limits.cpu);
    if let Some(path) = given("threads") {
        limits.threads = call.text(&path);
    }
    let oom_disabled = if dialect.is_pelican() {
        call.boolean("oom_killer").map(|killer| !killer)
    } else {
        call.boolean("oom_disabled")
    };
    limits.oom_disabled = oom_disabled.unwrap_or(limits.oom_disabled);
    // An omitted limit becomes null, or zero where the database has no null.
    server.feature_limits.databases = call.integer("feature_limits.databases");
    server.feature_limits.allocations = call.integer("feature_limits.allocations");
    server.feature_limits.backups = call.integer("feature_limits.backups").unwrap_or_default();
    server.allocation = allocations.default.or(server.allocation);
    server.updated_at = now;
    Ok((id, server.node))
}

/// What becomes of the allocations, worked out before anything is changed.
struct AllocationChange {
    add: Vec<AllocationId>,
    remove: Vec<AllocationId>,
    default: Option<AllocationId>,
}

impl AllocationChange {
    fn plan(state: &State, call: &Call, id: ServerId) -> Result<Self, ApiError> {
        let server = state.servers.get(id).ok_or_else(ApiError::not_found)?;
        let (wanted, unwanted) = (call.ids("add_allocations"), call.ids("remove_allocations"));
        let add: Vec<AllocationId> = state
            .allocations
            .rows()
            .filter(|allocation| allocation.node == server.node && allocation.server.is_none())
            .map(|allocation| allocation.id)
            .filter(|id| wanted.contains(id))
            .collect();
        let mut default = call.id("allocation");
        if unwanted.iter().any(|unwanted| Some(*unwanted) == default.or(server.allocation)) {
            default = Some(*add.first().ok_or_else(|| {
                ApiError::display(
                    "You are attempting to delete the default allocation for this server but there is no fallback \
                     allocation to use.",
                )
            })?);
        }
        // An allocation that is to be added as well stays.
        let remove: Vec<AllocationId> = state
            .allocations_of(id)
            .map(|allocation| allocation.id)
            .filter(|id| unwanted.contains(id) && !wanted.contains(id))
            .collect();
        let keeps = |default: AllocationId| {
            let assigned = state.allocations.get(default).is_some_and(|allocation| allocation.server == Some(id));
            add.contains(&default) || (assigned && !remove.contains(&default))
        };
        match default {
            Some(default) if Some(default) != server.allocation && !keeps(default) => {
                Err(ApiError::display("The requested default allocation is not currently assigned to this server."))
            }
            _ => Ok(Self { add, remove, default }),
        }
    }

    fn apply(&self, state: &mut State, server: ServerId) {
        for allocation in state.allocations.rows_mut() {
            if self.add.contains(&allocation.id) {
                allocation.server = Some(server);
                allocation.notes = None;
            } else if self.remove.contains(&allocation.id) {
                allocation.server = None;
                allocation.notes = None;
            }
        }
    }
}

/// The rules, in the order in which their failures are reported.
fn rules(dialect: Dialect, id: ServerId) -> Vec<Field> {
    let unique = Rule::Unique { table: "servers".to_owned(), column: "allocation_id".to_owned(), except: Some(id) };
    let exists = Rule::Exists { table: "allocations".to_owned(), column: "id".to_owned() };
    let presence = if dialect.is_pelican() { "sometimes|nullable|bail" } else { "required|bail" };
    let mut rules = vec![
        Field::new("allocation", presence).rule(unique).rule(exists),
        Field::new(if dialect.is_pelican() { "oom_killer" } else { "oom_disabled" }, "sometimes|boolean"),
        Field::new("limits", "sometimes|array"),
    ];
    rules.extend(limit_rules("limits.", "required_with:limits", dialect));
    if !dialect.is_pelican() {
        rules.extend(limit_rules("", "required_without:limits", dialect));
    }
    rules.extend([
        Field::new("add_allocations", "bail|array").label("allocations to add"),
        Field::new("add_allocations.*", "integer").label("allocation to add"),
        Field::new("remove_allocations", "bail|array").label("allocations to remove"),
        Field::new("remove_allocations.*", "integer").label("allocation to remove"),
        Field::new("feature_limits", "required|array"),
        Field::new("feature_limits.databases", fields::FEATURE_LIMIT).label("Database Limit"),
        Field::new("feature_limits.allocations", fields::ALLOCATION_LIMIT).label("Allocation Limit"),
        Field::new("feature_limits.backups", fields::FEATURE_LIMIT).label("Backup Limit"),
    ]);
    rules
}

/// The limits below `prefix`, each with the rule that says when it must be there.
fn limit_rules(prefix: &str, presence: &str, dialect: Dialect) -> Vec<Field> {
    let limit = |name: &str, rules: &str| Field::new(format!("{prefix}{name}"), &format!("{presence}|{rules}"));
    vec![
        limit("memory", fields::MEMORY),
        limit("swap", fields::SWAP),
        limit("io", &fields::io(dialect)),
        limit("cpu", fields::CPU),
        fields::threads(&format!("{prefix}threads")),
        limit("disk", fields::DISK),
    ]
}
