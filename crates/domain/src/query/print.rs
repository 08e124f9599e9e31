//! Trees as text that parses to the same tree.

use std::fmt::{Display, Formatter, Result, Write};
use std::ops::Bound;

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, Time};

use super::ast::{
    Expr, Field, LevelRange, MessageTest, MetaTest, OptionalField, Query, Test, TextField, TextTest,
    TimeRange, ValueRange,
};
use super::moment::Moment;
use super::names;
use super::pipe::{Aggregate, Function, Interval, Stage, Stats};
use super::text::MetaPath;
use crate::level::Level;

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.filter.fmt(f)?;
        self.pipe.iter().try_for_each(|stage| write!(f, " | {stage}"))
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::All => f.write_char('*'),
            Self::And(members) => match sole_field(self) {
                Some(field) => group(f, field, self),
                None => joined(f, members, " ", member),
            },
            Self::Or(members) => match sole_field(self) {
                Some(field) => group(f, field, self),
                None => joined(f, members, " OR ", member),
            },
            Self::Not(inner) => {
                f.write_str("NOT ")?;
                member(f, inner)
            }
            Self::Test(test) => test.fmt(f),
        }
    }
}

/// A tree within another.
fn member(f: &mut Formatter<'_>, expr: &Expr) -> Result {
    match expr {
        Expr::And(_) | Expr::Or(_) if sole_field(expr).is_none() => write!(f, "({expr})"),
        Expr::All | Expr::And(_) | Expr::Or(_) | Expr::Not(_) | Expr::Test(_) => expr.fmt(f),
    }
}

fn joined<T>(
    f: &mut Formatter<'_>,
    items: &[T],
    between: &str,
    print: impl Fn(&mut Formatter<'_>, &T) -> Result,
) -> Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(between)?;
        }
        print(f, item)?;
    }
    Ok(())
}

/// The field that all tests of a tree are of, if it can be named once: `level:(warn OR error)`.
fn sole_field(expr: &Expr) -> Option<Field> {
    let mut fields = expr.tests().into_iter().map(groupable_field);
    let first = fields.next()??;
    fields
        .all(|field| field.as_ref() == Some(&first))
        .then_some(first)
}

fn groupable_field(test: &Test) -> Option<Field> {
    match test {
        Test::Level(_) => Some(Field::Level),
        Test::Ts(_) => Some(Field::Ts),
        Test::Text(field, _) => Some(Field::Text(*field)),
        Test::Meta(path, _) => Some(Field::Meta(path.clone())),
        Test::Message(_) | Test::Has(_) => None,
    }
}

fn group(f: &mut Formatter<'_>, field: Field, expr: &Expr) -> Result {
    write!(f, "{field}:")?;
    group_member(f, expr)
}

fn group_member(f: &mut Formatter<'_>, expr: &Expr) -> Result {
    match expr {
        Expr::All => f.write_char('*'),
        Expr::And(members) => {
            f.write_char('(')?;
            joined(f, members, " AND ", group_member)?;
            f.write_char(')')
        }
        Expr::Or(members) => {
            f.write_char('(')?;
            joined(f, members, " OR ", group_member)?;
            f.write_char(')')
        }
        Expr::Not(inner) => {
            f.write_str("NOT ")?;
            group_member(f, inner)
        }
        Expr::Test(test) => value(f, test),
    }
}

impl Display for Test {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Message(_) => {}
            Self::Level(_) => f.write_str("level:")?,
            Self::Ts(_) => f.write_str("ts:")?,
            Self::Text(field, _) => write!(f, "{}:", field.as_str())?,
            Self::Meta(path, _) => write!(f, "{path}:")?,
            Self::Has(_) => f.write_str("has:")?,
        }
        value(f, self)
    }
}

/// What stands behind the colon.
fn value(f: &mut Formatter<'_>, test: &Test) -> Result {
    match test {
        Test::Message(test) => message(f, test),
        Test::Level(range) => range.fmt(f),
        Test::Ts(range) => range.fmt(f),
        Test::Text(_, test) | Test::Meta(_, MetaTest::Text(test)) => test.fmt(f),
        Test::Meta(_, MetaTest::Range(range)) => range.fmt(f),
        Test::Has(OptionalField::TraceId) => f.write_str(TextField::TraceId.as_str()),
        Test::Has(OptionalField::RequestId) => f.write_str(TextField::RequestId.as_str()),
        Test::Has(OptionalField::Meta(path)) => path.fmt(f),
    }
}

fn message(f: &mut Formatter<'_>, test: &MessageTest) -> Result {
    match test {
        MessageTest::Words(phrase) => literal(f, phrase.text(), names::is_plain_word),
        MessageTest::Prefix(phrase) => {
            literal(f, phrase.text(), names::is_plain_word)?;
            f.write_char('*')
        }
        MessageTest::Contains(text) => {
            f.write_char('*')?;
            literal(f, text, names::is_plain_word)?;
            f.write_char('*')
        }
        MessageTest::Regex(pattern) => pattern.fmt(f),
    }
}

impl Display for TextTest {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Equals(text) => literal(f, text, names::is_plain_value),
            Self::Prefix(text) => {
                literal(f, text, names::is_plain_value)?;
                f.write_char('*')
            }
            Self::Contains(text) => {
                f.write_char('*')?;
                literal(f, text, names::is_plain_value)?;
                f.write_char('*')
            }
            Self::Regex(pattern) => pattern.fmt(f),
        }
    }
}

