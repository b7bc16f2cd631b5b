//! The panel user of a service's owner: found by the owner key, adopted by e-mail where that is allowed, else made.

use hostwright_plugin::{Call, Class, Error, Owner};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::Client;
use crate::dialect::Dialect;
use crate::digest::short_digest;
use crate::errors::Failure;
use crate::request::{ApiRequest, permission};
use crate::server::ServerOwner;

/// How many pages of partial matches of an e-mail address are searched for the exact one.
const MOST_PAGES: u32 = 20;
/// The longest name that the panel stores.
const LONGEST_NAME: usize = 191;

/// A user as the panel shows it.
#[derive(Debug, Deserialize)]
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) external_id: Option<String>,
    #[serde(default)]
    pub(crate) email: String,
}

/// The number of the owner's user. Makes the user if need be, and never changes an existing one.
pub(crate) async fn find_or_create(client: &Client, call: &Call, dialect: Dialect) -> Result<u64, Failure> {
    match find_or_create_once(client, call, dialect).await {
        // Somebody made it at the same time: it is there now.
        Err(failure) if is_taken(&failure) => find_or_create_once(client, call, dialect).await,
        result => result,
    }
}

async fn find_or_create_once(client: &Client, call: &Call, dialect: Dialect) -> Result<u64, Failure> {
    let owner = &call.owner;
    let by_key = ApiRequest::get(permission::USERS, &["users", "external", &owner.key]);
    let found: Option<User> = client.find(&by_key).await?;
    // The database may compare without regard to case.
    if let Some(user) = found.filter(|user| user.external_id.as_ref() == Some(&owner.key)) {
        return Ok(user.id);
    }
    match find_by_email(client, &owner.email).await? {
        // Made between the two looks, by an attempt that was given up.
        Some(user) if user.external_id.as_ref() == Some(&owner.key) => Ok(user.id),
        Some(user) if may_adopt(call, user.external_id.as_deref()) => Ok(user.id),
        Some(user) => Err(taken(client, &user, &owner.email).into()),
        None => create(client, owner, dialect).await,
    }
}

/// The user with exactly this address, ignoring case. The panel's filter also gives those that merely contain it.
async fn find_by_email(client: &Client, email: &str) -> Result<Option<User>, Failure> {
    if email.trim().is_empty() {
        return Err(client
            .invalid("owner.email", "an e-mail address of the owner is needed to make a panel user")
            .into());
    }
    let mut page = 1;
    for _ in 0..MOST_PAGES {
        let request = ApiRequest::get(permission::USERS, &["users"])
            .query("filter[email]", email.trim())
            .query("per_page", "100")
            .query("sort", "id")
            .query("page", &page.to_string());
        let list = client.list(&request).await?;
        let next = list.next_page();
        if let Some(user) = list.items::<User>().find(|user| is_same_address(&user.email, email)) {
            return Ok(Some(user));
        }
        match next {
            Some(next) => page = next,
            None => return Ok(None),
        }
    }
    Ok(None)
}

async fn create(client: &Client, owner: &Owner, dialect: Dialect) -> Result<u64, Failure> {
    let request = ApiRequest::post(permission::USERS, &["users"]).body(body(owner, dialect));
    let user: User = client.object(&request, StatusCode::CREATED).await?;
    Ok(user.id)
}

fn body(owner: &Owner, dialect: Dialect) -> Value {
    let mut body = json!({
        "external_id": owner.key,
        "email": owner.email.trim(),
        "username": username(owner),
    });
    if dialect == Dialect::Pterodactyl {
        let (first, last) = names(owner);
        body["first_name"] = first.into();
        body["last_name"] = last.into();
    }
    body
}

fn is_taken(failure: &Failure) -> bool {
    ["email", "external_id", "username"].iter().any(|field| failure.broke(field, "unique"))
}

/// True when policy lets a user that Hostwright did not make stand for the owner. One that carries the mark of another
/// owner of the same installation never does.
fn may_adopt(call: &Call, external_id: Option<&str>) -> bool {
    let is_other_owner = external_id.is_some_and(|id| is_of_same_installation(id, &call.owner.key));
    call.instance.flag("adopt_by_email") && !is_other_owner
}

fn is_of_same_installation(external_id: &str, owner_key: &str) -> bool {
    let installation = owner_key.split_once('.').map_or(owner_key, |(installation, _)| installation);
    external_id.strip_prefix(installation).is_some_and(|rest| rest.starts_with('.'))
}

