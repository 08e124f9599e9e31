//! The canonical text of a query.

use std::fmt::{Display, Formatter, Result};

use super::ast::{
    BinaryOp, Conversion, Grouping, JsonField, LabelFilter, LabelPick, LineFilter, LogPipeline, Logfmt,
    LogfmtField, MetricExpr, Quantity, Query, RangeAggregation, Stage, Unwrap, VectorAggregation,
};
use super::lexer::quote;
use super::matcher::Matcher;
use super::selector::Selector;
use super::units::{print_duration, print_number};

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Log(pipeline) => pipeline.fmt(f),
            Self::Metric(metric) => metric.fmt(f),
        }
    }
}

impl Display for LogPipeline {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.selector.fmt(f)?;
        self.stages.iter().try_for_each(|stage| write!(f, " {stage}"))
    }
}

impl Display for Selector {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("{")?;
        list(f, self.matchers())?;
        f.write_str("}")
    }
}

impl Display for Matcher {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}{}{}", self.label(), self.op().as_str(), quote(self.value()))
    }
}

fn list<T: Display>(f: &mut Formatter<'_>, items: &[T]) -> Result {
    for (index, item) in items.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        write!(f, "{comma}{item}")?;
    }
    Ok(())
}

impl Display for Stage {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (name, items): (&str, &[LabelPick]) = match self {
            Self::Line(filter) => return filter.fmt(f),
            Self::Json(fields) => {
                f.write_str(if fields.is_empty() { "| json" } else { "| json " })?;
                return list(f, fields);
            }
            Self::Logfmt(logfmt) => return logfmt.fmt(f),
            Self::Label(filter) => return write!(f, "| {filter}"),
            Self::Decolorize => return f.write_str("| decolorize"),
            Self::Drop(picks) => ("drop", picks),
            Self::Keep(picks) => ("keep", picks),
        };
        write!(f, "| {name} ")?;
        list(f, items)
    }
}

impl Display for LineFilter {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(self.op.as_str())?;
        for (index, text) in self.texts.iter().enumerate() {
            let or = if index == 0 { "" } else { " or" };
            write!(f, "{or} {}", quote(text))?;
        }
        Ok(())
    }
}

impl Display for JsonField {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}={}", self.label, quote(self.path.as_str()))
    }
}

impl Display for LogfmtField {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}={}", self.label, quote(&self.key))
    }
}

impl Display for Logfmt {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("| logfmt")?;
        if self.strict {
            f.write_str(" --strict")?;
        }
        if self.keep_empty {
            f.write_str(" --keep-empty")?;
        }
        if !self.fields.is_empty() {
            f.write_str(" ")?;
        }
        list(f, &self.fields)
    }
}

impl Display for LabelPick {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Match(matcher) => matcher.fmt(f),
        }
    }
}

impl Display for Quantity {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Number(number) => f.write_str(&print_number(*number)),
            Self::Duration(nanoseconds) => f.write_str(&print_duration(*nanoseconds)),
            Self::Bytes(bytes) => write!(f, "{bytes}B"),
        }
    }
}

impl Display for LabelFilter {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Match(matcher) => matcher.fmt(f),
            Self::Compare { label, op, with } => write!(f, "{label} {} {with}", op.as_str()),
            Self::And(left, right) => {
                operand(f, left, matches!(**left, Self::Or(..)))?;
                f.write_str(" and ")?;
                operand(f, right, right.is_joined())
            }
            Self::Or(left, right) => {
                operand(f, left, matches!(**left, Self::And(..)))?;
                f.write_str(" or ")?;
                operand(f, right, right.is_joined())
            }
        }
    }
}

impl LabelFilter {
    fn is_joined(&self) -> bool {
        match self {
            Self::And(..) | Self::Or(..) => true,
            Self::Match(_) | Self::Compare { .. } => false,
        }
    }
}

fn operand(f: &mut Formatter<'_>, operand: &impl Display, in_parentheses: bool) -> Result {
    if in_parentheses {
        write!(f, "({operand})")
    } else {
        operand.fmt(f)
    }
}

impl Display for MetricExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Number(number) => f.write_str(&print_number(*number)),
            Self::Vector(number) => write!(f, "vector({})", print_number(*number)),
            Self::Range(range) => range.fmt(f),
            Self::Aggregate(aggregation) => aggregation.fmt(f),
            Self::Binary { op, left, right } => {
                operand(f, left, left.needs_parentheses(*op, false))?;
                write!(f, " {} ", op.as_str())?;
                operand(f, right, right.needs_parentheses(*op, true))
            }
        }
    }
}

impl MetricExpr {
    /// As the left or right side of an operator.
    fn needs_parentheses(&self, outer: BinaryOp, on_the_right: bool) -> bool {
        match self {
            Self::Binary { op, .. } => {
                let (inner, outer_binds) = (op.precedence(), outer.precedence());
                let from_the_right = outer == BinaryOp::Pow;
                inner < outer_binds || (inner == outer_binds && on_the_right != from_the_right)
            }
            Self::Number(_) | Self::Vector(_) | Self::Range(_) | Self::Aggregate(_) => false,
        }
    }
}

impl Display for RangeAggregation {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}(", self.op.as_str())?;
        if let Some(parameter) = self.parameter {
            write!(f, "{}, ", print_number(parameter))?;
        }
        self.pipeline.fmt(f)?;
        if let Some(unwrap) = &self.unwrap {
            write!(f, " {unwrap}")?;
        }
        write!(f, " [{}]", print_duration(self.range))?;
        if self.offset != 0 {
            write!(f, " offset {}", print_duration(self.offset))?;
        }
        f.write_str(")")?;
        match &self.grouping {
            Some(grouping) => write!(f, " {grouping}"),
            None => Ok(()),
        }
    }
}

impl Display for Unwrap {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.conversion {
            Conversion::Number => write!(f, "| unwrap {}", self.label)?,
            Conversion::Bytes => write!(f, "| unwrap bytes({})", self.label)?,
            Conversion::Duration => write!(f, "| unwrap duration({})", self.label)?,
        }
        self.filters
            .iter()
            .try_for_each(|filter| write!(f, " | {filter}"))
    }
}

impl Display for VectorAggregation {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(self.op.as_str())?;
        if let Some(grouping) = &self.grouping {
            write!(f, " {grouping} ")?;
        }
        f.write_str("(")?;
        if self.op.takes_parameter() {
            write!(f, "{}, ", self.k)?;
        }
        write!(f, "{})", self.inner)
    }
}

impl Display for Grouping {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(if self.without { "without (" } else { "by (" })?;
        list(f, &self.labels)?;
        f.write_str(")")
    }
}
