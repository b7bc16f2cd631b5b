//! From PCRE notation to the notation of the engine, and to ECMA-262 where that says the same.

use super::Flags;

/// A pattern in both notations.
#[derive(Debug)]
pub(super) struct Translated {
    pub(super) pattern: String,
    /// Absent where a construct has no equal in ECMA-262.
    pub(super) ecma: Option<String>,
}

/// Translates the text between the delimiters.
pub(super) fn translate(body: &str, flags: Flags) -> Result<Translated, String> {
    let input: Vec<char> =
        if flags.by_character { body.chars().collect() } else { body.bytes().map(char::from).collect() };
    let groups = count_groups(&input, flags);
    let mut translator =
        Translator { input, at: 0, flags, open: Vec::new(), groups, groups_seen: 0, output: Output::new(flags) };
    translator.pattern()?;
    let Output { pattern, ecma } = translator.output;
    let pattern = if flags.anchored { format!("\\A(?:{pattern})") } else { pattern };
    let pattern = if flags.ignore_case { format!("(?i){pattern}") } else { pattern };
    Ok(Translated { pattern, ecma })
}

/// Capturing groups in the whole pattern; `\12` is a back-reference only where there are twelve.
fn count_groups(input: &[char], flags: Flags) -> usize {
    let mut count = 0;
    let mut in_class = false;
    let mut at = 0;
    while at < input.len() {
        match input[at] {
            '\\' => at += 1,
            '[' if !in_class => {
                in_class = true;
                // A bracket that comes first is an ordinary character.
                at += usize::from(input.get(at + 1) == Some(&'^'));
                at += usize::from(input.get(at + 1) == Some(&']'));
            }
            ']' => in_class = false,
            '(' if !in_class => {
                let is_named = matches!(
                    (input.get(at + 1), input.get(at + 2), input.get(at + 3)),
                    (Some('?'), Some('\''), _) | (Some('?'), Some('P'), Some('<'))
                ) || (input.get(at + 1..at + 3) == Some(&['?', '<'])
                    && !matches!(input.get(at + 3), Some('=' | '!')));
                let is_plain = !matches!(input.get(at + 1), Some('?' | '*')) && !flags.named_only;
                count += usize::from(is_named || is_plain);
            }
            _ => {}
        }
        at += 1;
    }
    count
}

/// What has been translated so far.
#[derive(Debug)]
pub(super) struct Output {
    pattern: String,
    ecma: Option<String>,
}

impl Output {
    fn new(flags: Flags) -> Self {
        // ECMA-262 as JSON Schema uses it has no flags.
        let Flags { ignore_case, anchored, .. } = flags;
        Self { pattern: String::new(), ecma: (!ignore_case && !anchored).then(String::new) }
    }

    /// Adds a construct that both notations have.
    pub(super) fn both(&mut self, pattern: &str, ecma: &str) {
        self.pattern.push_str(pattern);
        if let Some(text) = &mut self.ecma {
            text.push_str(ecma);
        }
    }

    /// Adds a construct that ECMA-262 lacks.
    pub(super) fn only(&mut self, pattern: &str) {
        self.pattern.push_str(pattern);
        self.ecma = None;
    }
}

/// Reads PCRE notation from left to right.
pub(super) struct Translator {
    /// The characters of the pattern; one per byte without the flag `u`.
    input: Vec<char>,
    at: usize,
    pub(super) flags: Flags,
    /// The flags to return to, one per open group.
    pub(super) open: Vec<Flags>,
    /// Capturing groups in the whole pattern.
    pub(super) groups: usize,
    /// Capturing groups opened so far.
    groups_seen: usize,
    pub(super) output: Output,
}

impl Translator {
    pub(super) fn peek(&self) -> Option<char> {
        self.input.get(self.at).copied()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += 1;
        Some(character)
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn go_to(&mut self, position: usize) {
        self.at = position;
    }

    pub(super) fn groups_seen(&self) -> usize {
        self.groups_seen
    }

    pub(super) fn see_group(&mut self, is_capturing: bool) {
        self.groups_seen += usize::from(is_capturing);
    }

    /// Takes the text when it comes next.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let is_next = text.chars().enumerate().all(|(offset, c)| self.input.get(self.at + offset) == Some(&c));
        if is_next {
            self.at += text.chars().count();
        }
        is_next
    }

