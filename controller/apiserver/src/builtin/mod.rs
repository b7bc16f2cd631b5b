//! The kinds that exist without a definition.

pub(crate) mod events;
mod rules;
mod schemas;
mod shape;
mod types;

use serde_json::Value;

use crate::column::{self, Column};
use crate::managed;
use crate::resource::{Family, Resource, next_id};
use crate::schema::Schema;

pub(crate) use rules::{prepare_create, prepare_update, validate};
pub(crate) use schemas::{description, metadata_description, metadata_schema, type_description};
pub(crate) use shape::{default, shape};
pub(crate) use types::mismatch;

/// The table of namespaces.
pub(crate) const NAMESPACES: &str = "namespaces";
/// The table of events, of both groups.
pub(crate) const EVENTS: &str = "events";
/// The table of definitions.
pub(crate) const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

struct Builtin {
    group: &'static str,
    kind: &'static str,
    plural: &'static str,
    short_names: &'static [&'static str],
    categories: &'static [&'static str],
    namespaced: bool,
    table: &'static str,
    family: Family,
    status: bool,
    schema: Value,
    columns: Vec<Column>,
    selectable: &'static [&'static str],
}

impl Builtin {
    fn resource(self) -> Resource {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let schema = Schema::parse(&self.schema);
        Resource {
            id: next_id(),
            group: self.group.to_owned(),
            version: "v1".to_owned(),
            kind: self.kind.to_owned(),
            list_kind: format!("{}List", self.kind),
            plural: self.plural.to_owned(),
            singular: self.kind.to_lowercase(),
            short_names: own(self.short_names),
            categories: own(self.categories),
            namespaced: self.namespaced,
            table: self.table.to_owned(),
            family: self.family,
            typed_schema: managed::typed(&schema),
            schema,
            raw_schema: self.schema,
            rules: None,
            status: self.status,
            scale: None,
            columns: self.columns,
            selectable: own(self.selectable),
            deprecation: None,
            terminating: false,
        }
    }
}

/// Every built-in resource.
pub(crate) fn resources() -> Vec<Resource> {
    [namespace(), secret(), config_map(), core_event(), event(), lease(), definition()].map(Builtin::resource).into()
}

fn namespace() -> Builtin {
    Builtin {
        group: "",
        kind: "Namespace",
        plural: "namespaces",
        short_names: &["ns"],
        categories: &[],
        namespaced: false,
        table: NAMESPACES,
        family: Family::Namespace,
        status: true,
        schema: schemas::namespace(),
        columns: column::of_namespaces(),
        selectable: &["status.phase"],
    }
}

fn secret() -> Builtin {
    let schema = schemas::secret();
    Builtin {
        group: "",
        kind: "Secret",
        plural: "secrets",
        short_names: &[],
        categories: &[],
        namespaced: true,
        table: "secrets",
        family: Family::Secret,
        status: false,
        columns: column::of_secrets(&schema),
        schema,
        selectable: &["type"],
    }
}

fn config_map() -> Builtin {
    let schema = schemas::config_map();
    Builtin {
        group: "",
        kind: "ConfigMap",
        plural: "configmaps",
        short_names: &["cm"],
        categories: &[],
        namespaced: true,
        table: "configmaps",
        family: Family::ConfigMap,
        status: false,
        columns: column::of_config_maps(&schema),
        schema,
        selectable: &[],
    }
}

fn core_event() -> Builtin {
    Builtin {
        group: "",
        kind: "Event",
        plural: "events",
        short_names: &["ev"],
        categories: &[],
        namespaced: true,
        table: EVENTS,
        family: Family::CoreEvent,
        status: false,
        schema: schemas::core_event(),
        columns: column::of_events(&schemas::core_event()),
        selectable: events::CORE_FIELDS,
    }
}

fn event() -> Builtin {
    Builtin {
        group: "events.k8s.io",
        kind: "Event",
        plural: "events",
        short_names: &["ev"],
        categories: &[],
        namespaced: true,
        table: EVENTS,
        family: Family::Event,
        status: false,
        schema: schemas::event(),
        columns: column::of_events(&schemas::core_event()),
        selectable: events::GROUP_FIELDS,
    }
}

fn lease() -> Builtin {
    let schema = schemas::lease();
    Builtin {
        group: "coordination.k8s.io",
        kind: "Lease",
        plural: "leases",
        short_names: &[],
        categories: &[],
        namespaced: true,
        table: "leases.coordination.k8s.io",
        family: Family::Lease,
        status: false,
        columns: column::of_leases(&schema),
        schema,
        selectable: &[],
    }
}

fn definition() -> Builtin {
    Builtin {
        group: "apiextensions.k8s.io",
        kind: "CustomResourceDefinition",
        plural: "customresourcedefinitions",
        short_names: &["crd", "crds"],
        categories: &["api-extensions"],
        namespaced: false,
        table: DEFINITIONS,
        family: Family::Definition,
        status: true,
        schema: schemas::definition(),
        columns: column::of_definitions(),
        selectable: &[],
    }
}
