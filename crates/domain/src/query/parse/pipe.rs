//! The part of a query behind `|`.

use super::super::ast::Field;
use super::super::error::QueryError;
use super::super::names;
use super::super::pipe::{Aggregate, Function, Interval, Measure, Stage, Stats, Top};
use super::cursor::{Piece, Span, is_delimiter};
use super::range::nearest;
use super::{Parser, field_named};

const STAGES: &str = "stages are stats count() by field every 1m, top 10 field, patterns";

impl Parser {
    /// What is left of the query.
    pub(super) fn pipe(&mut self) -> Result<Vec<Stage>, QueryError> {
        let mut stages = Vec::new();
        while self.cursor.peek() == Some('|') {
            let start = self.cursor.at();
            self.cursor.bump();
            if !stages.is_empty() {
                return Err(self.cursor.since(start).error(
                    "a query has one stage behind its filter for now",
                    "leave this one out",
                ));
            }
            stages.push(self.stage()?);
            self.cursor.skip_space();
            if !matches!(self.cursor.peek(), None | Some('|')) {
                let text = self.token()?;
                return Err(text.span.error(
                    format!("{:?} does not belong to this stage", text.text),
                    format!("leave it out; {STAGES}"),
                ));
            }
        }
        Ok(stages)
    }

    fn stage(&mut self) -> Result<Stage, QueryError> {
        let name = self.token()?;
        match name.text.to_ascii_lowercase().as_str() {
            "stats" => self.stats(name.span).map(Stage::Stats),
            "top" => self.top().map(Stage::Top),
            "patterns" => Ok(Stage::Patterns),
            _ => {
                let meant = nearest(&name.text, ["stats", "top", "patterns"])
                    .map_or(String::new(), |name| format!("write | {name}; "));
                Err(name.span.error(
                    format!("{:?} is no stage", name.text),
                    format!("{meant}{STAGES}; to search for a | put it in quotes"),
                ))
            }
        }
    }

    fn top(&mut self) -> Result<Top, QueryError> {
        let count = self.token()?;
        let limit = count
            .text
            .parse()
            .ok()
            .filter(|limit| (1..=Top::MAX).contains(limit))
            .ok_or_else(|| {
                count.span.error(
                    format!("top needs a number from 1 to {}", Top::MAX),
                    "write | top 10 field",
                )
            })?;
        let (field, span) = self.field()?;
        groupable(&field, span)?;
        Ok(Top { limit, field })
    }

    fn stats(&mut self, stage: Span) -> Result<Stats, QueryError> {
        let mut stats = Stats {
            aggregates: self.aggregates()?,
            by: Vec::new(),
            every: None,
        };
        loop {
            self.cursor.skip_space();
            if stats.by.is_empty() && self.eat_word("by") {
                stats.by = self.by()?;
            } else if stats.every.is_none() && self.eat_word("every") {
                stats.every = Some(self.every()?);
            } else {
                break;
            }
        }
        refuse_equal_columns(&stats, stage)?;
        Ok(stats)
    }

    fn aggregates(&mut self) -> Result<Vec<Aggregate>, QueryError> {
        let mut aggregates = Vec::new();
        loop {
            self.cursor.skip_space();
            let start = self.cursor.here();
            let aggregate = self.aggregate()?;
            if aggregates.len() == Stats::MAX_AGGREGATES {
                return Err(start.to(self.cursor.here()).error(
                    format!("stats takes {} numbers at most", Stats::MAX_AGGREGATES),
                    "leave this one out",
                ));
            }
            aggregates.push(aggregate);
            self.cursor.skip_space();
            if !self.cursor.eat(',') {
                return Ok(aggregates);
            }
        }
    }

    fn aggregate(&mut self) -> Result<Aggregate, QueryError> {
        let name = self.token()?;
        self.cursor.skip_space();
        if !self.cursor.eat('(') {
            return Err(name.span.error(
                "a function with its parentheses is expected here",
                "write stats count() or stats p95(http.ms)",
            ));
        }
        let function = self.function(&name)?;
        self.cursor.skip_space();
        if !self.cursor.eat(')') {
            return Err(name.span.error(
                format!("the parenthesis behind {} is not closed", name.text),
                "put a ) behind its one field",
            ));
        }
        self.cursor.skip_space();
        let alias = if self.eat_word("as") {
            Some(self.alias()?)
        } else {
            None
        };
        Ok(Aggregate { function, alias })
    }

    fn function(&mut self, name: &Piece) -> Result<Function, QueryError> {
        let lower = name.text.to_ascii_lowercase();
        self.cursor.skip_space();
        if lower == "count" {
            return if self.cursor.peek() == Some(')') {
                Ok(Function::Count)
            } else {
                Err(self.cursor.here().error(
                    "count counts lines and takes no field",
                    "write count(), and has:field in the filter",
                ))
            };
        }
        let Some(measure) = Measure::ALL.into_iter().find(|measure| measure.as_str() == lower) else {
            let names = [
                "count",
                "avg",
                "sum",
                "min",
                "max",
                "p50",
                "p90",
                "p95",
                "p99",
                "count_distinct",
            ];
            let meant = nearest(&lower, names).map_or(String::new(), |name| format!("write {name}(…); "));
            return Err(name.span.error(
                format!("{:?} is no function", name.text),
                format!("{meant}functions are {}", names.join(", ")),
            ));
        };
        let (field, span) = self.field()?;
        measurable(measure, &field, span)?;
        Ok(Function::Of(measure, field))
    }