/// The owner key that a server's user stands for: the mark on the user, or the key of this call's owner where policy
/// lets that user stand for them.
pub(crate) fn owner_key(call: Option<&Call>, user: &ServerOwner) -> Option<String> {
    let adopted = call
        .filter(|call| is_same_address(&user.email, &call.owner.email) && may_adopt(call, user.external_id.as_deref()));
    adopted.map(|call| call.owner.key.clone()).or_else(|| user.external_id.clone())
}

/// Whether a server's user is the owner of this call: marked as such, or with the same address and without a mark.
pub(crate) fn is_of(call: &Call, user: &ServerOwner) -> bool {
    let unmarked = user.external_id.is_none() && is_same_address(&user.email, &call.owner.email);
    unmarked || owner_key(Some(call), user).as_ref() == Some(&call.owner.key)
}

fn is_same_address(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim(), other.trim());
    !one.is_empty() && one.to_lowercase() == other.to_lowercase()
}

fn taken(client: &Client, user: &User, email: &str) -> Error {
    let text = format!(
        "{}: {email} belongs to panel user {}, who is not this owner; use another address, or, if they are the same \
         person, set adopt_by_email on the provider instance",
        client.instance, user.id
    );
    Error::new(Class::Invalid, "OwnerEmailTaken", text).on_field("owner.email")
}

/// A name that is the same for every attempt, so that a second attempt meets the first one's user. It starts with
/// something people recognise and ends with a digest of the owner key.
fn username(owner: &Owner) -> String {
    let readable: String = owner.name.chars().filter(char::is_ascii_alphanumeric).take(24).collect();
    let digest = short_digest(&owner.key);
    if readable.is_empty() { format!("u-{digest}") } else { format!("{}-{digest}", readable.to_lowercase()) }
}

/// First and last name; the panel wants both.
fn names(owner: &Owner) -> (String, String) {
    let local_part = owner.email.trim().split('@').next().unwrap_or_default();
    let name = if owner.name.trim().is_empty() { local_part } else { owner.name.trim() };
    let (first, last) = name.rsplit_once(char::is_whitespace).unwrap_or((name, "-"));
    let limited = |text: &str| text.trim().chars().take(LONGEST_NAME).collect();
    (limited(first), limited(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(key: &str, name: &str) -> Owner {
        Owner { key: key.to_owned(), email: "alice@example.com".to_owned(), name: name.to_owned() }
    }

    #[test]
    fn a_username_is_readable_fixed_and_differs_by_owner_key() {
        let alice = username(&owner("prod.customers.cust-1", "Alice Ärcher!"));
        assert!(alice.starts_with("alicercher-"), "{alice}");
        assert_eq!(alice, username(&owner("prod.customers.cust-1", "Alice Ärcher!")));
        assert_ne!(alice, username(&owner("prod.other.cust-1", "Alice Ärcher!")));
        assert!(username(&owner("k", "日本")).starts_with("u-"));
        assert!(username(&owner("k", &"x".repeat(500))).len() < 64);
    }

    #[test]
    fn a_name_is_split_at_its_last_blank_and_never_empty() {
        let split = |name: &str| names(&owner("k", name));
        assert_eq!(split("Alice Mary Archer"), ("Alice Mary".to_owned(), "Archer".to_owned()));
        assert_eq!(split("Alice"), ("Alice".to_owned(), "-".to_owned()));
        assert_eq!(split("  "), ("alice".to_owned(), "-".to_owned()));
        assert_eq!(split(&"x".repeat(500)).0.chars().count(), LONGEST_NAME);
    }

    #[test]
    fn addresses_are_compared_whole_and_without_regard_to_case() {
        assert!(is_same_address("Bob@Example.com", "bob@example.com"));
        assert!(!is_same_address("xbob@example.com", "bob@example.com"));
        assert!(!is_same_address("", ""));
    }

    #[test]
    fn another_owner_of_the_same_installation_is_recognised() {
        assert!(is_of_same_installation("prod.other.cust-1", "prod.customers.cust-1"));
        assert!(!is_of_same_installation("production.other.cust-1", "prod.customers.cust-1"));
        assert!(!is_of_same_installation("17", "prod.customers.cust-1"));
    }
}
