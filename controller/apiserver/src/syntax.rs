//! What Go's decoder says about text that is no JSON: clients, tests and people know these sentences.

/// What is wrong with the text; nothing where it is JSON.
pub(crate) fn problem(text: &[u8]) -> Option<String> {
    Scanner { text, at: 0 }.scan().err()
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

/// What the scanner is inside of; kept in a list, so that deep nesting costs no stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Map,
    List,
}

type Found = Result<(), String>;

impl Scanner<'_> {
    fn scan(&mut self) -> Found {
        let mut inside: Vec<Inside> = Vec::new();
        loop {
            if self.opens(&mut inside)? {
                continue;
            }
            // A value has ended, and with it perhaps what it was in.
            loop {
                self.skip_spaces();
                let (end, context) = match inside.last() {
                    None if self.at == self.text.len() => return Ok(()),
                    None => return Err(self.unexpected("after top-level value")),
                    Some(Inside::Map) => (b'}', "after object key:value pair"),
                    Some(Inside::List) => (b']', "after array element"),
                };
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        if inside.last() == Some(&Inside::Map) {
                            self.key()?;
                        }
                        break;
                    }
                    Some(found) if found == end => {
                        self.at += 1;
                        inside.pop();
                    }
                    _ => return Err(self.unexpected(context)),
                }
            }
        }
    }

    /// Reads a value, or the beginning of one that holds others; then it is true.
    fn opens(&mut self, inside: &mut Vec<Inside>) -> Result<bool, String> {
        self.skip_spaces();
        let opened = match self.peek() {
            Some(b'{') => Inside::Map,
            Some(b'[') => Inside::List,
            _ => return self.scalar().map(|()| false),
        };
        self.at += 1;
        self.skip_spaces();
        let end = if opened == Inside::Map { b'}' } else { b']' };
        if self.peek() == Some(end) {
            self.at += 1;
            return Ok(false);
        }
        inside.push(opened);
        if opened == Inside::Map {
            self.key()?;
        }
        Ok(true)
    }

    fn key(&mut self) -> Found {
        self.skip_spaces();
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("looking for beginning of object key string"));
        }
        self.string()?;
        self.skip_spaces();
        if self.peek() != Some(b':') {
            return Err(self.unexpected("after object key"));
        }
        self.at += 1;
        Ok(())
    }

    fn scalar(&mut self) -> Found {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            _ => Err(self.unexpected("looking for beginning of value")),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_spaces(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn unexpected(&self, context: &str) -> String {
        match self.peek() {
            None => "unexpected end of JSON input".to_owned(),
            Some(byte) => format!("invalid character {} {context}", quoted(byte)),
        }
    }

    fn string(&mut self) -> Found {
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.at += 1;
                    match self.peek() {
                        Some(b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"') => {}
                        Some(b'u') => {
                            for _ in 0..4 {
                                self.at += 1;
                                if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                                    return Err(self.unexpected("in \\u hexadecimal character escape"));
                                }
                            }
                        }
                        _ => return Err(self.unexpected("in string escape code")),
                    }
                    self.at += 1;
                }
                Some(0x20..) => self.at += 1,
                _ => return Err(self.unexpected("in string literal")),
            }
        }
        self.at += 1;
        Ok(())
    }

    fn digits(&mut self, context: &str) -> Found {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.unexpected(context));
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Found {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        Ok(())
    }

    fn literal(&mut self, word: &str) -> Found {
        for expected in word.bytes() {
            if self.peek() != Some(expected) {
                return Err(self.unexpected(&format!("in literal {word} (expecting {})", quoted(expected))));
            }
            self.at += 1;
        }
        Ok(())
    }
}

fn quoted(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        b'\n' => r"'\n'".to_owned(),
        b'\t' => r"'\t'".to_owned(),
        b'\r' => r"'\r'".to_owned(),
        0x20..=0x7e => format!("'{}'", byte as char),
        0x80..=0xa0 | 0xad => format!("'\\u00{byte:02x}'"),
        0xa1.. => format!("'{}'", char::from(byte)),
        _ => format!("'\\x{byte:02x}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_wrong_character_is_named_with_its_place() {
        for (text, expected) in [
            ("", "unexpected end of JSON input"),
            (r#"{"a":"#, "unexpected end of JSON input"),
            ("no", "invalid character 'o' in literal null (expecting 'u')"),
            ("{a", "invalid character 'a' looking for beginning of object key string"),
            (r#"{"a" 1"#, "invalid character '1' after object key"),
            (r#"{"a":1 "#, "unexpected end of JSON input"),
            (r#"{"a":1]"#, "invalid character ']' after object key:value pair"),
            ("[1 2", "invalid character '2' after array element"),
            ("1.x", "invalid character 'x' after decimal point in numeric literal"),
            ("{} x", "invalid character 'x' after top-level value"),
            ("\"\n\"", r"invalid character '\n' in string literal"),
        ] {
            assert_eq!(problem(text.as_bytes()).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_json_has_no_problem() {
        for text in ["1", "-0.5e+3", "[]", r#" {"a": [true, null, "\u00e4\n"], "b": {}} "#, "\"x\""] {
            assert_eq!(problem(text.as_bytes()), None, "{text}");
        }
    }
}
