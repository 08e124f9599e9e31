//! Numbers from lines: `sum by (host) (rate({...} [5m])) / 2`.

use super::super::ast::{
    BinaryOp, CompareOp, Conversion, Grouping, LogPipeline, MetricExpr, RangeAggregation, RangeOp, Unwrap,
    VectorAggregation, VectorOp,
};
use super::super::lexer::Token;
use super::{Fault, Parsed, Parser};

const NO_SUCH_FUNCTION: [(&str, &str); 13] = [
    (
        "absent_over_time",
        "use `count_over_time`, which gives nothing where there are no lines",
    ),
    ("rate_counter", "use `rate` or `sum_over_time`"),
    ("first_over_time", "use `min_over_time` or `max_over_time`"),
    ("last_over_time", "use `min_over_time` or `max_over_time`"),
    ("stddev_over_time", "use `avg_over_time` or `quantile_over_time`"),
    ("stdvar_over_time", "use `avg_over_time` or `quantile_over_time`"),
    ("stddev", "use `avg`, `min` or `max`"),
    ("stdvar", "use `avg`, `min` or `max`"),
    ("approx_topk", "use `topk`"),
    ("sort", "sort where the numbers are shown, or use `bottomk`"),
    ("sort_desc", "sort where the numbers are shown, or use `topk`"),
    ("label_replace", "group by the label as it is"),
    ("variants", "send one query for each"),
];

/// Where a range, its offset and `| unwrap` were found.
struct LogRange {
    pipeline: LogPipeline,
    unwrap: Option<(usize, Unwrap)>,
    range: Option<i64>,
    offset: i64,
}

impl Parser {
    /// Operators that bind at least as tightly.
    pub(super) fn metric(&mut self, least: u8) -> Parsed<MetricExpr> {
        self.deeper(|parser| {
            let mut left = parser.operand()?;
            while let Some(op) = parser.binary_op().filter(|op| op.precedence() >= least) {
                let at = parser.at();
                parser.advance();
                parser.count_part()?;
                parser.refuse_modifiers()?;
                // What binds from the right leaves its like to its right side.
                let tighter = if op == BinaryOp::Pow {
                    op.precedence()
                } else {
                    op.precedence() + 1
                };
                let right = parser.metric(tighter)?;
                if op.is_set() && (left.is_number() || right.is_number()) {
                    let message = format!("`{}` joins vectors; write `vector(1)` for a number", op.as_str());
                    return Err(Fault::new(at, message));
                }
                left = MetricExpr::Binary {
                    op,
                    left: Box::new(left),
                    right: Box::new(right),
                };
            }
            Ok(left)
        })
    }

    fn binary_op(&self) -> Option<BinaryOp> {
        Some(match self.peek() {
            Token::Word(word) => match word.as_str() {
                "or" => BinaryOp::Or,
                "and" => BinaryOp::And,
                "unless" => BinaryOp::Unless,
                _ => return None,
            },
            Token::Sign(sign) => match *sign {
                "+" => BinaryOp::Add,
                "-" => BinaryOp::Sub,
                "*" => BinaryOp::Mul,
                "/" => BinaryOp::Div,
                "%" => BinaryOp::Mod,
                "^" => BinaryOp::Pow,
                sign => BinaryOp::Compare(CompareOp::ALL.into_iter().find(|op| op.as_str() == sign)?),
            },
            Token::Text(_)
            | Token::Number(_)
            | Token::Duration(_)
            | Token::Bytes(_)
            | Token::Flag(_)
            | Token::Bad(_)
            | Token::End => return None,
        })
    }

    fn refuse_modifiers(&self) -> Parsed<()> {
        let Token::Word(word) = self.peek() else {
            return Ok(());
        };
        let instead = match word.as_str() {
            "on" | "ignoring" | "group_left" | "group_right" => {
                "aggregate both sides to the same labels with `by (...)`"
            }
            "bool" => "a comparison keeps what it holds for",
            _ => return Ok(()),
        };
        Err(self.fault(format!("`{word}` is not supported; {instead}")))
    }

    fn operand(&mut self) -> Parsed<MetricExpr> {
        if self.eat("(") {
            let inner = self.metric(0)?;
            self.expect(")")?;
            return Ok(inner);
        }
        if let Some(number) = self.signed_number() {
            return Ok(MetricExpr::Number(number));
        }
        match self.peek() {
            Token::Word(name) => {
                let name = name.clone();
                self.function(&name)
            }
            Token::Sign("{") => Err(self.fault(
                "lines are no numbers: put them into a function, such as `count_over_time({...} [5m])`",
            )),
            Token::Sign(_)
            | Token::Text(_)
            | Token::Number(_)
            | Token::Duration(_)
            | Token::Bytes(_)
            | Token::Flag(_)
            | Token::Bad(_)
            | Token::End => {
                Err(self.unexpected("a selector such as {service=\"api\"}, a function or a number"))
            }
        }
    }

