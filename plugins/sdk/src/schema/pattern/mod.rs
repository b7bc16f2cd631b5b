//! Regular expressions in PCRE notation, `/^[a-z]+$/i`, as PHP's `preg_match` takes them.
//!
//! A pattern is translated construct by construct ([`translate`]) and run by an engine that counts its steps, so no
//! input can keep it busy. Without the flag `u` text is matched byte by byte.

mod class;
mod escape;
mod group;
mod translate;

use std::fmt;

use fancy_regex::{BytesMode, Regex, RegexBuilder};

/// Backtracking steps before a pattern is given up. PCRE's own limit in PHP is ten times this.
const STEP_LIMIT: usize = 100_000;
/// Bytes that one compiled pattern may take.
const SIZE_LIMIT: usize = 4 << 20;
/// Instructions of one compiled pattern.
const PROGRAM_LIMIT: usize = 50_000;

/// A compiled pattern.
#[derive(Clone)]
pub struct Pattern {
    source: String,
    regex: Regex,
    by_character: bool,
    ecma: Option<String>,
}

/// What came of matching.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// The pattern matches somewhere in the text.
    Found,
    /// It does not.
    NotFound,
    /// The step limit was reached; it counts as no match.
    OutOfSteps,
}

impl Pattern {
    /// Compiles a pattern with its delimiters and flags. The error says what is wrong with it.
    pub fn parse(source: &str) -> Result<Self, String> {
        let delimited = Delimited::split(source)?;
        let translated = translate::translate(delimited.body, delimited.flags)?;
        let mode = if delimited.flags.by_character { BytesMode::Unicode } else { BytesMode::Ascii };
        let regex = RegexBuilder::new(&translated.pattern)
            .bytes_mode(mode)
            .backtrack_limit(STEP_LIMIT)
            .delegate_size_limit(SIZE_LIMIT)
            .max_prog_size(PROGRAM_LIMIT)
            .build()
            .map_err(|error| format!("cannot be compiled: {error}"))?;
        let by_character = delimited.flags.by_character;
        Ok(Self { source: source.to_owned(), regex, by_character, ecma: translated.ecma })
    }

    /// Looks for the pattern in a text.
    pub fn find(&self, text: &str) -> Match {
        let found = if self.by_character { self.regex.is_match(text) } else { self.regex.is_match(text.as_bytes()) };
        match found {
            Ok(true) => Match::Found,
            Ok(false) => Match::NotFound,
            Err(_) => Match::OutOfSteps,
        }
    }

    /// The pattern as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The same pattern in ECMA-262 notation, where every construct in it means the same there.
    pub fn ecma(&self) -> Option<&str> {
        self.ecma.as_deref()
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Pattern({})", self.source)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

/// The flags behind the closing delimiter, and those set within the pattern.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent flags of the pattern language")]
struct Flags {
    /// `i`
    ignore_case: bool,
    /// `m`: `^` and `$` match at lines.
    lines: bool,
    /// `s`: `.` matches a line feed.
    dot_all: bool,
    /// `x`: white space and comments do not count.
    extended: bool,
    /// `u`: characters instead of bytes.
    by_character: bool,
    /// `A`: only at the start of the text.
    anchored: bool,
    /// `D`: `$` matches at the very end only.
    dollar_at_end: bool,
    /// `U`: quantifiers are lazy unless a `?` follows.
    lazy: bool,
    /// `n`: plain parentheses do not capture.
    named_only: bool,
}

impl Flags {
    fn set(&mut self, flag: char) -> Result<(), String> {
        match flag {
            'i' => self.ignore_case = true,
            'm' => self.lines = true,
            's' => self.dot_all = true,
            'x' => self.extended = true,
            'u' => self.by_character = true,
            'A' => self.anchored = true,
            'D' => self.dollar_at_end = true,
            'U' => self.lazy = true,
            'n' => self.named_only = true,
            // Without meaning for a match: study, extra checks, duplicate names; and white space.
            'S' | 'X' | 'J' | ' ' | '\n' | '\r' => {}
            other => return Err(format!("unknown flag {other:?}; known are i m s x u A D S U X J n")),
        }
        Ok(())
    }
}

struct Delimited<'p> {
    body: &'p str,
    flags: Flags,
}

impl<'p> Delimited<'p> {
    /// Takes off the delimiters and reads the flags.
    fn split(source: &'p str) -> Result<Self, String> {
        let trimmed = source.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
        let open = trimmed.chars().next().ok_or("an empty pattern")?;
        if open.is_ascii_alphanumeric() || open == '\\' || open == '\0' || !open.is_ascii() {
            return Err(format!("the delimiter must not be a letter, a digit or a backslash, but is {open:?}"));
        }
        let close = match open {
            '(' => ')',
            '[' => ']',
            '{' => '}',
            '<' => '>',
            same => same,
        };
        let inner = &trimmed[1..];
        let end = closing_delimiter(inner, open, close).ok_or_else(|| format!("no closing delimiter {close:?}"))?;
        let mut flags = Flags::default();
        inner[end + 1..].chars().try_for_each(|flag| flags.set(flag))?;
        Ok(Self { body: &inner[..end], flags })
    }
}

/// Where the closing delimiter is. Brackets as delimiters nest; a backslash hides what follows it.
fn closing_delimiter(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 1;
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => {
                characters.next();
            }
            _ if character == close => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ if character == open => depth += 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests;
