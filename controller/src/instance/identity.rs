//! Whether the panel is the one it was before. Pure.

use hostwright_crds::{annotation, reason};

use super::token;
use crate::providers::Hold;

/// How many earlier identities are kept.
const FORMER: usize = 8;

/// Which panel an instance is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Panel {
    /// The identity as confirmed; empty before the first connection.
    pub(super) identity: String,
    /// Earlier identities confirmed to be the same panel, newest first.
    pub(super) former: Vec<String>,
}

/// The panel after a test that saw this identity: the known one, the new one where that was confirmed, or why nothing
/// may be done. The first identity ever seen is believed; the known one returning needs no confirmation.
pub(super) fn judge(instance: &str, known: &Panel, seen: &str, confirmed: &[&str]) -> Result<Panel, Hold> {
    if known.identity == seen {
        return Ok(known.clone());
    }
    if known.identity.is_empty() {
        return Ok(Panel { identity: seen.to_owned(), former: known.former.clone() });
    }
    let token = token::of(&["panel", instance, &known.identity, seen]);
    if confirmed.contains(&token.as_str()) {
        return Ok(succeed(known, seen));
    }
    Err(Hold::new(
        reason::REMOTE_CHANGED,
        format!(
            "{instance}: the address or the key leads to another panel (found {seen}, expected {}); nothing is changed and \
             no absence is believed. The same panel under another name: annotate {}={token}. Otherwise put address and \
             key back",
            known.identity,
            annotation::CONFIRM
        ),
    ))
}

fn succeed(known: &Panel, seen: &str) -> Panel {
    let earlier = known.former.iter().filter(|former| *former != seen && **former != known.identity);
    let former = std::iter::once(&known.identity).chain(earlier).take(FORMER).cloned().collect();
    Panel { identity: seen.to_owned(), former }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(identity: &str, former: &[&str]) -> Panel {
        Panel { identity: identity.into(), former: former.iter().map(ToString::to_string).collect() }
    }

    #[test]
    fn another_panel_is_not_believed_until_it_is_confirmed() {
        let known = panel("one", &["zero"]);
        let hold = judge("panel-eu", &known, "two", &["something-else"]).unwrap_err();
        assert_eq!(hold.reason, reason::REMOTE_CHANGED);
        let token = token::of(&["panel", "panel-eu", "one", "two"]);
        assert!(hold.message.contains(&format!("hostwright.dev/confirm={token}")), "{}", hold.message);
        assert_eq!(judge("panel-eu", &known, "two", &[&token]), Ok(panel("two", &["one", "zero"])));
        // A third panel needs a confirmation of its own.
        assert!(judge("panel-eu", &known, "three", &[&token]).is_err());
    }

    #[test]
    fn the_first_identity_and_the_known_one_need_no_confirmation() {
        assert_eq!(judge("p", &Panel::default(), "one", &[]), Ok(panel("one", &[])));
        assert_eq!(judge("p", &panel("one", &["zero"]), "one", &[]), Ok(panel("one", &["zero"])));
    }

    #[test]
    fn an_earlier_identity_needs_a_confirmation_too_and_is_listed_once() {
        let known = panel("two", &["one"]);
        assert!(judge("p", &known, "one", &[]).is_err());
        let token = token::of(&["panel", "p", "two", "one"]);
        assert_eq!(judge("p", &known, "one", &[&token]), Ok(panel("one", &["two"])));
    }
}
