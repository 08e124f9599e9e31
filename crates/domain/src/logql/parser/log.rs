//! Pipelines: `{...} |= "text" | json | status >= 500`.

use super::super::ast::{
    CompareOp, JsonField, LabelFilter, LabelPick, LineFilter, LineOp, LogPipeline, Logfmt, LogfmtField,
    Quantity, Stage,
};
use super::super::json::Path;
use super::super::lexer::Token;
use super::super::matcher::MatchOp;
use super::{Fault, Parsed, Parser};

const NO_SUCH_STAGE: [(&str, &str); 7] = [
    ("pattern", "use `| json`, `| logfmt` or a line filter"),
    ("regexp", "use `| json`, `| logfmt` or the line filter `|~`"),
    ("unpack", "use `| json`"),
    ("xml", "use a line filter"),
    (
        "line_format",
        "lines come as they were sent; format them where they are shown",
    ),
    (
        "label_format",
        "name the label itself, or extract it by another name with `| json name=\"field\"`",
    ),
    ("distinct", "group a metric query by the label instead"),
];

impl Parser {
    /// A whole log query, which may stand in parentheses.
    pub(super) fn log_query(&mut self) -> Parsed<LogPipeline> {
        if self.eat("(") {
            let pipeline = self.deeper(Self::log_query)?;
            self.expect(")")?;
            return Ok(pipeline);
        }
        let pipeline = self.pipeline()?;
        if self.is("[") {
            return Err(
                self.fault("a range needs a function around it, such as `count_over_time({...} [5m])`")
            );
        }
        if self.is("|") {
            return Err(self.fault(
                "`| unwrap` gives numbers: it needs a function around it, such as `sum_over_time(... [5m])`",
            ));
        }
        Ok(pipeline)
    }

    fn pipeline(&mut self) -> Parsed<LogPipeline> {
        let selector = self.selector()?;
        let mut stages = Vec::new();
        self.stages(&mut stages)?;
        Ok(LogPipeline { selector, stages })
    }

    /// All stages that follow, up to `| unwrap` or what is no stage.
    pub(super) fn stages(&mut self, stages: &mut Vec<Stage>) -> Parsed<()> {
        loop {
            let stage = match self.peek() {
                Token::Sign("|=") => self.line_filter(LineOp::Contains)?,
                Token::Sign("!=") => self.line_filter(LineOp::ContainsNot)?,
                Token::Sign("|~") => self.line_filter(LineOp::Matches)?,
                Token::Sign("!~") => self.line_filter(LineOp::MatchesNot)?,
                Token::Sign(sign @ ("|>" | "!>")) => {
                    let instead = if *sign == "|>" { "|~" } else { "!~" };
                    let message = format!(
                        "the pattern filter `{sign}` is not supported; use `{instead}` with a regular expression"
                    );
                    return Err(self.fault(message));
                }
                Token::Sign("|") if self.lexeme(1).token != Token::Word("unwrap".into()) => {
                    self.advance();
                    self.piped()?
                }
                _ => return Ok(()),
            };
            self.count_part()?;
            stages.push(stage);
        }
    }

    fn line_filter(&mut self, op: LineOp) -> Parsed<Stage> {
        self.advance();
        let mut filter = LineFilter {
            op,
            texts: Vec::new(),
            regexes: Vec::new(),
        };
        loop {
            self.count_part()?;
            let at = self.at();
            let text = self.text("a text in quotes")?;
            match op {
                LineOp::Matches | LineOp::MatchesNot => filter.regexes.push(self.regex_of_text(at, &text)?),
                LineOp::Contains | LineOp::ContainsNot => {}
            }
            filter.texts.push(text);
            let is_alternative = self.is_word("or") && matches!(self.lexeme(1).token, Token::Text(_));
            if !is_alternative {
                return Ok(Stage::Line(filter));
            }
            self.advance();
        }
    }

    /// A stage from behind its `|`.
    fn piped(&mut self) -> Parsed<Stage> {
        let Token::Word(word) = self.peek() else {
            return self.label_filter().map(Stage::Label);
        };
        match word.as_str() {
            "json" => {
                self.advance();
                self.json_fields().map(Stage::Json)
            }
            "logfmt" => {
                self.advance();
                self.logfmt().map(Stage::Logfmt)
            }
            "drop" => {
                self.advance();
                self.picks().map(Stage::Drop)
            }
            "keep" => {
                self.advance();
                self.picks().map(Stage::Keep)
            }
            "decolorize" => {
                self.advance();
                Ok(Stage::Decolorize)
            }
            word => match NO_SUCH_STAGE.iter().find(|(name, _)| *name == word) {
                Some((name, instead)) => Err(self.fault(format!("`| {name}` is not supported; {instead}"))),
                None => self.label_filter().map(Stage::Label),
            },
        }
    }

    fn json_fields(&mut self) -> Parsed<Vec<JsonField>> {
        self.fields(|label, at, path| match Path::parse(path) {
            Some(path) => Ok(JsonField { label, path }),
            None => Err(Fault::new(
                at,
                "this is no path into a JSON document, such as a.b, list[0] or a[\"b c\"]",
            )),
        })
    }

