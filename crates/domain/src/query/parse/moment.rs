//! Times of a query: RFC 3339, or a date that means the whole day in UTC.

use std::ops::Bound;

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, UtcOffset};

use super::super::error::QueryError;
use super::cursor::Piece;

#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    Instant(OffsetDateTime),
    Day {
        start: OffsetDateTime,
        /// The start of the day behind it.
        end: OffsetDateTime,
    },
}

impl Moment {
    pub(super) fn start(self) -> OffsetDateTime {
        match self {
            Self::Instant(start) | Self::Day { start, .. } => start,
        }
    }
}

pub(super) fn parse(text: &Piece) -> Result<Moment, QueryError> {
    day(&text.text).or_else(|| instant(&text.text)).ok_or_else(|| {
        text.span.error(
            format!("{:?} is no time", text.text),
            "write a date (2026-11-24) or a time with its zone (2026-11-24T10:00:00Z)",
        )
    })
}

fn day(text: &str) -> Option<Moment> {
    let date = Date::parse(text, format_description!("[year]-[month]-[day]"))
        .ok()
        .filter(|date| date.year() >= 0)?;
    Some(Moment::Day {
        start: date.midnight().assume_utc(),
        end: date.next_day()?.midnight().assume_utc(),
    })
}

fn instant(text: &str) -> Option<Moment> {
    let at = OffsetDateTime::parse(text, &Rfc3339)
        .ok()?
        .checked_to_offset(UtcOffset::UTC)?;
    // What is to be printed again.
    (0..=9999).contains(&at.year()).then_some(Moment::Instant(at))
}

/// The lower end of a range: from a day means from its start, past a day means from its end.
pub(super) fn lower(bound: Bound<Moment>) -> Bound<OffsetDateTime> {
    match bound {
        Bound::Included(Moment::Instant(at)) => Bound::Included(at),
        Bound::Excluded(Moment::Instant(at)) => Bound::Excluded(at),
        Bound::Included(Moment::Day { start, .. }) => Bound::Included(start),
        Bound::Excluded(Moment::Day { end, .. }) => Bound::Included(end),
        Bound::Unbounded => Bound::Unbounded,
    }
}

/// The upper end of a range: to a day means to its end, below a day means to its start.
pub(super) fn upper(bound: Bound<Moment>) -> Bound<OffsetDateTime> {
    match bound {
        Bound::Included(Moment::Instant(at)) => Bound::Included(at),
        Bound::Excluded(Moment::Instant(at)) => Bound::Excluded(at),
        Bound::Included(Moment::Day { end, .. }) => Bound::Excluded(end),
        Bound::Excluded(Moment::Day { start, .. }) => Bound::Excluded(start),
        Bound::Unbounded => Bound::Unbounded,
    }
}