    fn signed_number(&mut self) -> Option<f64> {
        let signed = self.is("-") || self.is("+");
        let Token::Number(number) = self.lexeme(usize::from(signed)).token else {
            return None;
        };
        let number = if self.is("-") { -number } else { number };
        self.next += 1 + usize::from(signed);
        Some(number)
    }

    fn function(&mut self, name: &str) -> Parsed<MetricExpr> {
        if let Some(op) = RangeOp::ALL.into_iter().find(|op| op.as_str() == name) {
            return self.range_aggregation(op);
        }
        if let Some(op) = VectorOp::ALL.into_iter().find(|op| op.as_str() == name) {
            return self.vector_aggregation(op);
        }
        if name == "vector" {
            self.advance();
            self.expect("(")?;
            let number = self.signed_number().ok_or_else(|| self.unexpected("a number"))?;
            self.expect(")")?;
            return Ok(MetricExpr::Vector(number));
        }
        Err(match NO_SUCH_FUNCTION.iter().find(|(known, _)| *known == name) {
            Some((_, instead)) => self.fault(format!("`{name}` is not supported; {instead}")),
            None => self.fault(format!(
                "`{name}` is no function; there are {}, vector, {}",
                RangeOp::ALL.map(RangeOp::as_str).join(", "),
                VectorOp::ALL.map(VectorOp::as_str).join(", "),
            )),
        })
    }

    fn vector_aggregation(&mut self, op: VectorOp) -> Parsed<MetricExpr> {
        self.count_part()?;
        self.advance();
        let mut grouping = self.grouping()?;
        self.expect("(")?;
        let k = if op.takes_parameter() { self.k(op)? } else { 0 };
        let inner = self.metric(0)?;
        if inner.is_number() {
            return Err(self.fault(format!(
                "`{}` takes a vector; write `vector(1)` for a number",
                op.as_str()
            )));
        }
        self.expect(")")?;
        if grouping.is_none() {
            grouping = self.grouping()?;
        }
        Ok(MetricExpr::Aggregate(Box::new(VectorAggregation {
            op,
            k,
            grouping,
            inner,
        })))
    }

    /// The first argument of `topk` and its comma.
    fn k(&mut self, op: VectorOp) -> Parsed<usize> {
        let at = self.at();
        let number = self
            .signed_number()
            .ok_or_else(|| self.unexpected(&format!("how many, as in `{}(10, ...)`", op.as_str())))?;
        if number < 1.0 || number > f64::from(u16::MAX) || number.fract() != 0.0 {
            return Err(Fault::new(
                at,
                format!("`{}` takes a whole number from 1 on", op.as_str()),
            ));
        }
        self.expect(",")?;
        Ok(number as usize)
    }

    fn grouping(&mut self) -> Parsed<Option<Grouping>> {
        let without = self.is_word("without");
        if !without && !self.is_word("by") {
            return Ok(None);
        }
        self.advance();
        self.expect("(")?;
        let mut labels = Vec::new();
        while !self.eat(")") {
            if !labels.is_empty() && !self.eat(",") {
                return Err(self.unexpected("`,` or `)`"));
            }
            self.count_part()?;
            labels.push(self.word("the name of a label")?);
        }
        Ok(Some(Grouping { without, labels }))
    }

    fn range_aggregation(&mut self, op: RangeOp) -> Parsed<MetricExpr> {
        self.count_part()?;
        let name_at = self.at();
        self.advance();
        self.expect("(")?;
        let parameter = match (op, self.signed_number()) {
            (RangeOp::Quantile, Some(number)) => {
                self.expect(",")?;
                Some(number)
            }
            (RangeOp::Quantile, None) => {
                return Err(self.unexpected("the quantile, as in `quantile_over_time(0.99, ...)`"));
            }
            (_, None) => None,
            (_, Some(_)) => return Err(Fault::new(name_at, format!("`{}` takes no number", op.as_str()))),
        };
        let log_range = self.log_range()?;
        let Some(range) = log_range.range else {
            return Err(self.fault(format!("`{}` needs a range such as [5m]", op.as_str())));
        };
        self.expect(")")?;
        let unwrap = check_unwrap(op, name_at, log_range.unwrap)?;
        let grouping_at = self.at();
        let grouping = self.grouping()?;
        if grouping.is_some() && !op.takes_grouping() {
            let message = format!(
                "`{0}` cannot be grouped; write `sum by (...) ({0}(...))`",
                op.as_str()
            );
            return Err(Fault::new(grouping_at, message));
        }
        Ok(MetricExpr::Range(Box::new(RangeAggregation {
            op,
            parameter,
            pipeline: log_range.pipeline,
            unwrap,
            range,
            offset: log_range.offset,
            grouping,
        })))
    }

