//! `Warning` headers, as many as fit: a body may give reason to very many, and clients read only so much of a head.

use std::collections::BTreeSet;

use http::HeaderValue;

/// The most letters of all warnings together (`truncateAtTotalRunes`).
const TOTAL: usize = 4 * 1024;
/// What is left of each when they are more (`truncateItemRunes`).
const EACH: usize = 256;

/// The values of the headers, each warning once. When all are too long together, each is cut, and the last ones are left
/// out.
pub(crate) fn headers(warnings: &[String]) -> Vec<HeaderValue> {
    let mut seen = BTreeSet::new();
    let warnings: Vec<&String> = warnings.iter().filter(|text| !text.is_empty() && seen.insert(*text)).collect();
    let all: usize = warnings.iter().map(|text| text.chars().count()).sum();
    let most = if all > TOTAL { EACH } else { TOTAL };
    let mut written = 0;
    let fitting = warnings.into_iter().map(|text| text.chars().take(most).collect::<String>()).take_while(|text| {
        let fits = written < TOTAL;
        written += text.chars().count();
        fits
    });
    fitting.filter_map(|text| header(&text)).collect()
}

fn header(text: &str) -> Option<HeaderValue> {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    HeaderValue::from_str(&format!("299 - \"{text}\"")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_warnings_are_told_whole_and_once() {
        let warnings = ["unknown field \"a\\b\"".to_owned(), "x".repeat(3000), "x".repeat(3000)];
        let headers = headers(&warnings);
        assert_eq!(headers.len(), 2);
        assert_eq!(headers[0], r#"299 - "unknown field \"a\\b\"""#);
        assert_eq!(headers[1].len(), 3000 + 8);
    }

    #[test]
    fn too_many_are_cut_and_then_left_out() {
        let many: Vec<String> = (0..100_000).map(|number| format!("{number}{}", "ä".repeat(1000))).collect();
        let headers = headers(&many);
        assert_eq!(headers.len(), TOTAL / EACH);
        assert!(headers.iter().all(|header| header.to_str().is_err() && header.len() < 8 + 2 * EACH));
    }
}
