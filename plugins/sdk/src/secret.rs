//! Values that must never be printed, and the last line of defence where text from outside might contain one.

use std::fmt;

/// A credential. It has no `Display` and no `Serialize`, and its `Debug` says only that something is there.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value so that it cannot be printed by accident.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one place that sends it to the provider.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret([redacted])")
    }
}

/// Replaces known secret values in text that came from outside, such as a provider's error message.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Longest first, so that a secret containing another is replaced whole.
    values: Vec<String>,
}

impl Redactor {
    /// What stands in the text in place of a secret.
    pub const MARK: &str = "[redacted]";
    /// Shorter values are not replaced: they would eat ordinary words, and are no secrets worth the name.
    const SHORTEST: usize = 4;

    /// A redactor for these secrets, their JSON-escaped and percent-encoded forms included.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut values: Vec<String> = secrets
            .into_iter()
            .map(Secret::expose)
            .filter(|value| value.chars().count() >= Self::SHORTEST)
            .flat_map(|value| [value.to_owned(), json_escaped(value), percent_encoded(value)])
            .collect();
        values.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        values.dedup();
        Self { values }
    }

    /// The text without any of the secrets.
    pub fn redact(&self, text: &str) -> String {
        self.values.iter().fold(text.to_owned(), |text, value| {
            if text.contains(value.as_str()) { text.replace(value.as_str(), Self::MARK) } else { text }
        })
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Redactor({} values)", self.values.len())
    }
}

fn json_escaped(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    quoted.trim_start_matches('"').trim_end_matches('"').to_owned()
}

fn percent_encoded(value: &str) -> String {
    use std::fmt::Write as _;
    value.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_cannot_be_printed() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret([redacted])");
    }

    #[test]
    fn known_secrets_vanish_from_text_in_every_spelling() {
        let redactor = Redactor::new([&Secret::new("p\"ss w/rd"), &Secret::new("key1"), &Secret::new("key12345")]);
        let text = "header key12345 and key1, body {\"p\":\"p\\\"ss w/rd\"}, query p=p%22ss%20w%2Frd";
        let redacted = redactor.redact(text);
        assert_eq!(redacted, "header [redacted] and [redacted], body {\"p\":\"[redacted]\"}, query p=[redacted]");
    }

    #[test]
    fn a_very_short_value_does_not_eat_ordinary_text() {
        assert_eq!(Redactor::new([&Secret::new("a")]).redact("a banana"), "a banana");
    }
}
