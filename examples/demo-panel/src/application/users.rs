//! Users.

use axum::Router;
use axum::extract::{Path, State as Extract};
use axum::routing::get;
use serde_json::{Map, Value, json};

use super::servers::view::server_item;
use crate::clock::atom;
use crate::errors::ApiError;
use crate::http::envelope::{item, list, with_resource_link};
use crate::http::{Call, Includes, Listing, Reply, Searchable, created, no_content, ok};
use crate::panel::Panel;
use crate::records::{User, UserId};
use crate::seed::new_uuid;
use crate::state::State;
use crate::validation::{Field, Rule};

pub(super) fn routes() -> Router<Panel> {
    Router::new()
        .route("/users", get(index).post(store))
        .route("/users/{id}", get(show).patch(update).delete(destroy))
        .route("/users/external/{external_id}", get(external))
}

async fn index(Extract(panel): Extract<Panel>, call: Call) -> Reply {
    let state = panel.lock();
    call.may_read(&state)?;
    let listing = Listing {
        filters: &["email", "uuid", "username", "external_id"],
        sorts: &["id", "uuid"],
        ..Listing::new("/api/application/users")
    };
    let includes = call.includes();
    ok(listing.page(&call, state.users.rows(), |user| user_item(&state, user, &includes))?)
}

async fn show(Extract(panel): Extract<Panel>, call: Call, Path(id): Path<String>) -> Reply {
    let state = panel.lock();
    let user = bind(&state, &id)?;
    call.may_read(&state)?;
    ok(user_item(&state, user, &call.includes()))
}

async fn external(Extract(panel): Extract<Panel>, call: Call, Path(external_id): Path<String>) -> Reply {
    let state = panel.lock();
    call.may_read(&state)?;
    let wanted = external_id.to_lowercase();
    let mut users = state.users.rows();
    let user = users.find(|user| user.external_id.as_ref().is_some_and(|id| id.to_lowercase() == wanted));
    ok(user_item(&state, user.ok_or_else(ApiError::not_found)?, &call.includes()))
}

async fn store(Extract(panel): Extract<Panel>, call: Call) -> Reply {
    let mut state = panel.lock();
    call.may_write(&state)?;
    call.validate(&state, &fields(&state, None))?;
    let now = state.clock.now();
    let id = state.users.insert(|id| User {
        id,
        external_id: call.text("external_id"),
        uuid: new_uuid(),
        username: call.text("username").unwrap_or_default().to_lowercase(),
        email: call.text("email").unwrap_or_default(),
        first_name: call.text("first_name").unwrap_or_default(),
        last_name: call.text("last_name").unwrap_or_default(),
        language: call.text("language").unwrap_or_else(|| "en".to_owned()),
        timezone: call.text("timezone").unwrap_or_else(|| "UTC".to_owned()),
        root_admin: call.boolean("root_admin").unwrap_or_default(),
        created_at: now,
        updated_at: now,
    });
    let user = state.users.get(id).ok_or_else(ApiError::not_found)?;
    let body = user_item(&state, user, &call.includes());
    created(with_resource_link(body, &call.link(&format!("/api/application/users/{id}"))))
}

/// A full update: what is required on creation is required here too; optional members that are absent stay.
async fn update(Extract(panel): Extract<Panel>, call: Call, Path(id): Path<String>) -> Reply {
    let mut state = panel.lock();
    let id = bind(&state, &id)?.id;
    call.may_write(&state)?;
    call.validate(&state, &fields(&state, Some(id)))?;
    let now = state.clock.now();
    let user = state.users.get_mut(id).ok_or_else(ApiError::not_found)?;
    replace(&mut user.email, call.text("email"));
    replace(&mut user.username, call.text("username").map(|name| name.to_lowercase()));
    replace(&mut user.first_name, call.text("first_name"));
    replace(&mut user.last_name, call.text("last_name"));
    replace(&mut user.language, call.text("language"));
    replace(&mut user.timezone, call.text("timezone"));
    if call.input("external_id").is_some() {
        user.external_id = call.text("external_id");
    }
    user.root_admin = call.boolean("root_admin").unwrap_or(user.root_admin);
    user.updated_at = now;
    let user = state.users.get(id).ok_or_else(ApiError::not_found)?;
    ok(user_item(&state, user, &call.includes()))
}

