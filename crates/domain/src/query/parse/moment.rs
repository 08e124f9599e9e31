//! Times of a query: RFC 3339, a date that means the whole day in UTC, or `now` and a span from it.

use std::ops::Bound;

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, UtcOffset};

use super::super::error::QueryError;
use super::super::moment::{Moment, Relative};
use super::cursor::Piece;

#[derive(Clone, Copy, Debug)]
pub(super) enum Written {
    Moment(Moment),
    Day {
        start: OffsetDateTime,
        /// The start of the day behind it.
        end: OffsetDateTime,
    },
}

impl Written {
    pub(super) fn start(self) -> Moment {
        match self {
            Self::Moment(moment) => moment,
            Self::Day { start, .. } => Moment::At(start),
        }
    }
}

pub(super) fn parse(text: &Piece) -> Result<Written, QueryError> {
    let relative = || Relative::parse(&text.text).map(|relative| Written::Moment(Moment::Relative(relative)));
    let written = day(&text.text).or_else(|| instant(&text.text)).or_else(relative);
    written.ok_or_else(|| {
        text.span.error(
            format!("{:?} is no time", text.text),
            "write a date (2026-11-24), a time with its zone (2026-11-24T10:00:00Z), or one from now (now-1h)",
        )
    })
}

fn day(text: &str) -> Option<Written> {
    let date = Date::parse(text, format_description!("[year]-[month]-[day]"))
        .ok()
        .filter(|date| date.year() >= 0)?;
    Some(Written::Day {
        start: date.midnight().assume_utc(),
        end: date.next_day()?.midnight().assume_utc(),
    })
}

fn instant(text: &str) -> Option<Written> {
    let at = OffsetDateTime::parse(text, &Rfc3339)
        .ok()?
        .checked_to_offset(UtcOffset::UTC)?;
    // What is to be printed again.
    (0..=9999)
        .contains(&at.year())
        .then_some(Written::Moment(Moment::At(at)))
}

/// The lower end of a range: from a day means from its start, past a day means from its end.
pub(super) fn lower(bound: Bound<Written>) -> Bound<Moment> {
    match bound {
        Bound::Included(Written::Moment(at)) => Bound::Included(at),
        Bound::Excluded(Written::Moment(at)) => Bound::Excluded(at),
        Bound::Included(Written::Day { start, .. }) => Bound::Included(Moment::At(start)),
        Bound::Excluded(Written::Day { end, .. }) => Bound::Included(Moment::At(end)),
        Bound::Unbounded => Bound::Unbounded,
    }
}

/// The upper end of a range: to a day means to its end, below a day means to its start.
pub(super) fn upper(bound: Bound<Written>) -> Bound<Moment> {
    match bound {
        Bound::Included(Written::Moment(at)) => Bound::Included(at),
        Bound::Excluded(Written::Moment(at)) => Bound::Excluded(at),
        Bound::Included(Written::Day { end, .. }) => Bound::Excluded(Moment::At(end)),
        Bound::Excluded(Written::Day { start, .. }) => Bound::Excluded(Moment::At(start)),
        Bound::Unbounded => Bound::Unbounded,
    }
}
