//! What a query is once it is read. Printing it gives a text that reads back as the same query.

use regex::Regex;

use super::json::Path;
use super::matcher::Matcher;
use super::selector::Selector;

#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// Lines.
    Log(LogPipeline),
    /// Numbers.
    Metric(MetricExpr),
}

/// A selector and what is done to each line that it selects.
#[derive(Clone, Debug, PartialEq)]
pub struct LogPipeline {
    pub selector: Selector,
    pub stages: Vec<Stage>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Stage {
    Line(LineFilter),
    /// `| json`; without fields it takes all of them.
    Json(Vec<JsonField>),
    Logfmt(Logfmt),
    Label(LabelFilter),
    Drop(Vec<LabelPick>),
    Keep(Vec<LabelPick>),
    /// `| decolorize`
    Decolorize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineOp {
    /// `|=`
    Contains,
    /// `!=`
    ContainsNot,
    /// `|~`
    Matches,
    /// `!~`
    MatchesNot,
}

impl LineOp {
    pub const ALL: [Self; 4] = [Self::Contains, Self::ContainsNot, Self::Matches, Self::MatchesNot];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contains => "|=",
            Self::ContainsNot => "!=",
            Self::Matches => "|~",
            Self::MatchesNot => "!~",
        }
    }
}

/// `|= "a" or "b"`: any of the texts, or none of them for `!=` and `!~`.
#[derive(Clone, Debug)]
pub struct LineFilter {
    pub op: LineOp,
    pub texts: Vec<String>,
    /// Of the texts, for `|~` and `!~`.
    pub(super) regexes: Vec<Regex>,
}

impl PartialEq for LineFilter {
    fn eq(&self, other: &Self) -> bool {
        (self.op, &self.texts) == (other.op, &other.texts)
    }
}

/// `label="request.headers[\"Host\"]"`
#[derive(Clone, Debug, PartialEq)]
pub struct JsonField {
    pub label: String,
    pub path: Path,
}

