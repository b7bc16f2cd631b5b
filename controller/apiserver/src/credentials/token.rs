//! The bearer token, known in plain only to whoever made it.

use std::fmt::{self, Write as _};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

/// How many random bytes make a token.
const SECRET_BYTES: usize = 32;
const SALT_BYTES: usize = 16;
/// The form of a kept hash, and how a later one can be told apart.
const SCHEME: &str = "sha256";

/// A bearer token, or what is kept of one.
///
/// A salted SHA-256 is enough to keep: the tokens made here are 256 random bits, which nobody finds by trying.
#[derive(Clone)]
pub struct Token {
    secret: Option<String>,
    salt: [u8; SALT_BYTES],
    hash: [u8; 32],
}

impl Token {
    /// A new random token.
    pub fn generate() -> Self {
        Self::from(hexadecimal(&rand::random::<[u8; SECRET_BYTES]>()))
    }

    /// The token of a kept hash, as [`Self::hash`] wrote it; nothing where the text is something else.
    pub fn of_hash(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let (scheme, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
        if scheme != SCHEME || parts.next().is_some() {
            return None;
        }
        Some(Self { secret: None, salt: bytes(salt)?, hash: bytes(hash)? })
    }

    /// What may be kept on disk: `sha256:SALT:HASH`, both in hexadecimal.
    pub fn hash(&self) -> String {
        format!("{SCHEME}:{}:{}", hexadecimal(&self.salt), hexadecimal(&self.hash))
    }

    /// The token itself, where it is known.
    pub fn secret(&self) -> Option<&str> {
        self.secret.as_deref()
    }

    /// Whether this is the token. The time it takes says nothing about where the difference is.
    pub fn accepts(&self, given: &str) -> bool {
        !given.is_empty() && bool::from(salted(&self.salt, given).ct_eq(&self.hash))
    }
}

impl From<String> for Token {
    fn from(secret: String) -> Self {
        let salt = rand::random();
        let hash = salted(&salt, &secret);
        Self { secret: Some(secret), salt, hash }
    }
}

impl From<&str> for Token {
    fn from(secret: &str) -> Self {
        Self::from(secret.to_owned())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

fn salted(salt: &[u8; SALT_BYTES], secret: &str) -> [u8; 32] {
    Sha256::new().chain_update(salt).chain_update(secret).finalize().into()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn bytes<const N: usize>(hexadecimal: &str) -> Option<[u8; N]> {
    if hexadecimal.len() != 2 * N || !hexadecimal.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&hexadecimal[at..at + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_accepted_by_its_hash() {
        let token = Token::generate();
        let secret = token.secret().unwrap();
        let kept = Token::of_hash(&token.hash()).unwrap();
        for known in [&token, &kept] {
            assert!(known.accepts(secret));
            for other in ["", "x", &secret[1..], &format!("{secret}0")] {
                assert!(!known.accepts(other), "{other}");
            }
        }
    }

    #[test]
    fn an_empty_token_lets_nobody_in() {
        assert!(!Token::from("").accepts(""));
    }

    #[test]
    fn equal_tokens_have_different_hashes() {
        assert_ne!(Token::from("a").hash(), Token::from("a").hash());
    }

    #[test]
    fn a_text_that_is_no_hash_is_no_token() {
        let good = Token::from("a").hash();
        let bad =
            ["", "sha256", "sha256::", &good[1..], &good[..good.len() - 1], &format!("{good}:"), &format!("{good}00")];
        for text in bad {
            assert!(Token::of_hash(text).is_none(), "{text}");
        }
        assert!(Token::of_hash(&good.replace("sha256", "sha512")).is_none());
        assert!(Token::of_hash(&format!("sha256:{}:{}", "ä".repeat(16), "0".repeat(64))).is_none());
    }
}
