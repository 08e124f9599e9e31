//! `field:>500` and `field:[1 TO 5]`.

use std::cmp::Ordering;
use std::ops::Bound;

use super::super::ast::{Expr, Field, LevelRange, MetaTest, Test, TimeRange, ValueRange};
use super::super::error::QueryError;
use super::super::evaluate::fold;
use super::super::moment::Moment;
use super::super::number::Number;
use super::super::text::MetaPath;
use super::Parser;
use super::cursor::{Piece, Span, is_delimiter};
use super::moment;
use super::value::example;
use crate::level::Level;

impl Parser {
    /// `>500`, `>=500`, `<500`, `<=500`; the sign is next.
    pub(super) fn comparison(&mut self, field: &Field) -> Result<Expr, QueryError> {
        let start = self.cursor.at();
        let is_above = self.cursor.bump() == Some('>');
        let is_inclusive = self.cursor.eat('=');
        let bound = self.bound_text(is_delimiter)?;
        self.end_of_token()?;
        let bound = if is_inclusive {
            Bound::Included(bound)
        } else {
            Bound::Excluded(bound)
        };
        let span = self.cursor.since(start);
        if is_above {
            self.bounded(field, bound, Bound::Unbounded, span)
        } else {
            self.bounded(field, Bound::Unbounded, bound, span)
        }
    }

    /// `[1 TO 5]`; the opening bracket is next.
    pub(super) fn range(&mut self, field: &Field) -> Result<Expr, QueryError> {
        let start = self.cursor.at();
        let from = if self.cursor.bump() == Some('[') {
            Bound::Included
        } else {
            Bound::Excluded
        };
        let lower = self.range_end()?;
        self.cursor.skip_space();
        if !self.cursor.eat_keyword("TO", true) {
            return Err(self.cursor.since(start).error(
                "this range lacks TO between its ends",
                format!("write {field}:[1 TO 5], or put text that begins with a bracket in quotes"),
            ));
        }
        let upper = self.range_end()?;
        self.cursor.skip_space();
        let to = match self.cursor.peek() {
            Some(']') => Bound::Included,
            Some('}') => Bound::Excluded,
            Some(_) | None => {
                return Err(self.cursor.since(start).error(
                    "this range is never closed",
                    "put ] at the end to include the upper end, } to leave it out",
                ));
            }
        };
        self.cursor.bump();
        let span = self.cursor.since(start);
        self.end_of_token()?;
        self.bounded(
            field,
            lower.map_or(Bound::Unbounded, from),
            upper.map_or(Bound::Unbounded, to),
            span,
        )
    }

    /// None for the star of an open end.
    fn range_end(&mut self) -> Result<Option<Piece>, QueryError> {
        self.cursor.skip_space();
        if self.cursor.eat('*') {
            return Ok(None);
        }
        self.bound_text(|char| is_delimiter(char) || matches!(char, ']' | '}'))
            .map(Some)
    }

    fn bound_text(&mut self, ends: impl Fn(char) -> bool) -> Result<Piece, QueryError> {
        let start = self.cursor.here();
        let wild = self.cursor.wild(ends)?;
        if wild.star_before || wild.star_after {
            return Err(wild.span.error(
                "the end of a range has no star beside other text",
                "write the value, or a star alone for an open end: [5 TO *]",
            ));
        }
        if wild.body.text.is_empty() {
            return Err(start.error(
                "a value is missing here",
                "write it right behind the sign: >=500, or in a range: [1 TO 5]",
            ));
        }
        Ok(wild.body)
    }

    /// The test of values between two ends.
    pub(super) fn bounded(
        &mut self,
        field: &Field,
        from: Bound<Piece>,
        to: Bound<Piece>,
        span: Span,
    ) -> Result<Expr, QueryError> {
        if matches!((&from, &to), (Bound::Unbounded, Bound::Unbounded)) {
            return Err(span.error(
                "both ends of this range are open",
                format!("write {field}:* for lines that have any value"),
            ));
        }
        let test = match field {
            Field::Level => Test::Level(levels(from, to, span)?),
            Field::Ts => Test::Ts(times(from, to, span)?),
            Field::Meta(path) => Test::Meta(path.clone(), MetaTest::Range(values(path, from, to, span)?)),
            Field::Message | Field::Text(_) => {
                return Err(span.error(
                    format!("{field} has no order, so nothing is above or below"),
                    example(field),
                ));
            }
        };
        self.test(test)
    }
}

/// A level by its name.
pub(super) fn level(text: &Piece) -> Result<Level, QueryError> {
    text.text.parse().map_err(|_unknown: crate::level::UnknownLevel| {
        let names = Level::ALL.map(Level::as_str).join(", ");
        let nearest = nearest(&text.text, Level::ALL.map(Level::as_str)).unwrap_or("warn");
        text.span.error(
            format!("{:?} is no level", text.text),
            format!("write level:{nearest} or level:>={nearest}; levels are {names}"),
        )
    })
}

