//! `Idempotency-Key`: what makes a request safe to send again.

use actix_web::HttpRequest;
use domain::ids::ApiKeyId;
use logstore::receipts::IdempotencyRecord;
use serde_json::Value;
use service_kit::ApiError;
use sha2::{Digest as _, Sha256};

pub(crate) const HEADER: &str = "Idempotency-Key";
const MAX_CHARS: usize = 200;

/// The key of a request: 1 to 200 printable ASCII characters, unique within the API key for 24 hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key that a request brings, if it brings one.
    pub(crate) fn of(req: &HttpRequest) -> Result<Option<Self>, ApiError> {
        let mut values = req.headers().get_all(HEADER);
        let Some(value) = values.next() else {
            return Ok(None);
        };
        let text = value.to_str().unwrap_or_default();
        let printable = text.bytes().all(|b| matches!(b, b' '..=b'~'));
        if values.next().is_some() || !printable || !(1..=MAX_CHARS).contains(&text.len()) {
            let rule = format!("must be sent once, with 1 to {MAX_CHARS} printable ASCII characters");
            return Err(ApiError::invalid(HEADER, rule));
        }
        Ok(Some(Self(text.to_owned())))
    }

    /// What is stored of the request. The hash is that of the uncompressed body, since a retry may be compressed anew.
    pub(crate) fn record(self, api_key_id: ApiKeyId, body: &[u8], rejected: Value) -> IdempotencyRecord {
        IdempotencyRecord {
            api_key_id,
            key: self.0,
            request_hash: Sha256::digest(body).into(),
            rejected,
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn key(values: &[&str]) -> Result<Option<IdempotencyKey>, String> {
        let mut request = TestRequest::default();
        for value in values {
            request = request.append_header((HEADER, *value));
        }
        IdempotencyKey::of(&request.to_http_request()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_key_is_printable_and_short() {
        assert_eq!(key(&[]), Ok(None));
        assert_eq!(
            key(&["batch 1/α"]).map(|_| ()).unwrap_err(),
            key(&[""]).unwrap_err()
        );
        assert_eq!(
            key(&["batch-1 of 7"]),
            Ok(Some(IdempotencyKey("batch-1 of 7".into())))
        );
        assert!(key(&[&"k".repeat(200)]).is_ok());
        assert!(key(&[&"k".repeat(201)]).is_err());
        assert!(key(&["a", "b"]).is_err());
    }
}
