//! One log line: how it is read from JSON, what is refused and why.
//!
//! A line is refused alone, by field and reason; its neighbours are stored. What PostgreSQL text cannot hold (NUL) is
//! replaced by U+FFFD, since losing a byte is better than losing the line; everything else is kept or refused by name.
//!
//! A line is read in one of two ways. `usual` borrows what it can, and takes only lines of which it is certain; `any`
//! reads every other line into a tree first. What is not JSON, and what metadata may hold, is decided by `any` alone.

mod any;
mod fields;
mod meta;
mod timestamp;
mod usual;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::level::Level;
use fields::Fields;

/// A line that passed validation; its texts are borrowed from what was received wherever they can be.
#[derive(Clone, Debug, PartialEq)]
pub struct NewLog<'a> {
    /// Precision: microseconds, as stored.
    pub ts: OffsetDateTime,
    pub level: Level,
    /// Without NUL.
    pub message: Cow<'a, str>,
    /// JSON text of an object that is not empty: without NUL in any form, and with no number that `jsonb` would refuse.
    /// As it was sent where that is certain to hold, so it may have white space in it.
    pub meta: Option<Cow<'a, str>>,
    /// Not empty, without NUL.
    pub trace_id: Option<Cow<'a, str>>,
    /// Not empty, without NUL.
    pub request_id: Option<Cow<'a, str>>,
}

/// What a line may be.
#[derive(Clone, Copy, Debug)]
pub struct LineRules {
    /// In bytes of UTF-8.
    pub max_message_bytes: usize,
    /// Lines older than this before now are refused: their service would not keep them.
    pub retention: Duration,
    /// The time of receipt; also the time of a line that brings none.
    pub now: OffsetDateTime,
}

impl LineRules {
    /// A clock may run ahead of ours by this much (10 minutes, as in Loki's default).
    pub const MAX_FUTURE: Duration = Duration::minutes(10);
    /// How deep `meta` may nest.
    pub const MAX_META_DEPTH: usize = 32;
    /// In bytes of JSON text, all metadata of one line together.
    pub const MAX_META_BYTES: usize = 262_144;
    /// In bytes, for `trace_id` and `request_id` each.
    pub const MAX_ID_BYTES: usize = 256;
}

/// Why a line was refused: the field, and a reason that says what would be right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, utoipa::ToSchema)]
#[error("{field}: {reason}")]
pub struct LineError {
    pub field: String,
    pub reason: String,
}

impl LineError {
    fn new(field: &str, reason: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            reason: reason.into(),
        }
    }
}

/// Reads one line from its JSON text. Text that is not valid UTF-8 is read with U+FFFD in place of the bad bytes. Fields
/// that we do not know are kept, in `meta`.
pub fn parse<'a>(json: &'a [u8], rules: &LineRules) -> Result<NewLog<'a>, LineError> {
    let fields = match usual::read(json) {
        Some(fields) => fields,
        None => any::read(json)?,
    };
    let Fields {
        timestamp,
        level,
        message,
        trace_id,
        request_id,
        meta,
    } = fields;
    // In this order a line with several faults is told the first of them.
    Ok(NewLog {
        ts: timestamp::read(timestamp, rules)?,
        level: fields::level(&level)?,
        message: fields::message(message, rules)?,
        trace_id: fields::id("trace_id", trace_id)?,
        request_id: fields::id("request_id", request_id)?,
        meta: meta?,
    })
}

#[cfg(test)]
mod tests;