    /// Lines and a range. It may stand behind the selector, the pipeline, or parentheses around either.
    fn log_range(&mut self) -> Parsed<LogRange> {
        let mut found = if self.eat("(") {
            let inner = self.deeper(Self::log_range)?;
            self.expect(")")?;
            inner
        } else {
            LogRange {
                pipeline: LogPipeline {
                    selector: self.selector()?,
                    stages: Vec::new(),
                },
                unwrap: None,
                range: None,
                offset: 0,
            }
        };
        for _ in 0..2 {
            if found.unwrap.is_none() {
                self.stages(&mut found.pipeline.stages)?;
                found.unwrap = self.unwrap()?;
            }
            if found.range.is_none() && self.is("[") {
                (found.range, found.offset) = self.range()?;
            }
        }
        Ok(found)
    }

    fn range(&mut self) -> Parsed<(Option<i64>, i64)> {
        self.expect("[")?;
        let at = self.at();
        let range = self.duration()?;
        if range <= 0 {
            return Err(Fault::new(at, "a range is longer than 0"));
        }
        if let Token::Bad(reason) = self.peek()
            && reason.starts_with("`:`")
        {
            return Err(self.fault("a subquery such as [1h:5m] is not supported; use a range such as [1h]"));
        }
        self.expect("]")?;
        if self.is("@") {
            return Err(self.fault("`@` is not supported; use `offset`"));
        }
        let offset = if self.eat_word("offset") {
            self.duration()?
        } else {
            0
        };
        Ok((Some(range), offset))
    }

    /// In nanoseconds.
    fn duration(&mut self) -> Parsed<i64> {
        let minus = self.eat("-");
        match *self.peek() {
            Token::Duration(duration) => {
                self.advance();
                Ok(if minus { -duration } else { duration })
            }
            Token::Word(_)
            | Token::Text(_)
            | Token::Number(_)
            | Token::Bytes(_)
            | Token::Flag(_)
            | Token::Sign(_)
            | Token::Bad(_)
            | Token::End => Err(self.unexpected("a duration such as 5m or 1h30m")),
        }
    }

    /// `| unwrap duration(label) | __error__=""`, with the place of its name.
    fn unwrap(&mut self) -> Parsed<Option<(usize, Unwrap)>> {
        if !self.is("|") {
            return Ok(None);
        }
        self.advance();
        let at = self.at();
        self.advance();
        self.count_part()?;
        let name = self.word("the name of a label")?;
        let (label, conversion) = if self.eat("(") {
            let conversion = match name.as_str() {
                "bytes" => Conversion::Bytes,
                "duration" | "duration_seconds" => Conversion::Duration,
                _ => {
                    let message =
                        format!("`{name}` converts nothing; there are bytes, duration, duration_seconds");
                    return Err(Fault::new(at, message));
                }
            };
            let label = self.word("the name of a label")?;
            self.expect(")")?;
            (label, conversion)
        } else {
            (name, Conversion::Number)
        };
        let mut filters = Vec::new();
        while self.eat("|") {
            filters.push(self.label_filter()?);
        }
        let unwrap = Unwrap {
            label,
            conversion,
            filters,
        };
        Ok(Some((at, unwrap)))
    }
}

fn check_unwrap(op: RangeOp, name_at: usize, unwrap: Option<(usize, Unwrap)>) -> Parsed<Option<Unwrap>> {
    match unwrap {
        None if op.needs_unwrap() => {
            let message = format!(
                "`{}` needs `| unwrap label` to say which label holds the number",
                op.as_str()
            );
            Err(Fault::new(name_at, message))
        }
        Some((at, _)) if !op.takes_unwrap() => {
            let message = format!("`{}` counts lines or bytes and takes no `| unwrap`", op.as_str());
            Err(Fault::new(at, message))
        }
        unwrap => Ok(unwrap.map(|(_, unwrap)| unwrap)),
    }
}