    fn logfmt(&mut self) -> Parsed<Logfmt> {
        let mut logfmt = Logfmt::default();
        while let Token::Flag(flag) = self.peek() {
            match flag.as_str() {
                "strict" => logfmt.strict = true,
                "keep-empty" => logfmt.keep_empty = true,
                flag => {
                    let message =
                        format!("`| logfmt` has no flag `--{flag}`, only `--strict` and `--keep-empty`");
                    return Err(self.fault(message));
                }
            }
            self.advance();
        }
        logfmt.fields = self.fields(|label, _, key| {
            Ok(LogfmtField {
                label,
                key: key.to_owned(),
            })
        })?;
        Ok(logfmt)
    }

    /// `label, other="expression"`, possibly none.
    fn fields<T>(&mut self, field: impl Fn(String, usize, &str) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut fields = Vec::new();
        if !matches!(self.peek(), Token::Word(_)) {
            return Ok(fields);
        }
        loop {
            self.count_part()?;
            let mut at = self.at();
            let label = self.word("the name of a label")?;
            let expression = if self.eat("=") {
                at = self.at();
                self.text("the field in quotes")?
            } else {
                label.clone()
            };
            fields.push(field(label, at, &expression)?);
            if !self.eat(",") {
                return Ok(fields);
            }
        }
    }

    /// What `drop` and `keep` name.
    fn picks(&mut self) -> Parsed<Vec<LabelPick>> {
        let mut picks = Vec::new();
        loop {
            self.count_part()?;
            let label = self.word("the name of a label")?;
            let op = MatchOp::ALL.into_iter().find(|op| self.eat(op.as_str()));
            picks.push(match op {
                Some(op) => LabelPick::Match(self.matcher(label, op)?),
                None => LabelPick::Name(label),
            });
            if !self.eat(",") {
                return Ok(picks);
            }
        }
    }

    /// `a="x" and b > 5 or c < 1s`: `and` binds tighter; a comma or nothing at all is an `and`.
    pub(super) fn label_filter(&mut self) -> Parsed<LabelFilter> {
        self.deeper(|parser| {
            let mut filter = parser.all_of()?;
            while parser.eat_word("or") {
                filter = LabelFilter::Or(Box::new(filter), Box::new(parser.all_of()?));
            }
            Ok(filter)
        })
    }

    fn all_of(&mut self) -> Parsed<LabelFilter> {
        let mut filter = self.predicate()?;
        loop {
            let goes_on = match self.peek() {
                Token::Sign(",") => true,
                Token::Word(word) => word == "and",
                Token::Sign(_)
                | Token::Text(_)
                | Token::Number(_)
                | Token::Duration(_)
                | Token::Bytes(_)
                | Token::Flag(_)
                | Token::Bad(_)
                | Token::End => false,
            };
            if goes_on {
                self.advance();
            }
            let goes_on = goes_on || matches!(self.peek(), Token::Word(word) if word != "or") || self.is("(");
            if !goes_on {
                return Ok(filter);
            }
            filter = LabelFilter::And(Box::new(filter), Box::new(self.predicate()?));
        }
    }

    fn predicate(&mut self) -> Parsed<LabelFilter> {
        self.count_part()?;
        if self.eat("(") {
            let filter = self.label_filter()?;
            self.expect(")")?;
            return Ok(filter);
        }
        let label = self.word("a stage such as `json`, or a label filter such as level=\"error\"")?;
        let at = self.at();
        let op = match self.peek() {
            Token::Sign(op @ ("=" | "!=" | "=~" | "!~" | "==" | ">" | ">=" | "<" | "<=")) => *op,
            _ => {
                return Err(self.unexpected(&format!(
                    "an operator (= != =~ !~ == > >= < <=) behind the label `{label}`"
                )));
            }
        };
        self.advance();
        match self.quantity() {
            Some(with) => compare(label, op, with)
                .ok_or_else(|| Fault::new(at, format!("`{op}` compares texts; put the value in quotes"))),
            None => match MatchOp::ALL.into_iter().find(|known| known.as_str() == op) {
                Some(op) => self.matcher(label, op).map(LabelFilter::Match),
                None if matches!(self.peek(), Token::Text(_)) => {
                    let message = format!(
                        "`{op}` compares numbers, durations and sizes; write the value without quotes, or use `=`"
                    );
                    Err(Fault::new(at, message))
                }
                None => Err(self.unexpected("a number, a duration or a size")),
            },
        }
    }

    fn quantity(&mut self) -> Option<Quantity> {
        let minus = self.is("-");
        let sign = if minus { -1.0 } else { 1.0 };
        let quantity = match self.lexeme(usize::from(minus)).token {
            Token::Number(number) => Quantity::Number(sign * number),
            Token::Duration(duration) => Quantity::Duration(if minus { -duration } else { duration }),
            Token::Bytes(bytes) if !minus => Quantity::Bytes(bytes),
            Token::Bytes(_)
            | Token::Word(_)
            | Token::Text(_)
            | Token::Flag(_)
            | Token::Sign(_)
            | Token::Bad(_)
            | Token::End => return None,
        };
        self.next += 1 + usize::from(minus);
        Some(quantity)
    }
}

fn compare(label: String, op: &str, with: Quantity) -> Option<LabelFilter> {
    let op = match op {
        "=" => CompareOp::Equal,
        op => CompareOp::ALL.into_iter().find(|known| known.as_str() == op)?,
    };
    Some(LabelFilter::Compare { label, op, with })
}
