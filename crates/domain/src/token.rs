//! Bearer secrets: how they look and what is stored of them. Randomness comes in from the caller.

use sha2::{Digest, Sha256};

/// SHA-256 of a secret: the only form that is ever stored. The secrets have at least 128 bits of entropy, so a slow
/// hash would add nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Characters of randomness in a token: 32 base62 digits are 190 bits.
pub const BODY_CHARS: usize = 32;
/// Characters of checksum: 6 base62 digits hold any CRC-32.
pub const CHECKSUM_CHARS: usize = 6;

/// Makes a token `prefix + 32 base62 + 6 checksum` (the shape that GitHub documents for its own tokens: a scanner
/// finds the prefix, and the checksum tells a typo from a revoked key without a look-up).
///
/// `random` gives bytes from a cryptographic source; bytes of 248 and above are skipped so that every digit is
/// equally likely.
pub fn mint(prefix: &str, mut random: impl FnMut() -> u8) -> String {
    let mut token = String::with_capacity(prefix.len() + BODY_CHARS + CHECKSUM_CHARS);
    token.push_str(prefix);
    while token.len() < prefix.len() + BODY_CHARS {
        let byte = random();
        if byte < 248 {
            token.push(char::from(BASE62[usize::from(byte % 62)]));
        }
    }
    let checksum = checksum(&token);
    token.push_str(&checksum);
    token
}

/// Whether `token` has the shape and checksum of a token minted with `prefix`. Says nothing about its validity.
pub fn is_well_formed(prefix: &str, token: &str) -> bool {
    let Some(rest) = token.strip_prefix(prefix) else {
        return false;
    };
    if rest.len() != BODY_CHARS + CHECKSUM_CHARS || !rest.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return false;
    }
    let (signed, sum) = token.split_at(token.len() - CHECKSUM_CHARS);
    checksum(signed) == sum
}

fn checksum(text: &str) -> String {
    let mut rest = crc32fast::hash(text.as_bytes());
    let mut digits = [b'0'; CHECKSUM_CHARS];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    digits.iter().map(|&digit| char::from(digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minted(seed: u8) -> String {
        let mut next = seed;
        mint("slk_", || {
            next = next.wrapping_mul(31).wrapping_add(7);
            next
        })
    }

    #[test]
    fn a_minted_token_is_well_formed_and_any_typo_is_noticed() {
        let token = minted(3);
        assert_eq!(token.len(), 4 + 32 + 6);
        assert!(is_well_formed("slk_", &token));
        for index in 4..token.len() {
            let mut typo = token.clone().into_bytes();
            typo[index] = if typo[index] == b'x' { b'y' } else { b'x' };
            assert!(
                !is_well_formed("slk_", std::str::from_utf8(&typo).unwrap()),
                "typo at {index}"
            );
        }
    }

    #[rstest::rstest]
    #[case("")]
    #[case("slk_")]
    #[case("slk_ääääääääääääääääääääääääääääääääääää")]
    #[case("slp_00000000000000000000000000000000000000")]
    fn what_was_never_minted_is_not_well_formed(#[case] text: &str) {
        assert!(!is_well_formed("slk_", text));
    }

    #[test]
    fn a_hash_does_not_print() {
        assert_eq!(format!("{:?}", TokenHash::of("secret")), "TokenHash(..)");
    }
}
