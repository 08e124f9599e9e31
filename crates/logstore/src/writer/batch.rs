//! The lines of one request, in the form in which they travel to PostgreSQL.
//!
//! Lines are encoded where they are parsed, on the request's own thread, and never touched again: the committer only
//! strings batches together, and lines that wait in the queue take their size on the wire and no more.

use std::collections::BTreeMap;
use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use domain::level::Level;
use domain::log_record::NewLog;
use domain::scope::Scope;
use time::OffsetDateTime;
use uuid::Uuid;

/// What [`Batch`] encodes, in this order.
pub(super) const COPY_SQL: &str = "
    -- writer::copy
    COPY logs (org_id, service_id, environment_id, ts, level, message, meta_json, trace_id, request_id)
    FROM STDIN (FORMAT binary)";
const COLUMNS: i16 = 9;
/// The signature, no flags, no extension (PostgreSQL documentation, COPY, binary format).
pub(super) const COPY_HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
pub(super) const COPY_TRAILER: &[u8] = &(-1_i16).to_be_bytes();

/// Microseconds from 1970 to 2000, where PostgreSQL counts from.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;
const JSONB_VERSION: u8 = 1;

/// Lines of one scope that are stored all or not at all.
#[derive(Clone, Debug)]
pub struct Batch {
    scope: Scope,
    rows: u32,
    encoded: BytesMut,
    counts: BTreeMap<(Minute, Level), i64>,
}

/// Microseconds since 1970, at the start of a minute.
pub(super) type Minute = i64;

/// A line that cannot be stored, whatever it says: one of its texts is longer than PostgreSQL's format can express.
#[derive(Debug, thiserror::Error)]
#[error("a line's text is longer than 2 GiB")]
pub struct LineTooLong;

impl Batch {
    pub fn new(scope: Scope) -> Self {
        Self::with_capacity(scope, 0)
    }

    /// With room for about so many bytes: what JSON spends on names and quotes, a row spends on its columns.
    pub fn with_capacity(scope: Scope, bytes: usize) -> Self {
        Self {
            scope,
            rows: 0,
            encoded: BytesMut::with_capacity(bytes),
            counts: BTreeMap::new(),
        }
    }

    /// The lines of one scope as one batch.
    pub fn of<'a>(scope: Scope, lines: impl IntoIterator<Item = &'a NewLog>) -> Result<Self, LineTooLong> {
        let mut batch = Self::new(scope);
        for line in lines {
            batch.push(line)?;
        }
        Ok(batch)
    }

    /// Adds a line. After an error the batch is as it was before.
    pub fn push(&mut self, line: &NewLog) -> Result<(), LineTooLong> {
        let before = self.encoded.len();
        if encode_row(&mut self.encoded, &self.scope, line).is_err() {
            self.encoded.truncate(before);
            return Err(LineTooLong);
        }
        *self.counts.entry((minute_of(line.ts), line.level)).or_default() += 1;
        self.rows += 1;
        Ok(())
    }

    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// How many lines it holds.
    pub fn rows(&self) -> u32 {
        self.rows
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// In bytes, as it is held in memory and sent.
    pub fn size(&self) -> usize {
        self.encoded.len()
    }

    pub(super) fn freeze(self) -> Encoded {
        // What waits is counted by its length, so memory that was reserved in vain is given back first.
        let in_vain = self.encoded.capacity() / 2 > self.encoded.len();
        Encoded {
            scope: self.scope,
            rows: self.rows,
            bytes: if in_vain {
                Bytes::copy_from_slice(&self.encoded)
            } else {
                self.encoded.freeze()
            },
            counts: self.counts,
        }
    }
}

/// A batch that is complete; its bytes can be sent more than once.
#[derive(Debug)]
pub(super) struct Encoded {
    pub(super) scope: Scope,
    pub(super) rows: u32,
    pub(super) bytes: Bytes,
    pub(super) counts: BTreeMap<(Minute, Level), i64>,
}

fn micros(ts: OffsetDateTime) -> i64 {
    (ts.unix_timestamp_nanos() / 1_000) as i64
}

