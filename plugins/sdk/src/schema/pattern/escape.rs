//! What a backslash introduces.

use super::translate::Translator;

/// What an escape stands for where it is one character or a set of them.
pub(super) enum Escape {
    /// One character.
    Character(char),
    /// A set, by its letter: `d w s h v`, in capitals for all but those.
    Set(char),
    /// A Unicode property: its name, and whether it is negated.
    Property(String, bool),
}

impl Translator {
    /// Translates an escape outside a class, its backslash already read.
    pub(super) fn escape(&mut self) -> Result<(), String> {
        let letter = self.peek().ok_or("a backslash at the end")?;
        match letter {
            '1'..='9' => return self.number(),
            'b' | 'B' => self.word_boundary(letter == 'B'),
            // The first match starts where the text starts.
            'A' | 'G' => self.output.only(r"\A"),
            'z' => self.output.only(r"\z"),
            'Z' => self.output.only(r"(?=\n?\z)"),
            'K' => self.output.only(r"\K"),
            'R' if self.flags.by_character => self.output.only(r"(?>\r\n|[\n\x0B\f\r\x{85}\x{2028}\x{2029}])"),
            'R' => self.output.only(r"(?>\r\n|[\n\x0B\f\r\x85])"),
            'N' => self.output.only(r"[^\n]"),
            'C' if !self.flags.by_character => self.output.only("(?s:.)"),
            'Q' => {
                self.next();
                self.quoted();
                return Ok(());
            }
            'E' => {}
            'k' | 'g' => {
                self.next();
                return self.reference(letter);
            }
            _ => return self.character_or_set(),
        }
        self.next();
        Ok(())
    }

    fn character_or_set(&mut self) -> Result<(), String> {
        match self.class_escape()? {
            Escape::Character(character) => self.literal(character),
            Escape::Set('d') if !self.flags.by_character => self.output.both("[0-9]", "[0-9]"),
            Escape::Set('w') if !self.flags.by_character => self.output.both("[A-Za-z0-9_]", "[A-Za-z0-9_]"),
            Escape::Set('s') if !self.flags.by_character => {
                self.output.both(r"[\t\n\x0B\f\r\x20]", r"[\t\n\x0b\f\r ]");
            }
            Escape::Set(letter) => {
                let set = self.set(letter.to_ascii_lowercase());
                let not = if letter.is_ascii_uppercase() { "^" } else { "" };
                self.output.only(&format!("[{not}{set}]"));
            }
            Escape::Property(name, is_negated) => {
                let set = self.property(&name)?;
                let not = if is_negated { "^" } else { "" };
                // A property does not depend on case, whatever the flag says.
                let text = if self.flags.ignore_case { format!("(?-i:[{not}{set}])") } else { format!("[{not}{set}]") };
                self.output.both(&text, &format!("[{not}{set}]"));
                if !self.flags.by_character {
                    self.output.only("");
                }
            }
        }
        Ok(())
    }

    /// Reads an escape that may stand in a class: a character, a set or a property.
    pub(super) fn class_escape(&mut self) -> Result<Escape, String> {
        let letter = self.next().ok_or("a backslash at the end")?;
        Ok(match letter {
            'a' => Escape::Character('\x07'),
            'e' => Escape::Character('\x1b'),
            'f' => Escape::Character('\x0c'),
            'n' => Escape::Character('\n'),
            'r' => Escape::Character('\r'),
            't' => Escape::Character('\t'),
            'c' => {
                let control = self.next().filter(char::is_ascii).ok_or("\\c without an ASCII character")?;
                Escape::Character(char::from(control.to_ascii_uppercase() as u8 ^ 0x40))
            }
            'x' if self.take("{") => {
                let digits = self.until('}')?;
                Escape::Character(self.code(&digits, 16)?)
            }
            'x' => {
                let digits = self.digits(16, 2);
                Escape::Character(self.code(if digits.is_empty() { "0" } else { &digits }, 16)?)
            }
            'o' if self.take("{") => {
                let digits = self.until('}')?;
                Escape::Character(self.code(&digits, 8)?)
            }
            '0'..='7' => {
                let digits = format!("{letter}{}", self.digits(8, 2));
                Escape::Character(self.code(&digits, 8)?)
            }
            'd' | 'D' | 'w' | 'W' | 's' | 'S' | 'h' | 'H' | 'v' | 'V' => Escape::Set(letter),
            'p' | 'P' => {
                let name = match self.next() {
                    Some('{') => self.until('}')?,
                    Some(letter) if letter.is_ascii_alphabetic() => letter.to_string(),
                    _ => return Err(format!("\\{letter} without the name of a property")),
                };
                let is_caret = name.starts_with('^');
                Escape::Property(name.trim_start_matches('^').to_owned(), (letter == 'P') != is_caret)
            }
            _ if letter.is_ascii_alphabetic() => return Err(format!("\\{letter} is not supported")),
            other => Escape::Character(other),
        })
    }

