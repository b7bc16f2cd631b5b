//! E-mail addresses by the grammar of RFC 5322 with international characters (RFC 6531), in the reading of the library
//! the original uses (egulias/email-validator 4.0.2, `RFCValidation`), quirks included. Nothing is looked up.
//!
//! The address is cut into tokens; local part, `@` and domain are then read from left to right with one token to look
//! ahead and one to look back.

use std::sync::LazyLock;

use regex::Regex;

use super::url::punycode_length;

/// Bytes of a domain.
const LONGEST_DOMAIN: usize = 253;
/// Bytes of a label, in its ASCII form.
const LONGEST_LABEL: usize = 63;

/// Symbols and control characters, unassigned ones included: outside ASCII they are allowed nowhere.
static FORBIDDEN: LazyLock<Result<Regex, regex::Error>> = LazyLock::new(|| Regex::new(r"[\pS\pC]"));

/// True for a valid address. A line break is never allowed, not even where RFC 5322 would fold.
pub(super) fn is_email(text: &str) -> bool {
    if text.contains(['\r', '\n']) {
        return false;
    }
    let Some(tokens) = tokens(text) else { return false };
    let mut reader = Reader { tokens: &tokens, at: 0 };
    reader.local_part().and_then(|()| reader.domain()).is_some()
}

/// Kinds of tokens, as far as the grammar tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Letters, digits, or one character outside ASCII.
    Atom,
    /// An ASCII character with a meaning of its own, or one that is not allowed in a domain.
    Special(char),
    /// `::`.
    DoubleColon,
    /// The tag `IPv6`.
    Ipv6Tag,
    /// Before the first token and after the last.
    Nothing,
}

#[derive(Debug, Clone, Copy)]
struct Token<'t> {
    text: &'t str,
    kind: Kind,
}

/// Cuts an address into tokens; `None` when a character is not allowed anywhere.
fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = token_length(rest, first);
        let (token, remainder) = rest.split_at(length);
        let kind = match token {
            "::" => Kind::DoubleColon,
            "IPv6" => Kind::Ipv6Tag,
            _ if first.is_ascii_alphanumeric() => Kind::Atom,
            _ if matches!(first, '¿' | '¡') || is_special(first) => Kind::Special(first),
            _ if is_forbidden(token) => return None,
            _ => Kind::Atom,
        };
        tokens.push(Token { text: token, kind });
        rest = remainder;
    }
    Some(tokens)
}

fn token_length(rest: &str, first: char) -> usize {
    let run = |is_member: fn(u8) -> bool| rest.bytes().take_while(|&byte| is_member(byte)).count();
    match first {
        'a'..='z' | 'A'..='Z' => {
            let letters = run(|byte| byte.is_ascii_alphabetic());
            // A 4 or 6 belongs to the letters before it, so that `IPv6` is one token.
            letters + usize::from(matches!(rest.as_bytes().get(letters), Some(b'4' | b'6')))
        }
        '0'..='9' => run(|byte| byte.is_ascii_digit()),
        ':' if rest.starts_with("::") => 2,
        _ => first.len_utf8(),
    }
}

/// ASCII punctuation, space, tab and NUL. Other control characters are forbidden.
fn is_special(character: char) -> bool {
    character.is_ascii_punctuation() || matches!(character, ' ' | '\t' | '\0')
}

fn is_forbidden(token: &str) -> bool {
    FORBIDDEN.as_ref().is_ok_and(|forbidden| forbidden.is_match(token))
}

/// Reads tokens one by one. Every rule returns `None` where the address is not valid.
struct Reader<'t> {
    tokens: &'t [Token<'t>],
    at: usize,
}

impl<'t> Reader<'t> {
    fn kind_at(&self, position: Option<usize>) -> Kind {
        position.and_then(|position| self.tokens.get(position)).map_or(Kind::Nothing, |token| token.kind)
    }

    fn current(&self) -> Kind {
        self.kind_at(Some(self.at))
    }

    fn previous(&self) -> Kind {
        self.kind_at(self.at.checked_sub(1))
    }

