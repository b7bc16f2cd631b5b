//! Character classes, and the sets that may stand in them.

use super::{
    escape::Escape,
    translate::{Translator, ecma_literal},
};

/// One part of a class.
enum Item {
    Character(char),
    /// Contents of a class in the notation of the engine.
    Set(String),
}

impl Translator {
    /// Translates a class, its opening bracket already read.
    pub(super) fn class(&mut self) -> Result<(), String> {
        let is_negated = self.take("^");
        let mut pattern = String::new();
        let mut ecma = Some(String::new());
        let mut is_first = true;
        loop {
            if !is_first && self.take("]") {
                break;
            }
            is_first = false;
            let Some(item) = self.item()? else { continue };
            self.range(item, &mut pattern, &mut ecma)?;
        }
        // Without `u` a class means bytes: one that is negated matches parts of characters.
        let is_shared = self.flags.by_character || !is_negated;
        let not = if is_negated { "^" } else { "" };
        match ecma.filter(|_| is_shared) {
            Some(ecma) => self.output.both(&format!("[{not}{pattern}]"), &format!("[{not}{ecma}]")),
            None => self.output.only(&format!("[{not}{pattern}]")),
        }
        Ok(())
    }

    /// Adds an item, or the range that it starts.
    fn range(&mut self, item: Item, pattern: &mut String, ecma: &mut Option<String>) -> Result<(), String> {
        let Item::Character(low) = item else {
            if let Item::Set(set) = item {
                pattern.push_str(&set);
                *ecma = None;
            }
            return Ok(());
        };
        self.add(low, pattern, ecma);
        let start = self.position();
        if !self.take("-") || self.peek() == Some(']') {
            self.go_to(start);
            return Ok(());
        }
        match self.item()? {
            Some(Item::Character(high)) if high < low => Err(format!("the range {low:?} to {high:?} is out of order")),
            Some(Item::Character(high)) => {
                pattern.push('-');
                if let Some(ecma) = ecma {
                    ecma.push('-');
                }
                self.add(high, pattern, ecma);
                Ok(())
            }
            // A dash before a set is an ordinary character.
            _ => {
                self.go_to(start + 1);
                self.add('-', pattern, ecma);
                Ok(())
            }
        }
    }

    fn add(&self, character: char, pattern: &mut String, ecma: &mut Option<String>) {
        pattern.push_str(&self.literal_text(character));
        if !self.flags.by_character && !character.is_ascii() {
            *ecma = None;
        }
        if let Some(ecma) = ecma {
            match character {
                '^' | ']' | '\\' | '[' | '-' => ecma.extend(['\\', character]),
                '\0'..='\x1f' | '\x7f' => ecma.push_str(&ecma_literal(character)),
                other => ecma.push(other),
            }
        }
    }

    /// The next part of a class; `None` for something without meaning, such as `\E`.
    fn item(&mut self) -> Result<Option<Item>, String> {
        match self.next().ok_or("a class is not closed")? {
            '[' if matches!(self.peek(), Some(':' | '.' | '=')) => self.posix_class().map(Some),
            '\\' => match self.peek() {
                Some('b') => {
                    self.next();
                    Ok(Some(Item::Character('\x08')))
                }
                Some('E') => {
                    self.next();
                    Ok(None)
                }
                Some('Q') => {
                    self.next();
                    self.quoted_items().map(Some)
                }
                _ => self.class_escape().and_then(|escape| self.escape_item(escape)).map(Some),
            },
            character => Ok(Some(Item::Character(character))),
        }
    }

    fn quoted_items(&mut self) -> Result<Item, String> {
        let mut set = String::new();
        while !self.take("\\E") {
            let character = self.next().ok_or("a class is not closed")?;
            set.push_str(&self.literal_text(character));
        }
        Ok(Item::Set(set))
    }

    fn escape_item(&mut self, escape: Escape) -> Result<Item, String> {
        let (set, is_negated) = match escape {
            Escape::Character(character) => return Ok(Item::Character(character)),
            Escape::Set(letter) => (self.set(letter.to_ascii_lowercase()), letter.is_ascii_uppercase()),
            Escape::Property(name, is_negated) => (self.property(&name)?, is_negated),
        };
        Ok(Item::Set(if is_negated { format!("[^{set}]") } else { set }))
    }