fn replace(member: &mut String, value: Option<String>) {
    if let Some(value) = value {
        *member = value;
    }
}

async fn destroy(Extract(panel): Extract<Panel>, call: Call, Path(id): Path<String>) -> Reply {
    let mut state = panel.lock();
    let id = bind(&state, &id)?.id;
    call.may_write(&state)?;
    if state.servers.rows().any(|server| server.owner == id) {
        return Err(ApiError::display(
            "Cannot delete a user with active servers attached to their account. Please delete their servers before \
             continuing.",
        ));
    }
    state.users.remove(id);
    no_content()
}

fn bind<'a>(state: &'a State, id: &str) -> Result<&'a User, ApiError> {
    id.parse().ok().and_then(|id| state.users.get(id)).ok_or_else(ApiError::not_found)
}

/// The rules, in the order in which their failures are reported. `except` is the user being changed.
fn fields(state: &State, except: Option<UserId>) -> Vec<Field> {
    let limit = state.dialect.string_limit();
    let unique = |column: &str| Rule::Unique { table: "users".to_owned(), column: column.to_owned(), except };
    let mut fields = vec![
        Field::new("email", &format!("required|email|between:1,{limit}")).rule(unique("email")),
        Field::new("external_id", &format!("sometimes|nullable|string|max:{limit}"))
            .rule(unique("external_id"))
            .label("Third Party Identifier"),
        Field::new("username", &format!("required|between:1,{limit}")).rule(unique("username")).rule(Rule::Username),
        Field::new("password", "sometimes|nullable|string"),
        Field::new("language", "string|in:en"),
    ];
    if state.dialect.is_pelican() {
        fields.push(Field::new("timezone", "sometimes|string"));
    } else {
        fields.push(Field::new("root_admin", "boolean").label("Root Administrator Status"));
        fields.push(Field::new("first_name", "required|string|between:1,191"));
        fields.push(Field::new("last_name", "required|string|between:1,191"));
    }
    fields
}

/// A user as the application API shows it.
pub(crate) fn user_item(state: &State, user: &User, includes: &Includes) -> Value {
    let mut attributes = json!({
        "id": user.id,
        "external_id": user.external_id,
        "uuid": user.uuid,
        "username": user.username,
        "email": user.email,
        "language": user.language,
        "root_admin": user.root_admin,
        "2fa": false,
        "created_at": atom(user.created_at),
        "updated_at": atom(user.updated_at),
    });
    if let Value::Object(members) = &mut attributes {
        if state.dialect.is_pelican() {
            members.remove("root_admin");
            members.insert("timezone".to_owned(), json!(user.timezone));
        } else {
            members.insert("first_name".to_owned(), json!(user.first_name));
            members.insert("last_name".to_owned(), json!(user.last_name));
        }
    }
    let mut relationships = Map::new();
    if includes.has("servers") {
        let nested = includes.within("servers");
        let servers = state.servers.rows().filter(|server| server.owner == user.id);
        let servers = list(servers.map(|server| server_item(state, server, &nested)));
        relationships.insert("servers".to_owned(), servers);
    }
    item("user", attributes, relationships)
}

impl Searchable for User {
    fn column(&self, name: &str) -> Option<String> {
        match name {
            "email" => Some(self.email.clone()),
            "uuid" => Some(self.uuid.clone()),
            "username" => Some(self.username.clone()),
            "external_id" => self.external_id.clone(),
            _ => None,
        }
    }

    fn compare(&self, other: &Self, name: &str) -> std::cmp::Ordering {
        match name {
            "id" => self.id.cmp(&other.id),
            _ => self.column(name).cmp(&other.column(name)),
        }
    }
}