fn minute_of(ts: OffsetDateTime) -> Minute {
    const MINUTE: i64 = 60_000_000;
    micros(ts).div_euclid(MINUTE) * MINUTE
}

fn encode_row(out: &mut BytesMut, scope: &Scope, line: &NewLog) -> Result<(), io::Error> {
    out.reserve(128 + line.message.len());
    out.put_i16(COLUMNS);
    put_uuid(out, scope.org_id.0);
    put_uuid(out, scope.service_id.0);
    put_uuid(out, scope.environment_id.0);
    out.put_i32(8);
    out.put_i64(micros(line.ts) - POSTGRES_EPOCH);
    out.put_i32(2);
    out.put_i16(line.level.code());
    put_text(out, Some(&line.message))?;
    put_sized(out, line.meta.as_ref(), |out, meta| {
        out.put_u8(JSONB_VERSION);
        Ok(serde_json::to_writer(out.writer(), meta)?)
    })?;
    put_text(out, line.trace_id.as_ref())?;
    put_text(out, line.request_id.as_ref())
}

fn put_uuid(out: &mut BytesMut, id: Uuid) {
    out.put_i32(16);
    out.put_slice(id.as_bytes());
}

fn put_text(out: &mut BytesMut, text: Option<&String>) -> Result<(), io::Error> {
    put_sized(out, text, |out, text| {
        out.put_slice(text.as_bytes());
        Ok(())
    })
}

/// A field: its length, then what `write` appends; -1 for NULL.
fn put_sized<T>(
    out: &mut BytesMut,
    value: Option<&T>,
    write: impl FnOnce(&mut BytesMut, &T) -> Result<(), io::Error>,
) -> Result<(), io::Error> {
    let at = out.len();
    out.put_i32(-1);
    let Some(value) = value else { return Ok(()) };
    write(out, value)?;
    let length = i32::try_from(out.len() - at - 4).map_err(io::Error::other)?;
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::ids::{EnvironmentId, OrgId, ServiceId};
    use time::macros::datetime;

    use super::*;

    fn scope() -> Scope {
        Scope {
            org_id: OrgId(Uuid::from_u128(1)),
            service_id: ServiceId(Uuid::from_u128(2)),
            environment_id: EnvironmentId(Uuid::from_u128(3)),
        }
    }

    fn line(ts: OffsetDateTime, level: Level) -> NewLog {
        NewLog {
            ts,
            level,
            message: "m".into(),
            meta: None,
            trace_id: None,
            request_id: Some("r".into()),
        }
    }

    #[test]
    fn a_row_is_what_the_binary_format_wants() {
        let batch = Batch::of(
            scope(),
            [&line(datetime!(2000-01-01 00:00:00.000001 UTC), Level::Warn)],
        )
        .unwrap();
        let mut expected = vec![0, 9];
        for id in 1..=3_u128 {
            expected.extend([0, 0, 0, 16]);
            expected.extend(id.to_be_bytes());
        }
        expected.extend([0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1]);
        expected.extend([0, 0, 0, 2, 0, 3]);
        expected.extend([0, 0, 0, 1, b'm']);
        expected.extend([0xff; 4]);
        expected.extend([0xff; 4]);
        expected.extend([0, 0, 0, 1, b'r']);
        assert_eq!(batch.encoded, expected);
    }

    #[test]
    fn lines_are_counted_by_minute_and_level_also_before_1970() {
        let mut batch = Batch::new(scope());
        for ts in [
            datetime!(2026-11-22 12:00:59.999999 UTC),
            datetime!(2026-11-22 12:00 UTC),
            datetime!(1969-12-31 23:59:30 UTC),
        ] {
            batch.push(&line(ts, Level::Info)).unwrap();
        }
        batch
            .push(&line(datetime!(2026-11-22 12:00 UTC), Level::Error))
            .unwrap();
        let noon = datetime!(2026-11-22 12:00 UTC).unix_timestamp() * 1_000_000;
        let expected = [
            ((-60_000_000, Level::Info), 1),
            ((noon, Level::Info), 2),
            ((noon, Level::Error), 1),
        ];
        assert_eq!(batch.counts, expected.into());
        assert_eq!(batch.rows(), 4);
    }
}