/// `| logfmt --strict --keep-empty host, ip="fwd"`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logfmt {
    /// A line with a broken pair is an error; otherwise the pair is passed over.
    pub strict: bool,
    /// A key without a value is a label too.
    pub keep_empty: bool,
    /// Empty: all keys.
    pub fields: Vec<LogfmtField>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogfmtField {
    pub label: String,
    pub key: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareOp {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl CompareOp {
    pub const ALL: [Self; 6] = [
        Self::Equal,
        Self::NotEqual,
        Self::Less,
        Self::LessOrEqual,
        Self::Greater,
        Self::GreaterOrEqual,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    pub(super) fn holds<T: PartialOrd>(self, left: T, right: T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

/// What a label is compared with, which also says how its value is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Quantity {
    Number(f64),
    /// In nanoseconds.
    Duration(i64),
    Bytes(u64),
}

#[derive(Clone, Debug, PartialEq)]
pub enum LabelFilter {
    Match(Matcher),
    Compare {
        label: String,
        op: CompareOp,
        with: Quantity,
    },
    And(Box<LabelFilter>, Box<LabelFilter>),
    Or(Box<LabelFilter>, Box<LabelFilter>),
}

/// What `drop` and `keep` name: a label, or a label with a certain value.
#[derive(Clone, Debug, PartialEq)]
pub enum LabelPick {
    Name(String),
    Match(Matcher),
}

#[derive(Clone, Debug, PartialEq)]
pub enum MetricExpr {
    Number(f64),
    /// `vector(1)`
    Vector(f64),
    Range(Box<RangeAggregation>),
    Aggregate(Box<VectorAggregation>),
    Binary {
        op: BinaryOp,
        left: Box<MetricExpr>,
        right: Box<MetricExpr>,
    },
}

impl MetricExpr {
    /// Whether it is a number rather than a vector.
    pub(super) fn is_number(&self) -> bool {
        match self {
            Self::Number(_) => true,
            Self::Vector(_) | Self::Range(_) | Self::Aggregate(_) => false,
            Self::Binary { left, right, .. } => left.is_number() && right.is_number(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeOp {
    Count,
    Rate,
    Bytes,
    BytesRate,
    Sum,
    Avg,
    Min,
    Max,
    Quantile,
}

impl RangeOp {
    pub const ALL: [Self; 9] = [
        Self::Count,
        Self::Rate,
        Self::Bytes,
        Self::BytesRate,
        Self::Sum,
        Self::Avg,
        Self::Min,
        Self::Max,
        Self::Quantile,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count_over_time",
            Self::Rate => "rate",
            Self::Bytes => "bytes_over_time",
            Self::BytesRate => "bytes_rate",
            Self::Sum => "sum_over_time",
            Self::Avg => "avg_over_time",
            Self::Min => "min_over_time",
            Self::Max => "max_over_time",
            Self::Quantile => "quantile_over_time",
        }
    }

    pub(super) fn takes_unwrap(self) -> bool {
        match self {
            Self::Count | Self::Bytes | Self::BytesRate => false,
            Self::Rate | Self::Sum | Self::Avg | Self::Min | Self::Max | Self::Quantile => true,
        }
    }

    pub(super) fn needs_unwrap(self) -> bool {
        self.takes_unwrap() && self != Self::Rate
    }

    pub(super) fn takes_grouping(self) -> bool {
        match self {
            Self::Avg | Self::Min | Self::Max | Self::Quantile => true,
            Self::Count | Self::Rate | Self::Bytes | Self::BytesRate | Self::Sum => false,
        }
    }

    /// Whether the sum over several series is what one series of all their lines would give.
    pub(super) fn is_additive(self) -> bool {
        match self {
            Self::Count | Self::Rate | Self::Bytes | Self::BytesRate | Self::Sum => true,
            Self::Avg | Self::Min | Self::Max | Self::Quantile => false,
        }
    }
}

/// `rate({service="api"} |= "error" | json | unwrap size [5m] offset 1h) by (host)`
#[derive(Clone, Debug, PartialEq)]
pub struct RangeAggregation {
    pub op: RangeOp,
    /// The quantile, for `quantile_over_time`.
    pub parameter: Option<f64>,
    pub pipeline: LogPipeline,
    pub unwrap: Option<Unwrap>,
    /// In nanoseconds, more than 0.
    pub range: i64,
    /// In nanoseconds.
    pub offset: i64,
    pub grouping: Option<Grouping>,
}

/// Which label gives the sample's value.
#[derive(Clone, Debug, PartialEq)]
pub struct Unwrap {
    pub label: String,
    pub conversion: Conversion,
    /// Those behind it, mostly on `__error__`.
    pub filters: Vec<LabelFilter>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conversion {
    Number,
    /// `bytes(label)`
    Bytes,
    /// `duration(label)`, in seconds.
    Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VectorOp {
    Sum,
    Avg,
    Min,
    Max,
    Count,
    TopK,
    BottomK,
}

impl VectorOp {
    pub const ALL: [Self; 7] = [
        Self::Sum,
        Self::Avg,
        Self::Min,
        Self::Max,
        Self::Count,
        Self::TopK,
        Self::BottomK,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Max => "max",
            Self::Count => "count",
            Self::TopK => "topk",
            Self::BottomK => "bottomk",
        }
    }

    pub(super) fn takes_parameter(self) -> bool {
        match self {
            Self::TopK | Self::BottomK => true,
            Self::Sum | Self::Avg | Self::Min | Self::Max | Self::Count => false,
        }
    }
}

/// `topk by (host) (3, ...)`
#[derive(Clone, Debug, PartialEq)]
pub struct VectorAggregation {
    pub op: VectorOp,
    /// How many, for `topk` and `bottomk`: at least 1. Otherwise 0.
    pub k: usize,
    pub grouping: Option<Grouping>,
    pub inner: MetricExpr,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    pub without: bool,
    pub labels: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    Or,
    And,
    Unless,
    Compare(CompareOp),
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
}

impl BinaryOp {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Or => "or",
            Self::And => "and",
            Self::Unless => "unless",
            Self::Compare(op) => op.as_str(),
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
        }
    }

    /// The higher, the tighter. Only `^` binds from the right.
    pub(super) fn precedence(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And | Self::Unless => 2,
            Self::Compare(_) => 3,
            Self::Add | Self::Sub => 4,
            Self::Mul | Self::Div | Self::Mod => 5,
            Self::Pow => 6,
        }
    }

    pub(super) fn is_set(self) -> bool {
        match self {
            Self::Or | Self::And | Self::Unless => true,
            Self::Compare(_) | Self::Add | Self::Sub | Self::Mul | Self::Div | Self::Mod | Self::Pow => false,
        }
    }
}