    fn next(&self) -> Kind {
        self.kind_at(Some(self.at + 1))
    }

    fn is(&self, character: char) -> bool {
        self.current() == Kind::Special(character)
    }

    fn next_is(&self, character: char) -> bool {
        self.next() == Kind::Special(character)
    }

    fn previous_is(&self, character: char) -> bool {
        self.previous() == Kind::Special(character)
    }

    fn advance(&mut self) {
        self.at += 1;
    }

    /// True when the character occurs after the current token.
    fn is_ahead(&self, character: char) -> bool {
        self.tokens.iter().skip(self.at + 1).any(|token| token.kind == Kind::Special(character))
    }

    /// True when a backslash takes the meaning of the current token.
    fn is_escaped(&self) -> bool {
        self.previous_is('\\') && self.current() != Kind::Atom
    }

    fn text(&self) -> &'t str {
        self.tokens.get(self.at).map_or("", |token| token.text)
    }

    /// Everything up to the `@`, which becomes the current token.
    fn local_part(&mut self) -> Option<()> {
        ensure(!self.is('@') && !self.is('.'))?;
        while !self.is('@') && self.current() != Kind::Nothing {
            if self.is('"') {
                self.quoted_string()?;
            }
            if self.is('(') || self.is(')') {
                self.comment(Comment::Local)?;
            }
            ensure(!(self.is('.') && (self.next_is('.') || self.next_is('@'))))?;
            ensure(!(self.is('\\') && self.next() == Kind::Atom))?;
            ensure(!matches!(self.current(), Kind::Special(',' | '[' | ']' | '<' | '>' | ':' | ';')))?;
            let is_space = self.is(' ') || self.is('\t');
            ensure(!(is_space && !self.is_escaped() && self.next() == Kind::Atom))?;
            self.advance();
        }
        Some(())
    }

    /// From the opening quote to the closing one, which becomes the current token.
    fn quoted_string(&mut self) -> Option<()> {
        self.quote_can_open()?;
        self.advance();
        while !self.is('"') && self.current() != Kind::Nothing {
            if self.is('\\') && self.next_is('"') {
                self.advance();
            }
            self.advance();
            ensure(self.is_escaped() || !(self.is('\0') || self.is('\t')))?;
        }
        if self.previous_is('\\') {
            return self.quote_can_open();
        }
        ensure(self.next_is('@'))
    }

    /// A quoted string is not glued between two atoms, and is closed.
    fn quote_can_open(&self) -> Option<()> {
        ensure(!(self.previous() == Kind::Atom && self.next() == Kind::Atom))?;
        ensure(self.is_ahead('"'))
    }

    /// From the opening parenthesis to the last token before the place where a comment may end; parentheses balance.
    fn comment(&mut self, place: Comment) -> Option<()> {
        ensure(self.is('(') && self.is_ahead(')'))?;
        let mut open = 1_i32;
        loop {
            let is_end = match place {
                Comment::Local => self.next_is('@'),
                Comment::Domain => open == 0 && self.next_is('.'),
            };
            if is_end {
                return ensure(open == 0);
            }
            // A comment at the very end of the address is not accepted.
            ensure(self.next() != Kind::Nothing)?;
            open += i32::from(self.next_is('(')) - i32::from(self.next_is(')'));
            self.advance();
        }
    }

    /// Everything after the `@`.
    fn domain(&mut self) -> Option<()> {
        self.advance();
        let start = self.at;
        ensure(!matches!(self.current(), Kind::Nothing | Kind::Special('.' | '-' | '@')))?;
        self.labels()?;
        ensure(!self.previous_is('.') && !self.previous_is('-'))?;
        let length: usize = self.tokens.iter().take(self.at + 1).skip(start).map(|token| token.text.len()).sum();
        ensure(length <= LONGEST_DOMAIN)
    }

    /// Labels up to the end of the address, or up to the end of an address literal; what follows a literal is not
    /// looked at.
    fn labels(&mut self) -> Option<()> {
        let mut label = String::new();
        let mut has_comments = false;
        while self.current() != Kind::Nothing {
            if self.is('(') || self.is(')') {
                has_comments = true;
                self.comment(Comment::Domain)?;
            }
            ensure(!(self.is('.') && self.next_is('.')))?;
            if self.is('[') {
                return self.literal();
            }
            if self.is('.') {
                ensure(is_label_short(&label))?;
                label.clear();
            }
            label.push_str(self.text());
            ensure(!(self.is('-') && self.next_is('.')))?;
            ensure(match self.current() {
                Kind::Atom | Kind::Special('-' | '.') => true,
                Kind::Special('(' | ')') => has_comments,
                _ => false,
            })?;
            self.advance();
        }
        ensure(is_label_short(&label))
    }

    /// An address in brackets. Its contents are hardly looked at, as in the original.
    fn literal(&mut self) -> Option<()> {
        ensure(self.is_ahead(']'))?;
        loop {
            ensure(!self.is('\0') && !self.next_is('['))?;
            ensure(!self.is('\\'))?;
            if self.is(']') || self.next() == Kind::Nothing {
                return Some(());
            }
            self.advance();
        }
    }
}

