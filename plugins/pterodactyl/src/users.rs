//! The users of a panel: those that the plugin made stay when their last server is gone, until a person removes them.

use hostwright_plugin::{Class, Error, Instance, RemoteUser, UserPage};
use http::Method;

use crate::Pterodactyl;
use crate::client::Client;
use crate::errors::NOT_FOUND;
use crate::list::{PAGE_SIZE, page_number};
use crate::owner::User;
use crate::request::{ApiRequest, permission};

pub(crate) async fn list(plugin: &Pterodactyl, instance: &Instance, cursor: Option<&str>) -> Result<UserPage, Error> {
    let client = plugin.client_for(instance)?;
    let request = ApiRequest::get(permission::USERS, &["users"])
        .query("per_page", PAGE_SIZE)
        .query("page", &page_number(cursor)?.to_string())
        .query("sort", "id");
    let list = client.list(&request).await?;
    let next = list.next_page().map(|next| next.to_string());
    let items = list.items::<User>().map(|user| seen(&client, user)).collect();
    Ok(UserPage { items, next })
}

/// The panel itself refuses to remove a user who owns a server.
pub(crate) async fn remove(plugin: &Pterodactyl, instance: &Instance, id: &str, owner_key: &str) -> Result<(), Error> {
    let client = plugin.client_for(instance)?;
    let gone =
        || Error::new(Class::NotFound, NOT_FOUND, format!("{}: there is no user {id} of {owner_key}", client.instance));
    let number: u64 = id.parse().map_err(|_| gone())?;
    let number = number.to_string();
    let found: Option<User> = client.find(&ApiRequest::get(permission::USERS, &["users", &number])).await?;
    found.filter(|user| user.external_id.as_deref() == Some(owner_key)).ok_or_else(gone)?;
    let request = ApiRequest::new(Method::DELETE, permission::USERS, &["users", &number]);
    match client.perform(&request).await {
        Err(failure) if failure.error.code == "DisplayException" => {
            Err(Error { class: Class::Conflict, ..failure.error })
        }
        answer => Ok(answer?),
    }
}

fn seen(client: &Client, user: User) -> RemoteUser {
    let mut url = client.panel.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["admin", "users", "view", &user.id.to_string()]);
    }
    RemoteUser { id: user.id.to_string(), owner_key: user.external_id, email: user.email, url: Some(url.into()) }
}