    /// `[:alpha:]` or `[:^alpha:]`, its first bracket already read.
    fn posix_class(&mut self) -> Result<Item, String> {
        let start = self.position();
        let Some(name) = self.posix_name() else {
            self.go_to(start);
            return Ok(Item::Character('['));
        };
        let plain = name.trim_start_matches('^');
        let set = if self.flags.by_character { posix_by_character(plain) } else { posix_by_byte(plain) }
            .ok_or_else(|| format!("there is no class [:{name}:]"))?;
        let set = match set {
            "s" | "w" | "h" | "d" => self.set(set.chars().next().unwrap_or('w')),
            set => set.to_owned(),
        };
        Ok(Item::Set(if name.starts_with('^') { format!("[^{set}]") } else { set }))
    }

    fn posix_name(&mut self) -> Option<String> {
        if !self.take(":") {
            return None;
        }
        let name = self.until(':').ok()?;
        let is_name = name.trim_start_matches('^').chars().all(|c| c.is_ascii_lowercase());
        (is_name && self.take("]")).then_some(name)
    }

    /// The contents of `\d`, `\w`, `\s`, `\h` and `\v`, by Unicode with the flag `u`, ASCII without.
    pub(super) fn set(&self, letter: char) -> String {
        match (letter, self.flags.by_character) {
            ('d', true) => r"\p{Nd}",
            ('d', false) => "0-9",
            ('w', true) => r"\p{L}\p{N}_",
            ('w', false) => "A-Za-z0-9_",
            ('s', true) => r"\p{Z}\t\n\x0B\f\r\x{85}\x{180E}",
            ('s', false) => r"\t\n\x0B\f\r\x20",
            ('h', true) => r"\t\x20\x{A0}\x{1680}\x{180E}\x{2000}-\x{200A}\x{202F}\x{205F}\x{3000}",
            ('h', false) => r"\t\x20\xA0",
            (_, true) => r"\n\x0B\f\r\x{85}\x{2028}\x{2029}",
            (_, false) => r"\n\x0B\f\r\x85",
        }
        .to_owned()
    }

    /// The contents of a Unicode property. Without the flag `u` a byte counts as the character with its number.
    pub(super) fn property(&self, name: &str) -> Result<String, String> {
        let set = match name {
            "L&" => r"\p{Lu}\p{Ll}\p{Lt}".to_owned(),
            "Any" => r"\s\S".to_owned(),
            "Xan" => r"\p{L}\p{N}".to_owned(),
            "Xwd" => r"\p{L}\p{N}_".to_owned(),
            "Xsp" | "Xps" => r"\p{Z}\t\n\x0B\f\r\x{85}".to_owned(),
            other => format!("\\p{{{other}}}"),
        };
        let member = regex::Regex::new(&format!("[{set}]")).map_err(|_| format!("there is no property {name:?}"))?;
        if self.flags.by_character {
            return Ok(set);
        }
        let members = ('\0'..='\u{ff}').filter(|character| member.is_match(character.encode_utf8(&mut [0; 4])));
        let set: String = members.map(|character| self.literal_text(character)).collect();
        // A class must not be empty; this one matches nothing.
        Ok(if set.is_empty() { r"[^\x00-\xFF]".to_owned() } else { set })
    }
}

fn posix_by_byte(name: &str) -> Option<&'static str> {
    Some(match name {
        "alnum" => "0-9A-Za-z",
        "alpha" => "A-Za-z",
        "ascii" => r"\x00-\x7F",
        "blank" => r"\t\x20",
        "cntrl" => r"\x00-\x1F\x7F",
        "digit" => "0-9",
        "graph" => r"\x21-\x7E",
        "lower" => "a-z",
        "print" => r"\x20-\x7E",
        "punct" => r"\x21-\x2F\x3A-\x40\x5B-\x60\x7B-\x7E",
        "space" => "s",
        "upper" => "A-Z",
        "word" => "w",
        "xdigit" => "0-9A-Fa-f",
        _ => return None,
    })
}

fn posix_by_character(name: &str) -> Option<&'static str> {
    Some(match name {
        "alnum" => r"\p{L}\p{N}",
        "alpha" => r"\p{L}",
        "blank" => "h",
        "cntrl" => r"\p{Cc}",
        "digit" => "d",
        "graph" => r"\p{L}\p{M}\p{N}\p{P}\p{S}\p{Cf}",
        "lower" => r"\p{Ll}",
        "print" => r"\p{L}\p{M}\p{N}\p{P}\p{S}\p{Cf}\p{Zs}",
        "punct" => r"\p{P}\x24\x2B\x3C-\x3E\x5E\x60\x7C\x7E",
        "space" => "s",
        "upper" => r"\p{Lu}",
        "word" => "w",
        other => return posix_by_byte(other),
    })
}