/// The one of some names that was likely meant.
pub(super) fn nearest<const N: usize>(text: &str, names: [&'static str; N]) -> Option<&'static str> {
    const ALIKE: f64 = 0.7;
    let text = text.to_lowercase();
    names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&text, name), name))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, name)| name)
}

fn levels(from: Bound<Piece>, to: Bound<Piece>, span: Span) -> Result<LevelRange, QueryError> {
    let (from, to) = (each(from, |text| level(&text))?, each(to, |text| level(&text))?);
    let mut within = Level::ALL
        .into_iter()
        .filter(|level| std::ops::RangeBounds::contains(&(from, to), level));
    let (Some(min), Some(max)) = (within.clone().next(), within.next_back()) else {
        return Err(span.error(
            "no level is in this range",
            "levels rise from trace, debug, info, warn, error to fatal: write level:>=warn or level:[info TO warn]",
        ));
    };
    Ok(LevelRange { min, max })
}

fn times(from: Bound<Piece>, to: Bound<Piece>, span: Span) -> Result<TimeRange, QueryError> {
    let (from, to) = (
        each(from, |text| moment::parse(&text))?,
        each(to, |text| moment::parse(&text))?,
    );
    // Of two that cannot be compared before it is known when now is, the lower is taken to be lower.
    let order = |from: &Moment, to: &Moment| from.order(to).unwrap_or(Ordering::Less);
    // As they were written: the day before a day ends where it begins.
    refuse_empty(&from, &to, |from, to| order(&from.start(), &to.start()), span)?;
    let range = TimeRange {
        from: moment::lower(from),
        to: moment::upper(to),
    };
    refuse_empty(&range.from, &range.to, order, span)?;
    if let (Bound::Included(Moment::Relative(from)), Bound::Included(Moment::Relative(to))) =
        (range.from, range.to)
        && from == to
    {
        return Err(span.error(
            "this is a single moment, at which hardly a line was written",
            format!("write ts:>={from} for all from then on"),
        ));
    }
    Ok(range)
}

fn values(
    path: &MetaPath,
    from: Bound<Piece>,
    to: Bound<Piece>,
    span: Span,
) -> Result<ValueRange, QueryError> {
    let number = |bound: &Bound<Piece>| match bound {
        Bound::Included(text) | Bound::Excluded(text) => Some(Number::parse(&text.text)),
        Bound::Unbounded => None,
    };
    let is_numeric = match (number(&from), number(&to)) {
        (Some(from), Some(to)) if from.is_some() != to.is_some() => {
            return Err(span.error(
                "one end of this range is a number, the other a text",
                format!("give two numbers or two texts: {path}:[1 TO 5]"),
            ));
        }
        (from, to) => from.flatten().or(to.flatten()).is_some(),
    };
    if is_numeric {
        // Both ends that there are were seen to be numbers.
        let parse = |text: Piece| {
            Number::parse(&text.text).ok_or_else(|| text.span.error("this is no number", "write a number"))
        };
        let (from, to) = (each(from, parse)?, each(to, parse)?);
        refuse_empty(&from, &to, Ord::cmp, span)?;
        Ok(ValueRange::Numbers { from, to })
    } else {
        let (from, to) = (each(from, |text| Ok(text.text))?, each(to, |text| Ok(text.text))?);
        refuse_empty(&from, &to, |from, to| fold(from).cmp(&fold(to)), span)?;
        Ok(ValueRange::Texts { from, to })
    }
}

fn each<T>(
    bound: Bound<Piece>,
    read: impl FnOnce(Piece) -> Result<T, QueryError>,
) -> Result<Bound<T>, QueryError> {
    Ok(match bound {
        Bound::Included(text) => Bound::Included(read(text)?),
        Bound::Excluded(text) => Bound::Excluded(read(text)?),
        Bound::Unbounded => Bound::Unbounded,
    })
}

fn refuse_empty<T>(
    from: &Bound<T>,
    to: &Bound<T>,
    compare: impl Fn(&T, &T) -> Ordering,
    span: Span,
) -> Result<(), QueryError> {
    let (Bound::Included(lower) | Bound::Excluded(lower)) = from else {
        return Ok(());
    };
    let (Bound::Included(upper) | Bound::Excluded(upper)) = to else {
        return Ok(());
    };
    let both_included = matches!((from, to), (Bound::Included(_), Bound::Included(_)));
    match compare(lower, upper) {
        Ordering::Less => Ok(()),
        Ordering::Equal if both_included => Ok(()),
        Ordering::Equal => Err(span.error(
            "nothing lies within this range, since an end is left out",
            "use [ and ] to include the ends",
        )),
        Ordering::Greater => Err(span.error("this range ends before it begins", "swap its ends")),
    }
}
