//! Keyset pages: every list takes a `limit` and an opaque `cursor`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

/// Where a page ended: the sort key of its last row. The text form is opaque to clients, and carries no authority:
/// every query is bound to the caller's organisation anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor<K> {
    pub at: OffsetDateTime,
    pub key: K,
}

/// The tie-breaker behind the time of a cursor.
pub trait CursorKey: Sized {
    fn encode(&self) -> String;
    fn decode(text: &str) -> Option<Self>;
}

impl CursorKey for i64 {
    fn encode(&self) -> String {
        self.to_string()
    }
    fn decode(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl CursorKey for Uuid {
    fn encode(&self) -> String {
        self.simple().to_string()
    }
    fn decode(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl<K: CursorKey> Cursor<K> {
    pub fn encode(&self) -> String {
        let micros = self.at.unix_timestamp_nanos() / 1_000;
        URL_SAFE_NO_PAD.encode(format!("1.{micros}.{}", self.key.encode()))
    }

    pub fn decode(text: &str) -> Result<Self, InvalidCursor> {
        Self::parse(text).ok_or(InvalidCursor)
    }

    fn parse(text: &str) -> Option<Self> {
        let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (version, rest) = plain.split_once('.')?;
        if version != "1" {
            return None;
        }
        let (micros, key) = rest.split_once('.')?;
        let nanos = micros.parse::<i128>().ok()?.checked_mul(1_000)?;
        Some(Self {
            at: OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?,
            key: K::decode(key)?,
        })
    }
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("is not a cursor of this list; start again without it")]
pub struct InvalidCursor;

/// How many rows a page may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageLimit(u32);

impl PageLimit {
    pub const DEFAULT: Self = Self(100);
    pub const MAX: u32 = 1_000;

    /// Between 1 and 1,000.
    pub fn new(rows: u32) -> Result<Self, InvalidPageLimit> {
        if (1..=Self::MAX).contains(&rows) {
            Ok(Self(rows))
        } else {
            Err(InvalidPageLimit)
        }
    }

    pub fn rows(self) -> usize {
        self.0 as usize
    }

    /// What a query asks for: one row more than the page, which tells whether another page follows.
    pub fn probe(self) -> i64 {
        i64::from(self.0) + 1
    }
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("must be between 1 and {}", PageLimit::MAX)]
pub struct InvalidPageLimit;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_round_trips(micros in -10_000_000_000_000_000_i128..10_000_000_000_000_000, key in any::<i64>()) {
            let at = OffsetDateTime::from_unix_timestamp_nanos(micros * 1_000).unwrap();
            let cursor = Cursor { at, key };
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Ok(cursor));
        }

        #[test]
        fn no_text_makes_the_decoder_panic(text in any::<String>()) {
            let _ = Cursor::<Uuid>::decode(&text);
        }
    }

    #[test]
    fn a_limit_is_bounded() {
        assert_eq!(PageLimit::new(0), Err(InvalidPageLimit));
        assert_eq!(PageLimit::new(1_001), Err(InvalidPageLimit));
        assert_eq!(PageLimit::new(10).unwrap().probe(), 11);
    }
}
