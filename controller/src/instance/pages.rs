//! Reading a list to its end, page by page.

use std::collections::HashSet;

use futures::future::BoxFuture;
use hostwright_plugin::{Class, Error as CallError};

use crate::providers::{CallKind, Gate, Held};

/// A list that does not end by then never will.
const MOST_PAGES: usize = 10_000;

/// Why there is no list.
pub(super) enum Failed {
    /// The gate let nothing through.
    Held(Held),
    /// A page failed.
    Page(CallError),
}

/// A page: what it holds, and where the next one starts.
type Page<T> = (Vec<T>, Option<String>);

/// Asks for one page after the other, each through the gate.
pub(super) async fn all<'a, T: Send + 'a>(
    gate: &Gate,
    page: impl Fn(Option<String>) -> BoxFuture<'a, Result<Page<T>, CallError>> + Send,
) -> Result<Vec<T>, Failed> {
    let (mut items, mut visited): (Vec<T>, HashSet<String>) = (Vec::new(), HashSet::new());
    let mut cursor: Option<String> = None;
    for count in 1.. {
        let permit = gate.admit(CallKind::Observation).await.map_err(Failed::Held)?;
        let (found, next) = gate.call(permit, "", page(cursor)).await.map_err(Failed::Page)?;
        items.extend(found);
        let Some(next) = next else { break };
        if count >= MOST_PAGES || !visited.insert(next.clone()) {
            let text = format!("the list does not end: page {count} leads back to {next}");
            return Err(Failed::Page(CallError::new(Class::Internal, "endless", text)));
        }
        cursor = Some(next);
    }
    Ok(items)
}
