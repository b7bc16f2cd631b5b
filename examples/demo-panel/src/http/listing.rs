//! Lists: filtered, sorted and cut into pages.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::call::Call;
use super::filters::{filters, sorts};
use crate::errors::ApiError;

const DEFAULT_PER_PAGE: usize = 50;
/// Laravel's page size when the wanted one is zero.
const FALLBACK_PER_PAGE: usize = 15;

/// A row that lists can be filtered and sorted by.
pub(crate) trait Searchable {
    /// The text of a column a filter names.
    fn column(&self, name: &str) -> Option<String>;

    /// Whether a filter on this column wants the whole value instead of a part of it.
    fn is_exact(_name: &str) -> bool {
        false
    }

    /// How two rows compare by a column a sort names.
    fn compare(&self, other: &Self, name: &str) -> Ordering {
        self.column(name).cmp(&other.column(name))
    }
}

/// What a list allows and where it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listing<'a> {
    pub(crate) path: &'a str,
    pub(crate) filters: &'a [&'a str],
    pub(crate) sorts: &'a [&'a str],
    /// Whether the parameters `filter` and `sort` are looked at.
    pub(crate) searchable: bool,
    pub(crate) largest_page: Option<usize>,
    /// Whether links repeat the other parameters of the request.
    pub(crate) links_keep_query: bool,
}

impl<'a> Listing<'a> {
    pub(crate) fn new(path: &'a str) -> Self {
        Self { path, filters: &[], sorts: &[], searchable: true, largest_page: None, links_keep_query: false }
    }

    /// The page of `rows` the call asks for, each row shown by `show`.
    pub(crate) fn page<'r, T: Searchable + 'r>(
        &self,
        call: &Call,
        rows: impl Iterator<Item = &'r T>,
        show: impl Fn(&T) -> Value,
    ) -> Result<Value, ApiError> {
        let rows = if self.searchable { self.search(call, rows)? } else { rows.collect() };
        let per_page = self.per_page(call)?;
        let current: usize = call.query_value("page").and_then(|page| page.parse().ok()).unwrap_or(1).max(1);
        let total = rows.len();
        let data: Vec<Value> =
            rows.into_iter().skip((current - 1).saturating_mul(per_page)).take(per_page).map(show).collect();
        let last = total.div_ceil(per_page).max(1);
        let pagination = json!({
            "total": total,
            "count": data.len(),
            "per_page": per_page,
            "current_page": current,
            "total_pages": last,
            "links": self.links(call, current, last),
        });
        Ok(json!({ "object": "list", "data": data, "meta": { "pagination": pagination } }))
    }

    fn search<'r, T: Searchable + 'r>(
        &self,
        call: &Call,
        rows: impl Iterator<Item = &'r T>,
    ) -> Result<Vec<&'r T>, ApiError> {
        let filters = filters(call.query(), self.filters)?;
        let sorts = sorts(call.query_value("sort").unwrap_or_default(), self.sorts)?;
        let accepted = |row: &&T| {
            filters.iter().all(|filter| filter.accepts(row.column(filter.name).as_deref(), T::is_exact(filter.name)))
        };
        let mut rows: Vec<&T> = rows.filter(accepted).collect();
        for sort in sorts.iter().rev() {
            rows.sort_by(|left, right| {
                let order = left.compare(right, sort.name);
                if sort.descending { order.reverse() } else { order }
            });
        }
        Ok(rows)
    }

    fn per_page(&self, call: &Call) -> Result<usize, ApiError> {
        let Some(wanted) = call.query_value("per_page") else {
            return Ok(DEFAULT_PER_PAGE);
        };
        // PHP fails on anything that is no number, the database on a negative one.
        let wanted: usize = wanted.parse().map_err(|_| ApiError::unexpected("TypeError"))?;
        let wanted = if wanted == 0 { FALLBACK_PER_PAGE } else { wanted };
        Ok(self.largest_page.map_or(wanted, |largest| wanted.min(largest)))
    }

    /// The neighbouring pages. The application API's links forget all other parameters.
    fn links(&self, call: &Call, current: usize, last: usize) -> Map<String, Value> {
        let mut kept = String::new();
        if self.links_keep_query {
            for (key, value) in call.query().iter().filter(|(key, _)| key != "page") {
                kept.extend([key, "=", value, "&"]);
            }
        }
        let link = |page: usize| Value::String(call.link(&format!("{}?{kept}page={page}", self.path)));
        let mut links = Map::new();
        if current > 1 {
            links.insert("previous".to_owned(), link(current - 1));
        }
        if current < last {
            links.insert("next".to_owned(), link(current + 1));
        }
        links
    }
}
