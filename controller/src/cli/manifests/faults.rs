//! Which fields of an object the API found fault with.

use kube::core::response::StatusCause;

use super::super::cluster::Refusal;

/// Each field with what is wrong with it; none where it is the object as a whole.
pub(in super::super) fn of(refusal: &Refusal) -> Vec<(String, String)> {
    let said = refusal.to_string();
    // `<nil>` says only that not everything was looked at.
    let causes = causes(refusal).filter(|cause| !matches!(cause.field.as_str(), "" | "<nil>"));
    let causes = causes.map(|cause| (cause.field.trim_start_matches('.').to_owned(), cause.message.clone()));
    let mut found: Vec<(String, String)> = Vec::new();
    for fault in causes.chain(unknown_fields(&said)).chain(misfits(&said)) {
        if !found.contains(&fault) {
            found.push(fault);
        }
    }
    found
}

/// The causes that the API gives.
pub(in super::super) fn causes(refusal: &Refusal) -> impl Iterator<Item = &StatusCause> {
    let status = match refusal {
        Refusal::Answered(status) => Some(status),
        Refusal::Unanswered(_) => None,
    };
    status.into_iter().flat_map(|status| &status.details).flat_map(|details| &details.causes)
}

/// The fields that a strict reading found, as `unknown field "spec.bogus"`, each with what is wrong with it.
fn unknown_fields(message: &str) -> Vec<(String, String)> {
    let mentions = |what: &'static str| {
        let fields = message.split(what).skip(1);
        let fields = fields.filter_map(|rest| Some(rest.trim_start().strip_prefix('"')?.split_once('"')?.0.to_owned()));
        fields.map(move |field| (field, what.to_owned())).collect::<Vec<_>>()
    };
    [mentions("unknown field"), mentions("duplicate field")].concat()
}

/// The fields that do not fit the schema, as a server-side apply finds them before anything else does:
/// `failed to create typed patch object (…): .spec.bogus: field not declared in schema`, or several after `errors:`.
fn misfits(message: &str) -> Vec<(String, String)> {
    let Some((_, misfits)) =
        message.strip_prefix("failed to create typed patch object (").and_then(|rest| rest.split_once("): "))
    else {
        return Vec::new();
    };
    let misfit = |line: &str| {
        let (field, what) = line.trim().strip_prefix('.')?.split_once(": ")?;
        // What follows is the value, which could be a secret.
        let what = what.split_once(", got &").map_or(what, |(what, _value)| what);
        Some((field.to_owned(), what.to_owned()))
    };
    misfits.lines().filter_map(misfit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(found: &[(String, String)]) -> Vec<(&str, &str)> {
        found.iter().map(|(field, what)| (field.as_str(), what.as_str())).collect()
    }

    #[test]
    fn the_fields_of_a_strict_reading_are_found() {
        let message =
            r#".: strict decoding error: unknown field "spec.bogus", duplicate field "spec.a", unknown field "x""#;
        let expected = [("spec.bogus", "unknown field"), ("x", "unknown field"), ("spec.a", "duplicate field")];
        assert_eq!(pairs(&unknown_fields(message)), expected);
        assert_eq!(unknown_fields("spec.a: Required value"), []);
    }

    #[test]
    fn the_fields_that_do_not_fit_the_schema_are_found() {
        let one = "failed to create typed patch object (/small; hostwright.dev/v1alpha1, Kind=Package): .spec.bogus: field not \
                   declared in schema";
        assert_eq!(pairs(&misfits(one)), [("spec.bogus", "field not declared in schema")]);
        let more = "failed to create typed patch object (a/b; v1, Kind=A): errors:\n  .spec.a: expected string, got \
                    &value.valueUnstructured{Value:5}\n  .spec.list[0].b: field not declared in schema";
        let expected = [("spec.a", "expected string"), ("spec.list[0].b", "field not declared in schema")];
        assert_eq!(pairs(&misfits(more)), expected);
        assert_eq!(misfits("anything else: .a: b"), []);
    }
}