/// As it is, or in quotes.
fn literal(f: &mut Formatter<'_>, text: &str, is_plain: fn(&str) -> bool) -> Result {
    if is_plain(text) {
        return f.write_str(text);
    }
    f.write_char('"')?;
    for char in text.chars() {
        if matches!(char, '"' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(char)?;
    }
    f.write_char('"')
}

impl Display for MetaPath {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        literal(f, self.as_str(), names::is_plain_path)
    }
}

impl Display for Field {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Level => f.write_str("level"),
            Self::Ts => f.write_str("ts"),
            Self::Message => f.write_str("message"),
            Self::Text(field) => f.write_str(field.as_str()),
            Self::Meta(path) => path.fmt(f),
        }
    }
}

impl Display for LevelRange {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match (self.min, self.max) {
            (min, max) if min == max => min.fmt(f),
            (min, Level::Fatal) => write!(f, ">={min}"),
            (Level::Trace, max) => write!(f, "<={max}"),
            (min, max) => write!(f, "[{min} TO {max}]"),
        }
    }
}

impl Display for ValueRange {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Numbers { from, to } => range(f, from.as_ref(), to.as_ref(), |f, number| number.fmt(f)),
            Self::Texts { from, to } => range(f, from.as_ref(), to.as_ref(), |f, text| {
                literal(f, text, names::is_plain_value)
            }),
        }
    }
}

impl Display for TimeRange {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match (self.from, self.to) {
            (Bound::Included(from), Bound::Included(to)) if from == to => moment(f, &from),
            (Bound::Included(Moment::At(from)), Bound::Excluded(Moment::At(to))) if is_one_day(from, to) => {
                from.date().fmt(f)
            }
            (from, to) => range(f, from.as_ref(), to.as_ref(), moment),
        }
    }
}

fn is_one_day(from: OffsetDateTime, to: OffsetDateTime) -> bool {
    from.time() == Time::MIDNIGHT && to.time() == Time::MIDNIGHT && from.date().next_day() == Some(to.date())
}

fn moment(f: &mut Formatter<'_>, moment: &Moment) -> Result {
    match moment {
        // Fails only for years that no range has.
        Moment::At(at) => f.write_str(&at.format(&Rfc3339).unwrap_or_default()),
        Moment::Relative(relative) => relative.fmt(f),
    }
}

fn range<T>(
    f: &mut Formatter<'_>,
    from: Bound<&T>,
    to: Bound<&T>,
    print: impl Fn(&mut Formatter<'_>, &T) -> Result,
) -> Result {
    match (from, to) {
        (Bound::Included(from), Bound::Unbounded) => {
            f.write_str(">=")?;
            return print(f, from);
        }
        (Bound::Excluded(from), Bound::Unbounded) => {
            f.write_char('>')?;
            return print(f, from);
        }
        (Bound::Unbounded, Bound::Included(to)) => {
            f.write_str("<=")?;
            return print(f, to);
        }
        (Bound::Unbounded, Bound::Excluded(to)) => {
            f.write_char('<')?;
            return print(f, to);
        }
        (Bound::Included(_), _) => f.write_char('[')?,
        (Bound::Excluded(_) | Bound::Unbounded, _) => f.write_char('{')?,
    }
    end(f, from, &print)?;
    f.write_str(" TO ")?;
    end(f, to, &print)?;
    f.write_char(match to {
        Bound::Included(_) => ']',
        Bound::Excluded(_) | Bound::Unbounded => '}',
    })
}

fn end<T>(
    f: &mut Formatter<'_>,
    bound: Bound<&T>,
    print: impl Fn(&mut Formatter<'_>, &T) -> Result,
) -> Result {
    match bound {
        Bound::Included(value) | Bound::Excluded(value) => print(f, value),
        Bound::Unbounded => f.write_char('*'),
    }
}

impl Display for Stage {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Stats(stats) => stats.fmt(f),
            Self::Top(top) => write!(f, "top {} {}", top.limit, top.field),
            Self::Patterns => f.write_str("patterns"),
        }
    }
}

impl Display for Stats {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("stats ")?;
        joined(f, &self.aggregates, ", ", |f, aggregate| aggregate.fmt(f))?;
        if !self.by.is_empty() {
            f.write_str(" by ")?;
            joined(f, &self.by, ", ", |f, field| field.fmt(f))?;
        }
        self.every
            .iter()
            .try_for_each(|every| write!(f, " every {every}"))
    }
}

impl Display for Aggregate {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.function.fmt(f)?;
        self.alias.iter().try_for_each(|alias| write!(f, " as {alias}"))
    }
}

impl Display for Function {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Count => f.write_str("count()"),
            Self::Of(measure, field) => write!(f, "{}({field})", measure.as_str()),
        }
    }
}

impl Display for Interval {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let seconds = self.seconds();
        let (size, unit) = names::UNITS
            .into_iter()
            .rev()
            .find(|(size, _)| seconds.is_multiple_of(*size))
            .unwrap_or((1, 's'));
        write!(f, "{}{unit}", seconds / size)
    }
}
