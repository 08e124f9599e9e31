//! The signature of a delivery: HMAC-SHA256 of the raw body, in the header `X-Hub-Signature-256`
//! (<https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries>).

use actix_web::http::header::HeaderMap;
use hmac::{Hmac, KeyInit, Mac};
use service_kit::ApiError;
use sha2::Sha256;

const SHA256: &str = "x-hub-signature-256";
const SHA1: &str = "x-hub-signature";

/// What a sender claims the HMAC of its body to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claimed([u8; 32]);

/// Why a delivery is not believed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Refusal {
    #[error("no X-Hub-Signature-256; enter the integration's secret in the webhook's settings at GitHub")]
    Missing,
    #[error("only X-Hub-Signature (SHA-1) was sent, which is not safe; X-Hub-Signature-256 is needed")]
    Sha1Only,
    #[error("X-Hub-Signature-256 was sent more than once; exactly one is needed")]
    Several,
    #[error("X-Hub-Signature-256 is malformed; it must be sha256= and 64 lower-case hex digits")]
    Malformed,
    #[error(
        "the signature does not match: the webhook's secret at GitHub is not the integration's, or the body was changed"
    )]
    Wrong,
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::Unauthorized(refusal.to_string())
    }
}

impl Claimed {
    /// Reads the header; says nothing about whether the claim is true.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let mut values = headers.get_all(SHA256);
        let Some(value) = values.next() else {
            return Err(if headers.contains_key(SHA1) {
                Refusal::Sha1Only
            } else {
                Refusal::Missing
            });
        };
        if values.next().is_some() {
            return Err(Refusal::Several);
        }
        let digits = value
            .as_bytes()
            .strip_prefix(b"sha256=")
            .ok_or(Refusal::Malformed)?;
        digest(digits).map(Self).ok_or(Refusal::Malformed)
    }

    /// Checks the claim in constant time.
    pub(crate) fn verify(self, secret: &[u8], body: &[u8]) -> Result<(), Refusal> {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|_any_length_is_good| Refusal::Wrong)?;
        mac.update(body);
        mac.verify_slice(&self.0).map_err(|_other| Refusal::Wrong)
    }
}

fn digest(digits: &[u8]) -> Option<[u8; 32]> {
    let (pairs, []) = digits.as_chunks::<2>() else {
        return None;
    };
    let pairs: &[[u8; 2]; 32] = pairs.try_into().ok()?;
    let mut digest = [0; 32];
    for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(digest)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    /// The example of GitHub's documentation.
    const SECRET: &[u8] = b"It's a Secret to Everybody";
    const BODY: &[u8] = b"Hello, World!";
    const GOOD: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn check(headers: &[(&str, &str)], body: &[u8]) -> Result<(), Refusal> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            map.append(name.parse::<HeaderName>().unwrap(), value);
        }
        Claimed::of(&map)?.verify(SECRET, body)
    }

    #[test]
    fn githubs_own_example_is_believed() {
        assert_eq!(check(&[(SHA256, GOOD)], BODY), Ok(()));
    }

    #[rstest::rstest]
    #[case::missing(&[], Refusal::Missing)]
    #[case::sha1(&[(SHA1, "sha1=3f8a")], Refusal::Sha1Only)]
    #[case::empty(&[(SHA256, "")], Refusal::Malformed)]
    #[case::no_prefix(&[(SHA256, GOOD.strip_prefix("sha256=").unwrap())], Refusal::Malformed)]
    #[case::short(&[(SHA256, GOOD.split_at(70).0)], Refusal::Malformed)]
    #[case::odd(&[(SHA256, GOOD.split_at(69).0)], Refusal::Malformed)]
    #[case::long(&[(SHA256, &*format!("{GOOD}00"))], Refusal::Malformed)]
    #[case::upper_case(&[(SHA256, &*GOOD.replace("sha256=", "").to_uppercase())], Refusal::Malformed)]
    #[case::upper_case_hex(&[(SHA256, &*format!("sha256={}", "A".repeat(64)))], Refusal::Malformed)]
    #[case::not_hex(&[(SHA256, &*format!("sha256={}", "g".repeat(64)))], Refusal::Malformed)]
    #[case::not_ascii(&[(SHA256, "sha256=ééé")], Refusal::Malformed)]
    #[case::two(&[(SHA256, GOOD), (SHA256, GOOD)], Refusal::Several)]
    #[case::other(&[(SHA256, &*format!("sha256={}", "0".repeat(64)))], Refusal::Wrong)]
    fn anything_else_is_refused_with_its_reason(#[case] headers: &[(&str, &str)], #[case] reason: Refusal) {
        assert_eq!(check(headers, BODY), Err(reason));
    }

    #[test]
    fn a_changed_body_is_refused() {
        assert_eq!(check(&[(SHA256, GOOD)], b"Hello, World?"), Err(Refusal::Wrong));
    }
}