    /// Everything up to a character, which is taken as well.
    pub(super) fn until(&mut self, end: char) -> Result<String, String> {
        let rest = &self.input[self.at..];
        let length = rest.iter().position(|&c| c == end).ok_or_else(|| format!("a missing {end:?}"))?;
        let text = rest[..length].iter().collect();
        self.at += length + 1;
        Ok(text)
    }

    /// At most `most` digits of a base.
    pub(super) fn digits(&mut self, base: u32, most: usize) -> String {
        let digits: String = self.input[self.at..].iter().take(most).take_while(|c| c.is_digit(base)).collect();
        self.at += digits.len();
        digits
    }

    fn pattern(&mut self) -> Result<(), String> {
        while let Some(character) = self.next() {
            self.construct(character)?;
        }
        if self.open.is_empty() { Ok(()) } else { Err("a group is not closed".to_owned()) }
    }

    fn construct(&mut self, character: char) -> Result<(), String> {
        match character {
            '\\' => self.escape()?,
            '[' => self.class()?,
            '(' => self.group()?,
            ')' => {
                self.flags = self.open.pop().ok_or("a group is closed that was not opened")?;
                self.output.both(")", ")");
            }
            '|' => self.output.both("|", "|"),
            '^' => self.line_start(),
            '$' => self.line_end(),
            '.' => self.dot(),
            '*' | '+' | '?' => self.quantifier(&character.to_string()),
            '{' => match self.interval() {
                Some(interval) => self.quantifier(&interval),
                None => self.literal('{'),
            },
            '#' if self.flags.extended => while self.next().is_some_and(|c| c != '\n') {},
            ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c' if self.flags.extended => {}
            other => self.literal(other),
        }
        Ok(())
    }

    fn line_start(&mut self) {
        if self.flags.lines {
            // Not after a line feed that ends the text.
            self.output.only(r"(?:\A|(?<=\n)(?!\z))");
        } else {
            self.output.both(r"\A", "^");
        }
    }

    fn line_end(&mut self) {
        match (self.flags.lines, self.flags.dollar_at_end) {
            (true, _) => self.output.only(r"(?=\n|\z)"),
            (false, true) => self.output.both(r"\z", "$"),
            // A final line feed does not count; ECMA-262 is stricter there.
            (false, false) => self.output.both(r"(?=\n?\z)", "$"),
        }
    }

    fn dot(&mut self) {
        match (self.flags.by_character, self.flags.dot_all) {
            (true, true) => self.output.both("(?s:.)", r"[\s\S]"),
            (true, false) => self.output.both(r"[^\n]", r"[^\n]"),
            (false, true) => self.output.only("(?s:.)"),
            (false, false) => self.output.only(r"[^\n]"),
        }
    }

    /// What follows `{` when it is a quantifier, such as `2,5}`.
    fn interval(&mut self) -> Option<String> {
        let start = self.at;
        let mut text = format!("{{{}", self.digits(10, 5));
        let has_least = text.len() > 1;
        if has_least && self.take(",") {
            text.push(',');
            text.push_str(&self.digits(10, 5));
        }
        if has_least && self.take("}") {
            text.push('}');
            return Some(text);
        }
        self.at = start;
        None
    }

    fn quantifier(&mut self, quantifier: &str) {
        if self.take("+") {
            return self.output.only(&format!("{quantifier}+"));
        }
        let lazy = self.take("?") != self.flags.lazy;
        let text = format!("{quantifier}{}", if lazy { "?" } else { "" });
        self.output.both(&text, &text);
    }

    /// An ordinary character.
    pub(super) fn literal(&mut self, character: char) {
        let text = self.literal_text(character);
        if self.flags.by_character || character.is_ascii() {
            self.output.both(&text, &ecma_literal(character));
        } else {
            self.output.only(&text);
        }
    }

    /// An ordinary character in the notation of the engine, within a class or outside.
    pub(super) fn literal_text(&self, character: char) -> String {
        match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' => character.to_string(),
            _ if self.flags.by_character => format!("\\x{{{:X}}}", u32::from(character)),
            _ => format!("\\x{:02X}", u32::from(character)),
        }
    }
}

/// An ordinary character in ECMA-262, with the flag `u` or without.
pub(super) fn ecma_literal(character: char) -> String {
    match character {
        '^' | '$' | '\\' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '/' => {
            format!("\\{character}")
        }
        '\0'..='\x1f' | '\x7f' => format!("\\x{:02x}", u32::from(character)),
        _ => character.to_string(),
    }
}
