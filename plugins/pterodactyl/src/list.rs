//! Looking at all servers of a panel, page by page.

use hostwright_plugin::{Error, Instance, Page};

use crate::Pterodactyl;
use crate::observe::seen;
use crate::request::{ApiRequest, permission};
use crate::server::Server;

/// As many as the panel gives at once.
pub(crate) const PAGE_SIZE: &str = "100";

/// One page. The cursor is the number of the page. Pages shift while servers come and go, so one may be missed or
/// doubled, and the number of pages may change on the way.
pub(crate) async fn list(plugin: &Pterodactyl, instance: &Instance, cursor: Option<&str>) -> Result<Page, Error> {
    let client = plugin.client_for(instance)?;
    let request = ApiRequest::get(permission::SERVERS, &["servers"])
        .query("per_page", PAGE_SIZE)
        .query("page", &page_number(cursor)?.to_string())
        .query("sort", "id")
        .query("include", "user");
    let list = client.list(&request).await?;
    let next = list.next_page().map(|next| next.to_string());
    let items = list.items::<Server>().map(|server| seen(&client.panel, &server, None)).collect();
    Ok(Page { items, next })
}

pub(crate) fn page_number(cursor: Option<&str>) -> Result<u32, Error> {
    let Some(text) = cursor else { return Ok(1) };
    text.parse().map_err(|_| {
        Error::new(hostwright_plugin::Class::Internal, "cursor", format!("cursor {text:?} is no page number"))
    })
}
