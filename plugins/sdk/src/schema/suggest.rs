//! What was probably meant by a name nobody knows.

/// `, did you mean memory?` where a candidate is close, nothing otherwise.
pub(super) fn did_you_mean<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
    closest(name, candidates).map(|candidate| format!(", did you mean {candidate}?")).unwrap_or_default()
}

fn closest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let name = name.to_lowercase();
    // One typing error in four characters.
    let tolerance = name.chars().count().div_ceil(4).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&name, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= tolerance)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[test]
    fn only_close_names_are_suggested() {
        let names = ["server_name", "memory", "swap"];
        assert_eq!(did_you_mean("sever_name", names), ", did you mean server_name?");
        assert_eq!(did_you_mean("Memroy", names), ", did you mean memory?");
        assert_eq!(did_you_mean("location", names), "");
    }
}