/// Where a comment stands.
#[derive(Debug, Clone, Copy)]
enum Comment {
    /// Before the `@`: it reaches up to there.
    Local,
    /// In the domain: it reaches up to the next dot.
    Domain,
}

/// A label is measured with the dot before it, as in the original, unless it is international.
fn is_label_short(label: &str) -> bool {
    if label.is_ascii() {
        return label.len() <= LONGEST_LABEL;
    }
    label.split('.').all(|label| punycode_length(label) <= LONGEST_LABEL)
}

fn ensure(condition: bool) -> Option<()> {
    condition.then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_of_forbidden_characters_compiles() {
        assert!(FORBIDDEN.is_ok());
    }

    #[test]
    fn unusual_but_valid_addresses_pass() {
        for address in [
            "user@localhost",
            "a.b+c@example.com",
            "user @example.com",
            "user\t@example.com",
            "us .er@example.com",
            "\"us er\"@example.com",
            "\"us\\\"er\"@example.com",
            "(comment)user@example.com",
            "user(a(b)c)@example.com",
            "user@(comment)example.com",
            "user@example(comment).com",
            "a@[]",
            "user@[IPv6:2001:db8::1]",
            "user@[999.1.1.1]",
            "用户@例え.jp",
        ] {
            assert!(is_email(address), "{address}");
        }
    }

    #[test]
    fn broken_addresses_fail() {
        for address in [
            "",
            "user",
            "@",
            "user@",
            "@example.com",
            "us er@example.com",
            "user.@example.com",
            "us..er@example.com",
            "user@example..com",
            "user@example.com.",
            "user@example-.com",
            "user@-example.com",
            "user@example.com-",
            "user@exa_mple.com",
            "user@example.com ",
            "user@example.com(comment)",
            "us\"er\"@example.com",
            "\"user\"x@example.com",
            "\"user@example.com",
            "user)@example.com",
            "user(a@example.com",
            "user@[1.2.3.4",
            "user@[1.2.3.]",
            "us\\er@example.com",
            "\u{1f44d}@example.com",
            "\"a\u{7f}\"@example.com",
            "user\r\n @example.com",
            "a@b@c.com",
            "user@IPv6.com",
        ] {
            assert!(!is_email(address), "{address}");
        }
    }

    #[test]
    fn lengths_are_limited() {
        let label = |length: usize| "a".repeat(length);
        assert!(is_email(&format!("u@{}.com", label(63))));
        assert!(!is_email(&format!("u@{}.com", label(64))));
        assert!(is_email(&format!("{}@example.com", label(300))));
        let domain = |count: usize| format!("u@{}b", "a.".repeat(count));
        assert!(is_email(&domain(126)), "253 bytes");
        assert!(!is_email(&domain(127)), "255 bytes");
        assert!(!is_email(&format!("u@{}.de", "ü".repeat(60))), "longer than 63 bytes in ASCII form");
    }
}
