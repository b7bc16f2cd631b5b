//! Short names derived from long ones.

use sha2::{Digest, Sha256};

/// 16 hexadecimal digits that stand for a text, the same at all times.
pub(crate) fn short_digest(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let number = digest.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    format!("{number:016x}")
}
