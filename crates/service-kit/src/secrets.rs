//! Secrets: comparing them, making them, and sealing those that must be read again.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand::RngExt as _;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Compares in constant time, whatever the lengths: both sides are hashed first.
pub fn equal(left: &[u8], right: &[u8]) -> bool {
    Sha256::digest(left).ct_eq(&Sha256::digest(right)).into()
}

/// One byte from the thread's cryptographic generator, for `domain::token::mint`.
pub fn random_byte() -> u8 {
    rand::rng().random()
}

/// `N` bytes from the thread's cryptographic generator.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    rand::rng().random()
}

const NONCE_BYTES: usize = 24;

/// Seals secrets at rest with XChaCha20-Poly1305 (random 24-byte nonces are safe, no hardware needed).
///
/// A sealed value names its key, so that keys rotate: the first key seals, every key opens. It is bound to the row it
/// belongs to: moved to another row or another tenant it does not open.
#[derive(Clone)]
pub struct Sealer {
    newest: String,
    keys: HashMap<String, XChaCha20Poly1305>,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealer({} keys)", self.keys.len())
    }
}

/// What a sealed value belongs to: `(what, organisation, row)`, such as `("channel", org, id)`.
#[derive(Clone, Copy, Debug)]
pub struct SealedFor<'a> {
    pub what: &'a str,
    pub org_id: domain::ids::OrgId,
    pub row_id: uuid::Uuid,
}

impl SealedFor<'_> {
    fn bytes(&self) -> Vec<u8> {
        format!("{}|{}|{}", self.what, self.org_id, self.row_id).into_bytes()
    }
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SealError {
    #[error("must be id:base64-of-32-bytes[,id2:...], for example k1:$(openssl rand -base64 32)")]
    BadKeys,
    #[error("sealed with the key {0:?}, which SEALING_KEYS does not hold")]
    UnknownKey(String),
    #[error("sealed value is damaged or belongs elsewhere")]
    Damaged,
}

impl std::str::FromStr for Sealer {
    type Err = SealError;

    /// Reads `id:base64-of-32-bytes[,id2:...]`, newest first.
    fn from_str(text: &str) -> Result<Self, SealError> {
        let mut newest = None;
        let mut keys = HashMap::new();
        for part in text.split(',') {
            let (id, key) = part.trim().split_once(':').ok_or(SealError::BadKeys)?;
            let key = STANDARD.decode(key).map_err(|_not_base64| SealError::BadKeys)?;
            let cipher = XChaCha20Poly1305::new_from_slice(&key).map_err(|_length| SealError::BadKeys)?;
            if id.is_empty() || id.len() > 32 || keys.insert(id.to_owned(), cipher).is_some() {
                return Err(SealError::BadKeys);
            }
            newest.get_or_insert_with(|| id.to_owned());
        }
        Ok(Self {
            newest: newest.ok_or(SealError::BadKeys)?,
            keys,
        })
    }
}

impl Sealer {
    /// `length of key id (1 byte) | key id | nonce (24) | ciphertext and tag`.
    pub fn seal(&self, plain: &[u8], owner: SealedFor<'_>) -> Result<Vec<u8>, SealError> {
        let cipher = self.keys.get(&self.newest).ok_or(SealError::BadKeys)?;
        let nonce: [u8; NONCE_BYTES] = random_bytes();
        let payload = Payload {
            msg: plain,
            aad: &owner.bytes(),
        };
        let sealed = cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_too_long| SealError::Damaged)?;
        let mut out = Vec::with_capacity(1 + self.newest.len() + NONCE_BYTES + sealed.len());
        out.push(self.newest.len() as u8);
        out.extend_from_slice(self.newest.as_bytes());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        Ok(out)
    }

    pub fn open(&self, sealed: &[u8], owner: SealedFor<'_>) -> Result<Vec<u8>, SealError> {
        let (&id_bytes, rest) = sealed.split_first().ok_or(SealError::Damaged)?;
        let (id, rest) = rest
            .split_at_checked(usize::from(id_bytes))
            .ok_or(SealError::Damaged)?;
        let (nonce, sealed) = rest
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or(SealError::Damaged)?;
        let id = std::str::from_utf8(id).map_err(|_bytes| SealError::Damaged)?;
        let cipher = self
            .keys
            .get(id)
            .ok_or_else(|| SealError::UnknownKey(id.to_owned()))?;
        let payload = Payload {
            msg: sealed,
            aad: &owner.bytes(),
        };
        cipher
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_tag| SealError::Damaged)
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::OrgId;
    use uuid::Uuid;

    use super::*;

    fn key(id: &str, byte: u8) -> String {
        format!("{id}:{}", STANDARD.encode([byte; 32]))
    }

    #[test]
    fn a_sealed_secret_opens_only_for_its_own_row_and_survives_a_new_key() {
        let owner = SealedFor {
            what: "channel",
            org_id: OrgId::generate(),
            row_id: Uuid::new_v4(),
        };
        let old: Sealer = key("k1", 1).parse().unwrap();
        let sealed = old.seal(b"https://hooks.example/secret", owner).unwrap();
        assert!(!sealed.windows(5).any(|part| part == b"hooks"));

        let rotated: Sealer = format!("{},{}", key("k2", 2), key("k1", 1)).parse().unwrap();
        assert_eq!(
            rotated.open(&sealed, owner).unwrap(),
            b"https://hooks.example/secret"
        );

        let elsewhere = SealedFor {
            row_id: Uuid::new_v4(),
            ..owner
        };
        assert_eq!(old.open(&sealed, elsewhere), Err(SealError::Damaged));
        let stranger: Sealer = key("k3", 3).parse().unwrap();
        assert_eq!(
            stranger.open(&sealed, owner),
            Err(SealError::UnknownKey("k1".into()))
        );
    }

    #[test]
    fn a_cut_or_changed_secret_is_an_error_and_never_a_panic() {
        let owner = SealedFor {
            what: "channel",
            org_id: OrgId::generate(),
            row_id: Uuid::new_v4(),
        };
        let sealer: Sealer = key("k1", 1).parse().unwrap();
        let sealed = sealer.seal(b"secret", owner).unwrap();
        for length in 0..sealed.len() {
            assert!(sealer.open(&sealed[..length], owner).is_err());
        }
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(sealer.open(&changed, owner).is_err());
        }
    }

    #[rstest::rstest]
    #[case("")]
    #[case("k1")]
    #[case("k1:AAAA")]
    #[case(":AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    fn malformed_keys_are_refused(#[case] text: &str) {
        assert_eq!(text.parse::<Sealer>().err(), Some(SealError::BadKeys));
    }

    #[test]
    fn secrets_of_any_length_are_compared() {
        assert!(equal(b"abc", b"abc"));
        assert!(!equal(b"abc", b"abcd"));
        assert!(!equal(b"", b"a"));
    }
}
