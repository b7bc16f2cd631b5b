//! The patterns of a schema. They match in linear time; what they need in memory has a limit.

use regex::{Regex, RegexBuilder};

/// The most bytes of one compiled pattern: repetitions within repetitions grow very fast.
const MAX_SIZE: usize = 1024 * 1024;
/// What a pattern may keep at hand to match faster.
const MAX_CACHE: usize = 256 * 1024;

/// A pattern, which errors repeat as it was written.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    source: String,
    regex: Regex,
}

impl Pattern {
    /// # Errors
    /// Where the text is no regular expression, or one that takes too much memory.
    pub(crate) fn parse(source: &str) -> Result<Self, regex::Error> {
        Ok(Self { source: source.to_owned(), regex: compile(source)? })
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    pub(crate) fn text(&self) -> &str {
        &self.source
    }
}

fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(&in_ascii(pattern)).size_limit(MAX_SIZE).dfa_size_limit(MAX_CACHE).build()
}

/// The short classes mean letters, digits and spaces of ASCII, as they do in Go. Of Unicode they would also be much
/// larger.
fn in_ascii(pattern: &str) -> String {
    let mut written = String::with_capacity(pattern.len());
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        let escaped = if letter == '\\' { letters.next() } else { None };
        match escaped {
            None => written.push(letter),
            Some('w') => written.push_str("[0-9A-Za-z_]"),
            Some('W') => written.push_str("[^0-9A-Za-z_]"),
            Some('d') => written.push_str("[0-9]"),
            Some('D') => written.push_str("[^0-9]"),
            Some('s') => written.push_str("[\\t\\n\\f\\r ]"),
            Some('S') => written.push_str("[^\\t\\n\\f\\r ]"),
            Some(other) => written.extend([letter, other]),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_people_write_compile() {
        for pattern in [
            "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
            "^\\w{1,63}$",
            "^.{1,253}$",
            "^[A-Za-z][A-Za-z0-9+.-]{0,62}://[^\\s]{1,255}$",
            "^((25[0-5]|2[0-4]\\d|1?\\d?\\d)\\.){3}(25[0-5]|2[0-4]\\d|1?\\d?\\d)$",
            "^(0|[1-9]\\d*)\\.(0|[1-9]\\d*)\\.(0|[1-9]\\d*)(-[0-9A-Za-z-]+(\\.[0-9A-Za-z-]+)*)?$",
        ] {
            assert!(compile(pattern).is_ok(), "{pattern}");
        }
    }

    #[test]
    fn patterns_that_explode_do_not() {
        for pattern in
            ["(a{1000}){1000}", "(\\pL{100}){100}", "((a{60}){60}){60}", "(", "\\", "(?P<a>a)(?P<a>a)", "a{100000000}"]
        {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
        assert!(compile(&"(".repeat(100_000)).is_err());
    }

    #[test]
    fn short_classes_are_those_of_go() {
        let matches = |pattern: &str, text: &str| compile(pattern).unwrap().is_match(text);
        assert!(matches("^\\w+$", "a_Z9") && !matches("^\\w+$", "ä"));
        assert!(matches("^[\\d-]+$", "1-2") && !matches("^\\d$", "٣") && matches("^[^\\d]$", "٣"));
        assert!(matches("^\\W\\S\\D$", "äää") && matches("^\\s$", "\t") && !matches("^\\s$", "\u{a0}"));
        assert!(matches("^\\\\w$", "\\w"), "a backslash and a letter");
    }

    #[test]
    fn matching_is_linear() {
        let evil = compile("^(a|a)*(a|aa)*b$").unwrap();
        assert!(!evil.is_match(&"a".repeat(300_000)));
    }
}
