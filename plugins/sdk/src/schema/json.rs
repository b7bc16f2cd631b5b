//! JSON texts, as PHP's `json_decode` accepts them.

/// Arrays and objects within each other.
const DEEPEST: usize = 511;

/// True for one JSON value with nothing but blanks, tabs and line ends around it. Unpaired surrogates and control
/// characters in strings fail; numbers may have any size.
pub(super) fn is_json(text: &str) -> bool {
    let mut reader = Reader { rest: text.as_bytes() };
    reader.value(0).is_some() && {
        reader.skip_blanks();
        reader.rest.is_empty()
    }
}

/// Reads from the front. Every rule returns `None` where the text is not JSON.
struct Reader<'t> {
    rest: &'t [u8],
}

impl Reader<'_> {
    fn skip_blanks(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    fn take(&mut self, expected: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(expected)?;
        Some(())
    }

    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        self.skip_blanks();
        match self.rest.first()? {
            b'{' => self.members(depth + 1, b'}', Self::member),
            b'[' => self.members(depth + 1, b']', Self::value),
            b'"' => self.string(),
            b't' => self.take(b"true"),
            b'f' => self.take(b"false"),
            b'n' => self.take(b"null"),
            _ => self.number(),
        }
    }

    /// What stands between brackets: nothing, or parts with commas between them.
    fn members(&mut self, depth: usize, close: u8, part: fn(&mut Self, usize) -> Option<()>) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        self.next()?;
        self.skip_blanks();
        if self.rest.first() == Some(&close) {
            return self.take(&[close]);
        }
        loop {
            part(self, depth)?;
            self.skip_blanks();
            match self.next()? {
                b',' => {}
                end => return (end == close).then_some(()),
            }
        }
    }

    fn member(&mut self, depth: usize) -> Option<()> {
        self.skip_blanks();
        self.string()?;
        self.skip_blanks();
        self.take(b":")?;
        self.value(depth)
    }

    fn string(&mut self) -> Option<()> {
        self.take(b"\"")?;
        loop {
            match self.next()? {
                b'"' => return Some(()),
                b'\\' => self.escape()?,
                0..=0x1f => return None,
                _ => {}
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        match self.next()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => match self.code_unit()? {
                0xd800..=0xdbff => {
                    self.take(b"\\u")?;
                    matches!(self.code_unit()?, 0xdc00..=0xdfff).then_some(())
                }
                0xdc00..=0xdfff => None,
                _ => Some(()),
            },
            _ => None,
        }
    }

    fn code_unit(&mut self) -> Option<u32> {
        (0..4).try_fold(0, |unit, _| Some(unit * 16 + char::from(self.next()?).to_digit(16)?))
    }

    fn number(&mut self) -> Option<()> {
        // The sign is optional.
        let _ = self.take(b"-");
        if self.take(b"0").is_none() {
            self.digits()?;
        }
        if self.take(b".").is_some() {
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.rest.first() {
            self.next()?;
            if let Some(b'+' | b'-') = self.rest.first() {
                self.next()?;
            }
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let count = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.rest = &self.rest[count..];
        (count > 0).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_every_kind_pass() {
        for text in [
            "null",
            " true ",
            "false",
            "0",
            "-0",
            "-1.5e+3",
            "1E400",
            "[]",
            "{}",
            "[1, [2]]",
            "{\"a\":{\"\":[]}}",
            "\"é\"",
            r#""\ud83d\udc4d\u0000\/""#,
            "\r\n[\t]\n",
            "1.0E+20",
        ] {
            assert!(is_json(text), "{text}");
        }
    }

    #[test]
    fn what_php_refuses_fails() {
        for text in [
            "",
            " ",
            "TRUE",
            "nul",
            "01",
            "1.",
            ".5",
            "+1",
            "-",
            "1e",
            "0x1",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{a:1}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "'a'",
            "\"a",
            "\"\u{1}\"",
            r#""\x""#,
            r#""\u12""#,
            r#""\ud83d""#,
            r#""\udc4d""#,
            r#""\ud83dA""#,
            "\u{feff}1",
            "\u{c}1",
            "\u{a0}1",
            "1\u{0}",
            "[1]]",
            "[1}",
            "NaN",
            "Infinity",
            "1 // x",
        ] {
            assert!(!is_json(text), "{text}");
        }
    }

    #[test]
    fn nesting_is_limited() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(is_json(&nested(511)));
        assert!(!is_json(&nested(512)));
        assert!(!is_json(&nested(1_000_000)));
        assert!(!is_json(&"{\"a\":".repeat(512)));
    }
}