    fn alias(&mut self) -> Result<String, QueryError> {
        const MAX_CHARS: usize = 64;
        let name = self.token()?;
        let begins = name
            .text
            .starts_with(|char: char| char.is_ascii_alphabetic() || char == '_');
        let goes_on = name
            .text
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || char == '_');
        if begins && goes_on && name.text.len() <= MAX_CHARS {
            Ok(name.text)
        } else {
            Err(name.span.error(
                format!("{:?} cannot name a column", name.text),
                format!("use a letter, then letters, digits and _, {MAX_CHARS} at most"),
            ))
        }
    }

    fn by(&mut self) -> Result<Vec<Field>, QueryError> {
        let mut fields = Vec::new();
        loop {
            let (field, span) = self.field()?;
            groupable(&field, span)?;
            if fields.contains(&field) {
                return Err(span.error(format!("{field} is named twice"), "name it once"));
            }
            if fields.len() == Stats::MAX_BY {
                return Err(span.error(
                    format!("by takes {} fields at most", Stats::MAX_BY),
                    "leave this one out",
                ));
            }
            fields.push(field);
            self.cursor.skip_space();
            if !self.cursor.eat(',') {
                return Ok(fields);
            }
        }
    }

    fn every(&mut self) -> Result<Interval, QueryError> {
        let text = self.token()?;
        interval(&text.text).ok_or_else(|| {
            text.span.error(
                format!("{:?} is no interval from 1s to 30d", text.text),
                "write a number and a unit, s, m, h or d: every 5m",
            )
        })
    }

    fn field(&mut self) -> Result<(Field, Span), QueryError> {
        self.cursor.skip_space();
        let start = self.cursor.at();
        let (mut name, mut quoted) = (String::new(), false);
        loop {
            let part = if self.cursor.peek() == Some('"') {
                self.cursor.quoted()?
            } else {
                self.cursor.bare(ends_in_pipe)?
            };
            if part.span.start == part.span.end {
                break;
            }
            name += &part.text;
            quoted |= part.quoted;
        }
        let span = self.cursor.since(start);
        if span.start == span.end {
            return Err(self.cursor.here().error(
                "a field is missing here",
                "name one, such as service or http.status",
            ));
        }
        let field = field_named(&Piece {
            text: name,
            quoted,
            span,
        })?;
        Ok((field, span))
    }

    /// The next word, number or sign; something of some length, unless the query is at its end.
    fn token(&mut self) -> Result<Piece, QueryError> {
        self.cursor.skip_space();
        let mut text = self.cursor.bare(ends_in_pipe)?;
        if text.text.is_empty() && self.cursor.peek().is_none_or(|next| next == '|') {
            return Err(self
                .cursor
                .here()
                .error("the query ends where more is expected", STAGES));
        }
        if text.text.is_empty() {
            let start = self.cursor.at();
            text.text.extend(self.cursor.bump());
            text.span = self.cursor.since(start);
        }
        Ok(text)
    }

    fn eat_word(&mut self, word: &str) -> bool {
        self.cursor.eat_keyword(&word.to_ascii_uppercase(), true)
    }
}

fn interval(text: &str) -> Option<Interval> {
    let (size, unit) = names::UNITS.into_iter().find(|(_, unit)| text.ends_with(*unit))?;
    let count = text.strip_suffix(unit)?;
    // No sign, and few enough digits to multiply.
    let is_plain = !count.is_empty() && count.len() <= 9 && count.bytes().all(|byte| byte.is_ascii_digit());
    let count: u64 = is_plain.then(|| count.parse().ok())??;
    Interval::from_seconds(count * u64::from(size))
}

fn groupable(field: &Field, span: Span) -> Result<(), QueryError> {
    match field {
        Field::Ts => Err(span.error(
            "lines are not grouped by ts itself",
            "use buckets of time: stats count() every 5m",
        )),
        Field::Message => Err(span.error(
            "lines are not grouped by their messages",
            "use their templates: | patterns",
        )),
        Field::Level | Field::Text(_) | Field::Meta(_) => Ok(()),
    }
}

fn measurable(measure: Measure, field: &Field, span: Span) -> Result<(), QueryError> {
    match (measure, field) {
        (Measure::CountDistinct, _) | (_, Field::Meta(_)) => Ok(()),
        (_, Field::Level | Field::Ts | Field::Message | Field::Text(_)) => Err(span.error(
            format!("{field} has no numbers"),
            format!(
                "name a field of the metadata: {}(http.ms), or use count_distinct({field})",
                measure.as_str()
            ),
        )),
    }
}

fn refuse_equal_columns(stats: &Stats, span: Span) -> Result<(), QueryError> {
    let mut names: Vec<String> = stats.column_names();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => Err(span.error(
            format!("two columns have the name {}", pair[0]),
            "name one of them another way: count() as lines",
        )),
    }
}

fn ends_in_pipe(char: char) -> bool {
    is_delimiter(char) || char == ','
}
