//! What stands behind the colon of a field.

use std::ops::Bound;

use super::super::ast::{Expr, Field, LevelRange, MetaTest, Test, TextField, TextTest};
use super::super::error::QueryError;
use super::super::pattern::{InvalidPattern, Pattern};
use super::cursor::{Wild, is_delimiter};
use super::filter::{Name, Place};
use super::range::level;
use super::{Parser, field_named, optional};

impl Parser {
    /// One value, or several in parentheses.
    pub(super) fn value(&mut self, name: &Name) -> Result<Expr, QueryError> {
        match self.cursor.peek() {
            Some('(') => self.operand(Place::Values(name)),
            Some(char) if !matches!(char, ')' | '|') && !char.is_whitespace() => match name {
                Name::Has => self.has(),
                Name::Field(field) => self.field_value(field),
            },
            None | Some(_) => Err(self.cursor.here().error(
                "a value is missing behind the colon",
                "put it right behind the colon, or put text with a colon in quotes: \"error:\"",
            )),
        }
    }

    fn has(&mut self) -> Result<Expr, QueryError> {
        let mut name = self.cursor.wild(is_delimiter)?;
        if name.star_before || name.star_after {
            return Err(name
                .span
                .error("a field's name has no stars", "name one field: has:trace_id"));
        }
        while matches!(self.cursor.peek(), Some('"' | '.')) {
            let next = self.cursor.wild(is_delimiter)?;
            name.body.text += &next.body.text;
            name.body.quoted = true;
        }
        self.end_of_token()?;
        let field = field_named(&name.body)?;
        self.presence(field)
    }

    /// Every line has some of the fields.
    fn presence(&mut self, field: Field) -> Result<Expr, QueryError> {
        match optional(field) {
            Some(field) => self.test(Test::Has(field)),
            None => Ok(Expr::All),
        }
    }

    fn field_value(&mut self, field: &Field) -> Result<Expr, QueryError> {
        match self.cursor.peek() {
            Some('/') => self.regex_value(field),
            Some('>' | '<') => self.comparison(field),
            Some('[' | '{') => self.range(field),
            Some(sign @ ('=' | ':')) => Err(self.cursor.here().error(
                format!("a value does not begin with {sign}"),
                format!("take the {sign} out; put it in quotes if it belongs to the value, or all of it if it is text: \"std::io\""),
            )),
            Some(_) | None => {
                let wild = self.cursor.wild(is_delimiter)?;
                self.end_of_token()?;
                self.literal_value(field, wild)
            }
        }
    }

    fn regex_value(&mut self, field: &Field) -> Result<Expr, QueryError> {
        let start = self.cursor.at();
        let test = match field {
            Field::Message => return self.message_regex(),
            Field::Level | Field::Ts => {
                self.cursor.regex()?;
                return Err(self
                    .cursor
                    .since(start)
                    .error(format!("{field} takes no regex"), example(field)));
            }
            Field::Text(field) => Test::Text(*field, TextTest::Regex(self.pattern()?)),
            Field::Meta(path) => Test::Meta(path.clone(), MetaTest::Text(TextTest::Regex(self.pattern()?))),
        };
        self.test(test)
    }

    pub(super) fn pattern(&mut self) -> Result<Pattern, QueryError> {
        let source = self.cursor.regex()?;
        Pattern::new(&source.text).map_err(|error| {
            let fix = match error {
                InvalidPattern::TooLarge => "repeat less: \\w{1,20} rather than \\w{1,2000}",
                InvalidPattern::Syntax(_) => {
                    "see docs.rs/regex for the syntax, or put text with slashes in quotes"
                }
            };
            source.span.error(error.to_string(), fix)
        })
    }

    fn literal_value(&mut self, field: &Field, wild: Wild) -> Result<Expr, QueryError> {
        let is_star = wild.body.text.is_empty() && (wild.star_before || wild.star_after);
        if is_star {
            return self.presence(field.clone());
        }
        let test = match field {
            Field::Message => return self.message_text(wild),
            Field::Level => Test::Level(level_value(&wild)?),
            Field::Ts => {
                refuse_stars(field, &wild)?;
                let bound = Bound::Included(wild.body);
                return self.bounded(field, bound.clone(), bound, wild.span);
            }
            Field::Text(field) => Test::Text(*field, text_test(Field::Text(*field), wild)?),
            Field::Meta(path) => Test::Meta(path.clone(), MetaTest::Text(text_test(field.clone(), wild)?)),
        };
        self.test(test)
    }
}

fn level_value(wild: &Wild) -> Result<LevelRange, QueryError> {
    refuse_stars(&Field::Level, wild)?;
    let level = level(&wild.body)?;
    Ok(LevelRange {
        min: level,
        max: level,
    })
}

fn refuse_stars(field: &Field, wild: &Wild) -> Result<(), QueryError> {
    if wild.star_before || wild.star_after {
        return Err(wild
            .span
            .error(format!("{field} takes no part of a value"), example(field)));
    }
    Ok(())
}

fn text_test(field: Field, wild: Wild) -> Result<TextTest, QueryError> {
    let text = wild.body.text;
    Ok(match (wild.star_before, wild.star_after) {
        (false, false) => TextTest::Equals(text),
        (false, true) => TextTest::Prefix(text),
        (true, true) => TextTest::Contains(text),
        (true, false) => {
            return Err(wild.span.error(
                "a star at the start needs one at the end, too",
                format!("write {field}:*{text}*, or a regex for what it ends with: {field}:/{text}$/"),
            ));
        }
    })
}

/// What a field takes.
pub(super) fn example(field: &Field) -> String {
    match field {
        Field::Level => "write level:error, level:>=warn or level:(warn OR fatal)".to_owned(),
        Field::Ts => {
            "write ts:2026-11-24, ts:>=2026-11-24T10:00:00Z, ts:>now-1h or ts:[2026-11-23 TO 2026-11-24]"
                .to_owned()
        }
        Field::Message => {
            "write message:timeout, message:\"a phrase\", message:*text* or message:/regex/".to_owned()
        }
        Field::Text(TextField::Service) => "write service:checkout or service:check*".to_owned(),
        Field::Text(TextField::Environment) => "write env:production or env:prod*".to_owned(),
        Field::Text(TextField::TraceId | TextField::RequestId) => {
            format!("write {field}:4bf92f35 or {field}:4bf9*")
        }
        Field::Meta(path) => format!("write {path}:value, {path}:val*, {path}:>500 or {path}:[1 TO 5]"),
    }
}
