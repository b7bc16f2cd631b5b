//! Rules of server properties that several requests share.

use crate::config::Dialect;
use crate::records::ServerId;
use crate::validation::{Field, Rule};

pub(super) const MEMORY: &str = "numeric|min:0";
pub(super) const SWAP: &str = "numeric|min:-1";
pub(super) const DISK: &str = "numeric|min:0";
pub(super) const CPU: &str = "numeric|min:0";
pub(super) const FEATURE_LIMIT: &str = "present|nullable|integer|min:0";
pub(super) const ALLOCATION_LIMIT: &str = "sometimes|nullable|integer|min:0";

pub(super) fn io(dialect: Dialect) -> String {
    format!("numeric|between:{},1000", dialect.io_minimum())
}

/// The external id, unique except for the server being changed.
pub(super) fn external_id(dialect: Dialect, except: Option<ServerId>) -> Field {
    let unique = Rule::Unique { table: "servers".to_owned(), column: "external_id".to_owned(), except };
    Field::new("external_id", &format!("sometimes|nullable|string|between:1,{}", dialect.string_limit())).rule(unique)
}

pub(super) fn name(dialect: Dialect) -> Field {
    Field::new("name", &format!("required|string|min:1|max:{}", dialect.string_limit()))
}

/// The image under its name in the request, required on Pterodactyl.
pub(super) fn image(path: &str, dialect: Dialect) -> Field {
    let presence = if dialect.is_pelican() { "sometimes" } else { "required" };
    Field::new(path, &format!("{presence}|string|max:{}", dialect.string_limit()))
        .rule(Rule::Regex(r"/^~?[\w\.\/\-:@ ]*$/".to_owned()))
}

pub(super) fn threads(path: &str) -> Field {
    Field::new(path, "nullable|regex:/^[0-9-,]+$/")
}
