//! The parameters `filter[...]` and `sort` of lists.

use crate::errors::ApiError;

/// The values of one filter, of which a row must contain one.
#[derive(Debug)]
pub(super) struct Filter<'a> {
    pub(super) name: &'a str,
    pub(super) alternatives: Vec<String>,
}

/// Reads the filters, refusing unknown ones.
pub(super) fn filters<'a>(query: &'a [(String, String)], allowed: &[&str]) -> Result<Vec<Filter<'a>>, ApiError> {
    let given: Vec<(&str, &str)> = query
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix("filter[")?.strip_suffix(']')?, value.as_str())))
        .collect();
    let unknown: Vec<&str> = given.iter().map(|(name, _)| *name).filter(|name| !allowed.contains(name)).collect();
    if !unknown.is_empty() {
        return Err(ApiError::new(
            400,
            "InvalidFilterQuery",
            format!(
                "Requested filter(s) `{}` are not allowed. Allowed filter(s) are `{}`.",
                unknown.join(", "),
                allowed.join(", ")
            ),
        ));
    }
    let filters = given.into_iter().map(|(name, value)| Filter {
        name,
        alternatives: value.split(',').filter(|part| !part.is_empty()).map(str::to_lowercase).collect(),
    });
    Ok(filters.filter(|filter| !filter.alternatives.is_empty()).collect())
}

impl Filter<'_> {
    /// SQL's `LIKE %value%`, or `= value` when `exact`; both ignore case.
    pub(super) fn accepts(&self, column: Option<&str>, exact: bool) -> bool {
        let Some(column) = column.map(str::to_lowercase) else {
            return false;
        };
        let accepts = |value: &String| {
            if exact { column == *value } else { column.contains(value) }
        };
        self.alternatives.iter().any(accepts)
    }
}

/// One column to sort by.
#[derive(Debug)]
pub(super) struct Sort<'a> {
    pub(super) name: &'a str,
    pub(super) descending: bool,
}

/// Reads the columns to sort by, refusing unknown ones.
pub(super) fn sorts<'a>(parameter: &'a str, allowed: &[&str]) -> Result<Vec<Sort<'a>>, ApiError> {
    let sorts: Vec<Sort<'a>> = parameter
        .split(',')
        .filter(|part| !part.is_empty())
        .map(|part| match part.strip_prefix('-') {
            Some(name) => Sort { name, descending: true },
            None => Sort { name: part, descending: false },
        })
        .collect();
    let unknown: Vec<&str> = sorts.iter().map(|sort| sort.name).filter(|name| !allowed.contains(name)).collect();
    if unknown.is_empty() {
        return Ok(sorts);
    }
    Err(ApiError::new(
        400,
        "InvalidSortQuery",
        format!(
            "Requested sort(s) `{}` is not allowed. Allowed sort(s) are `{}`.",
            unknown.join(", "),
            allowed.join(", ")
        ),
    ))
}