    fn code(&self, digits: &str, base: u32) -> Result<char, String> {
        let code = u32::from_str_radix(digits, base).map_err(|_| format!("{digits:?} is not a character code"))?;
        let most = if self.flags.by_character { u32::from(char::MAX) } else { 0xff };
        char::from_u32(code).filter(|_| code <= most).ok_or_else(|| format!("there is no character {digits}"))
    }

    /// `\1` to `\9`, `\10` and up where there are that many groups, an octal code otherwise.
    fn number(&mut self) -> Result<(), String> {
        let start = self.position();
        let digits = self.digits(10, 3);
        let number: usize = digits.parse().unwrap_or(0);
        if number < 10 || number <= self.groups {
            return self.back_reference(number);
        }
        self.go_to(start);
        self.character_or_set()
    }

    pub(super) fn back_reference(&mut self, number: usize) -> Result<(), String> {
        if number == 0 || number > self.groups {
            return Err(format!("there is no group {number}"));
        }
        // In ECMA-262 a reference to a group that took no part matches nothing rather than failing.
        self.output.only(&format!("(?:\\{number})"));
        Ok(())
    }

    fn quoted(&mut self) {
        while !self.take("\\E") {
            match self.next() {
                Some(character) => self.literal(character),
                None => break,
            }
        }
    }

    fn word_boundary(&mut self, is_negated: bool) {
        let word = self.set('w');
        let (inside, outside) = if is_negated { ("!", "=") } else { ("=", "!") };
        // Before and after differ, or, negated, are alike.
        let text = format!("(?:(?<=[{word}])(?{outside}[{word}])|(?<![{word}])(?{inside}[{word}]))");
        if self.flags.by_character {
            self.output.only(&text);
        } else {
            let letter = if is_negated { "\\B" } else { "\\b" };
            self.output.both(&text, letter);
        }
    }

    /// `\k` and `\g`: a back-reference by name or number, or a call of a group.
    fn reference(&mut self, letter: char) -> Result<(), String> {
        let (name, is_call) = match self.next() {
            Some('{') => (self.until('}')?, false),
            Some('<') => (self.until('>')?, letter == 'g'),
            Some('\'') => (self.until('\'')?, letter == 'g'),
            Some(first) if letter == 'g' && (first.is_ascii_digit() || matches!(first, '-' | '+')) => {
                (format!("{first}{}", self.digits(10, 3)), false)
            }
            _ => return Err(format!("\\{letter} without the name of a group")),
        };
        if is_call {
            self.output.only(&format!("\\g<{}>", group_name(&name)?));
            return Ok(());
        }
        match name.parse::<i64>() {
            Ok(number) if number < 0 => {
                let seen = self.groups_seen();
                let target = usize::try_from(number.unsigned_abs()).ok().and_then(|back| (seen + 1).checked_sub(back));
                self.back_reference(target.unwrap_or(0))
            }
            Ok(number) => self.back_reference(usize::try_from(number).unwrap_or(0)),
            Err(_) => {
                self.output.only(&format!("\\k<{}>", group_name(&name)?));
                Ok(())
            }
        }
    }
}

/// The name or number of a group, checked.
pub(super) fn group_name(name: &str) -> Result<&str, String> {
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if is_name { Ok(name) } else { Err(format!("{name:?} is not the name of a group")) }
}
