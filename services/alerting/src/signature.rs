//! Signing as the Standard Webhooks specification says: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`. While
//! a secret is replaced, both sign: a receiver verifies with either.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use time::OffsetDateTime;

/// What every secret starts with.
const PREFIX: &str = "whsec_";
/// Bytes of a secret, by the specification.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A signing secret. Does not print.
#[derive(Clone)]
pub(crate) struct WebhookSecret {
    key: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be whsec_ followed by the base64 of 24 to 64 bytes; leave it out and one is made")]
pub(crate) struct InvalidSecret;

impl WebhookSecret {
    pub(crate) fn generate() -> Self {
        Self {
            key: service_kit::secrets::random_bytes::<32>().to_vec(),
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, InvalidSecret> {
        let encoded = text.strip_prefix(PREFIX).ok_or(InvalidSecret)?;
        let key = STANDARD.decode(encoded).map_err(|_not_base64| InvalidSecret)?;
        if BYTES.contains(&key.len()) {
            Ok(Self { key })
        } else {
            Err(InvalidSecret)
        }
    }

    /// The text form, for sealing and for showing it once.
    pub(crate) fn reveal(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.key))
    }

    /// One signature; `timestamp` is in seconds since 1970.
    fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

/// The secret that signs, and the one before it while receivers still learn the new one.
#[derive(Clone)]
pub(crate) struct Signing {
    pub(crate) current: WebhookSecret,
    /// With the moment up to which it signs too.
    pub(crate) previous: Option<(WebhookSecret, OffsetDateTime)>,
}

impl Signing {
    pub(crate) fn with(current: WebhookSecret) -> Self {
        Self {
            current,
            previous: None,
        }
    }

    /// A new secret, beside the present one until then.
    pub(crate) fn rotated(&self, until: OffsetDateTime) -> Self {
        Self {
            current: WebhookSecret::generate(),
            previous: Some((self.current.clone(), until)),
        }
    }

    /// The value of the header `webhook-signature`: signatures of all active secrets, separated by spaces.
    pub(crate) fn sign(&self, id: &str, at: OffsetDateTime, body: &[u8]) -> Option<String> {
        let timestamp = at.unix_timestamp();
        let current = self.current.sign(id, timestamp, body)?;
        let previous = self.previous.as_ref().filter(|(_, until)| at < *until);
        match previous {
            None => Some(current),
            Some((secret, _)) => Some(format!("{current} {}", secret.sign(id, timestamp, body)?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPECIFIED: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const AT: i64 = 1_614_265_330;

    #[test]
    fn the_specifications_own_example_is_signed_as_it_says() {
        // From the reference libraries of the Standard Webhooks repository.
        let secret = WebhookSecret::parse(SPECIFIED).unwrap();
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", AT, br#"{"test": 2432232314}"#);
        assert_eq!(
            signature.as_deref(),
            Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        );
    }

    #[test]
    fn while_a_secret_is_replaced_both_sign() {
        let at = OffsetDateTime::from_unix_timestamp(AT).unwrap();
        let old = Signing::with(WebhookSecret::parse(SPECIFIED).unwrap());
        let new = old.rotated(at + time::Duration::HOUR);
        let alone = old.sign("m", at, b"{}").unwrap();
        let both = new.sign("m", at, b"{}").unwrap();
        assert!(
            both.ends_with(&format!(" {alone}")) && both.starts_with("v1,"),
            "{both}"
        );
        let later = new.sign("m", at + time::Duration::HOUR, b"{}").unwrap();
        assert!(!later.contains(' '), "the old one has ended: {later}");
    }

    #[test]
    fn a_made_secret_is_read_back() {
        let secret = WebhookSecret::generate();
        assert_eq!(WebhookSecret::parse(&secret.reveal()).unwrap().key, secret.key);
    }

    #[rstest::rstest]
    #[case("")]
    #[case("whsec_")]
    #[case("whsec_dG9vIHNob3J0")]
    #[case("whsec_not base64 at all, and long enough")]
    #[case("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    fn a_bad_secret_is_refused(#[case] text: &str) {
        assert!(WebhookSecret::parse(text).is_err());
    }
}
