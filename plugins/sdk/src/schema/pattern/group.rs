//! What a parenthesis introduces.

use super::{escape::group_name, translate::Translator};

impl Translator {
    /// Translates an opening parenthesis and what belongs to it, the parenthesis already read.
    pub(super) fn group(&mut self) -> Result<(), String> {
        if self.take("*") {
            return Err("verbs such as (*FAIL) are not supported".to_owned());
        }
        if self.take("?") {
            return self.special_group();
        }
        let capturing = !self.flags.named_only;
        self.open(if capturing { "(" } else { "(?:" }, capturing, true);
        Ok(())
    }

    fn open(&mut self, text: &str, is_capturing: bool, has_ecma: bool) {
        self.open.push(self.flags);
        self.see_group(is_capturing);
        if has_ecma {
            self.output.both(text, text);
        } else {
            self.output.only(text);
        }
    }

    fn special_group(&mut self) -> Result<(), String> {
        for shared in [":", "=", "!", "<=", "<!"] {
            if self.take(shared) {
                self.open(&format!("(?{shared}"), false, true);
                return Ok(());
            }
        }
        match self.next() {
            Some('#') => self.until(')').map(|_| ()),
            Some('>') => {
                self.open("(?>", false, false);
                Ok(())
            }
            Some('<') => self.named_group('>'),
            Some('\'') => self.named_group('\''),
            Some('P') if self.take("<") => self.named_group('>'),
            Some('P') if self.take("=") => self.reference_by_name("\\k"),
            Some('P') if self.take(">") => self.reference_by_name("\\g"),
            Some('&') => self.reference_by_name("\\g"),
            Some('R') => self.call("0"),
            Some(first @ ('0'..='9' | '+')) => self.call(&first.to_string()),
            Some('-') if self.peek().is_some_and(|c| c.is_ascii_digit()) => self.call("-"),
            Some('(') => self.conditional(),
            Some('|') => Err("(?| with its own numbers in each branch is not supported".to_owned()),
            Some(first) => self.inline_flags(first),
            None => Err("a group is not closed".to_owned()),
        }
    }

    fn named_group(&mut self, end: char) -> Result<(), String> {
        let name = self.until(end)?;
        self.open(&format!("(?<{}>", group_name(&name)?), true, true);
        Ok(())
    }

    fn reference_by_name(&mut self, kind: &str) -> Result<(), String> {
        let name = self.until(')')?;
        self.output.only(&format!("{kind}<{}>", group_name(&name)?));
        Ok(())
    }

    /// Matches a group again by its number: `(?1)`, `(?-1)`, `(?R)` for the whole pattern.
    fn call(&mut self, first: &str) -> Result<(), String> {
        let text = format!("{first}{}", self.until(')')?);
        let number: i64 = text.parse().map_err(|_| format!("(?{text}) is not supported"))?;
        let seen = i64::try_from(self.groups_seen()).unwrap_or(i64::MAX);
        let target = match first {
            "-" => seen + 1 + number,
            "+" => seen + number,
            _ => number,
        };
        if target < 0 || usize::try_from(target).is_ok_and(|target| target > self.groups) {
            return Err(format!("there is no group {text}"));
        }
        self.output.only(&format!("\\g<{target}>"));
        Ok(())
    }

    /// `(?(1)yes|no)` or `(?(<name>)yes|no)`.
    fn conditional(&mut self) -> Result<(), String> {
        let condition = self.until(')')?;
        let name = condition.trim_start_matches(['<', '\'']).trim_end_matches(['>', '\'']);
        let name = group_name(name).map_err(|_| format!("the condition ({condition}) is not supported"))?;
        let reference = if name.chars().all(|c| c.is_ascii_digit()) { name.to_owned() } else { format!("<{name}>") };
        self.open(&format!("(?({reference})"), false, false);
        Ok(())
    }

    /// `(?i-s)` up to the end of the group, or `(?i-s:` for a group of its own.
    fn inline_flags(&mut self, first: char) -> Result<(), String> {
        let mut flags = self.flags;
        let mut value = true;
        let mut next = Some(first);
        loop {
            match next {
                Some('^') => {
                    flags.ignore_case = false;
                    flags.lines = false;
                    flags.dot_all = false;
                    flags.extended = false;
                    flags.named_only = false;
                }
                Some('-') => value = false,
                Some('i') => flags.ignore_case = value,
                Some('m') => flags.lines = value,
                Some('s') => flags.dot_all = value,
                Some('x') => flags.extended = value,
                Some('U') => flags.lazy = value,
                Some('n') => flags.named_only = value,
                Some('J') => {}
                Some(end @ (')' | ':')) => {
                    let case = if flags.ignore_case { "i" } else { "-i" };
                    if end == ':' {
                        self.open(&format!("(?{case}:"), false, false);
                    } else {
                        self.output.only(&format!("(?{case})"));
                    }
                    self.flags = flags;
                    return Ok(());
                }
                Some(other) => return Err(format!("(?{other} is not supported")),
                None => return Err("a group is not closed".to_owned()),
            }
            next = self.next();
        }
    }
}
