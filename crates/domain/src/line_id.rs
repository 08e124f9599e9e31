//! The stable id of a line: where it lies, and which one it is. A line keeps it through merging, so a link to it holds until
//! its retention ends. It carries no authority: whoever asks finds only lines of their own organisation.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::ids::{EnvironmentId, LogId};

/// Printed as 43 characters that need no escaping in a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineId {
    pub environment_id: EnvironmentId,
    /// Microseconds since 1970.
    ts: i64,
    pub number: i64,
}

impl LineId {
    pub fn new(environment_id: EnvironmentId, ts: OffsetDateTime, id: LogId) -> Self {
        Self {
            environment_id,
            ts: (ts.unix_timestamp_nanos() / 1_000) as i64,
            number: id.0,
        }
    }

    pub fn at(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.ts) * 1_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("is no id of a line")]
pub struct InvalidLineId;

impl std::str::FromStr for LineId {
    type Err = InvalidLineId;

    fn from_str(text: &str) -> Result<Self, InvalidLineId> {
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .ok()
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
            .ok_or(InvalidLineId)?;
        let (environment, rest) = bytes.split_first_chunk::<16>().ok_or(InvalidLineId)?;
        let (ts, rest) = rest.split_first_chunk::<8>().ok_or(InvalidLineId)?;
        let number = rest.first_chunk::<8>().ok_or(InvalidLineId)?;
        Ok(Self {
            environment_id: EnvironmentId(Uuid::from_bytes(*environment)),
            ts: i64::from_be_bytes(*ts),
            number: i64::from_be_bytes(*number),
        })
    }
}

impl std::fmt::Display for LineId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bytes = [0; 32];
        let parts = [
            &self.environment_id.0.into_bytes()[..],
            &self.ts.to_be_bytes(),
            &self.number.to_be_bytes(),
        ];
        for (place, byte) in bytes.iter_mut().zip(parts.into_iter().flatten()) {
            *place = *byte;
        }
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl Serialize for LineId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl utoipa::PartialSchema for LineId {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        String::schema()
    }
}

impl utoipa::ToSchema for LineId {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_id_reads_as_it_prints(environment: u128, ts: i64, number: i64) {
            let id = LineId {
                environment_id: EnvironmentId(Uuid::from_u128(environment)),
                ts,
                number,
            };
            prop_assert_eq!(id.to_string().len(), 43);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }

        #[test]
        fn other_text_is_refused(text in "[A-Za-z0-9_-]{0,60}|\\PC{0,10}") {
            prop_assume!(text.len() != 43);
            prop_assert_eq!(text.parse::<LineId>(), Err(InvalidLineId));
        }
    }
}
