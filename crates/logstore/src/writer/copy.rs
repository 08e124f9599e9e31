//! Rows in PostgreSQL's binary COPY format (PostgreSQL documentation, COPY, binary format).

use bytes::{BufMut as _, Bytes, BytesMut};
use domain::scope::Scope;

/// The signature, no flags, no extension.
pub(super) const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
pub(super) const TRAILER: &[u8] = &(-1_i16).to_be_bytes();

/// Microseconds from 1970 to 2000, where PostgreSQL counts from.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;
/// Days from 1970 to 2000.
const POSTGRES_EPOCH_DAYS: i32 = 10_957;
const JSONB_VERSION: u8 = 1;
const INT4_OID: i32 = 23;

/// Rows one after the other, without header and trailer.
#[derive(Debug, Default)]
pub(super) struct Rows(BytesMut);

impl Rows {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_bytes(self) -> Bytes {
        self.0.freeze()
    }

    pub(super) fn reserve(&mut self, bytes: usize) {
        self.0.reserve(bytes);
    }

    pub(super) fn start_row(&mut self, fields: i16) {
        self.0.put_i16(fields);
    }

    pub(super) fn scope(&mut self, scope: &Scope) {
        for id in [scope.org_id.0, scope.service_id.0, scope.environment_id.0] {
            self.field(id.as_bytes());
        }
    }

    pub(super) fn bigint(&mut self, number: i64) {
        self.field(&number.to_be_bytes());
    }

    pub(super) fn integer(&mut self, number: i32) {
        self.field(&number.to_be_bytes());
    }

    pub(super) fn smallint(&mut self, number: i16) {
        self.field(&number.to_be_bytes());
    }

    /// `micros` since 1970.
    pub(super) fn timestamptz(&mut self, micros: i64) {
        self.bigint(micros.saturating_sub(POSTGRES_EPOCH));
    }

    /// `days` since 1970.
    pub(super) fn date(&mut self, days: i32) {
        self.integer(days.saturating_sub(POSTGRES_EPOCH_DAYS));
    }

    /// A text or bytea.
    pub(super) fn field(&mut self, bytes: &[u8]) {
        // What is longer than 512 MiB is refused long before (`BatchFull`).
        self.0.put_i32(bytes.len() as i32);
        self.0.put_slice(bytes);
    }

    /// NULL where the text is empty.
    pub(super) fn text_or_null(&mut self, text: &[u8]) {
        if text.is_empty() {
            self.0.put_i32(-1);
        } else {
            self.field(text);
        }
    }

    /// JSON text; NULL where it is empty.
    pub(super) fn jsonb_or_null(&mut self, json: &[u8]) {
        if json.is_empty() {
            self.0.put_i32(-1);
        } else {
            self.0.put_i32(json.len() as i32 + 1);
            self.0.put_u8(JSONB_VERSION);
            self.0.put_slice(json);
        }
    }

    /// One dimension, no NULLs.
    pub(super) fn integer_array(&mut self, numbers: &[u32]) {
        self.0.put_i32(20 + 8 * numbers.len() as i32);
        for part in [1, 0, INT4_OID, numbers.len() as i32, 1] {
            self.0.put_i32(part);
        }
        for number in numbers {
            self.0.put_i32(4);
            self.0.put_u32(*number);
        }
    }
}
