//! `OR`, `AND`, `NOT`, parentheses, and what they join.

use super::super::ast::{Expr, Field, MessageTest, Test};
use super::super::error::QueryError;
use super::super::names;
use super::super::text::Phrase;
use super::cursor::{Piece, Span, Wild, is_delimiter};
use super::{Parser, field_named, too_deep};

/// Where operands are read.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    Top,
    /// In the parentheses of `field:(a OR b)`.
    Values(&'a Name),
}

impl Place<'_> {
    /// `or` is a word of a message, but hardly a value that is looked for.
    fn takes_lower_case(self) -> bool {
        match self {
            Self::Top => false,
            Self::Values(_) => true,
        }
    }
}

/// What stands before a colon.
#[derive(Clone, Debug)]
pub(super) enum Name {
    Field(Field),
    Has,
}

impl Parser {
    /// Everything up to the pipe or the end.
    pub(super) fn filter(&mut self) -> Result<Expr, QueryError> {
        self.cursor.skip_space();
        if matches!(self.cursor.peek(), None | Some('|')) {
            return Ok(Expr::All);
        }
        let expr = self.alternatives(Place::Top)?;
        match self.cursor.peek() {
            None | Some('|') => Ok(expr),
            Some(_) => Err(self.cursor.here().error(
                "nothing is open that this parenthesis could close",
                "take it out, or put the text in quotes",
            )),
        }
    }

    /// `a b OR c`; ends before `)`, `|` or the end.
    pub(super) fn alternatives(&mut self, place: Place<'_>) -> Result<Expr, QueryError> {
        let mut members = vec![self.conjunction(place)?];
        while self.cursor.eat_keyword("OR", place.takes_lower_case()) {
            members.push(self.conjunction(place)?);
        }
        Ok(Expr::or(members))
    }

    fn conjunction(&mut self, place: Place<'_>) -> Result<Expr, QueryError> {
        let mut members = Vec::new();
        loop {
            members.push(self.operand(place)?);
            self.cursor.skip_space();
            let has_keyword = self.cursor.eat_keyword("AND", place.takes_lower_case());
            if !has_keyword && self.at_end_of_conjunction(place) {
                return Ok(Expr::and(members));
            }
        }
    }

    fn at_end_of_conjunction(&self, place: Place<'_>) -> bool {
        matches!(self.cursor.peek(), None | Some(')' | '|'))
            || self.cursor.sees_keyword("OR", place.takes_lower_case())
    }

    pub(super) fn operand(&mut self, place: Place<'_>) -> Result<Expr, QueryError> {
        self.cursor.skip_space();
        let start = self.cursor.at();
        self.refuse_keywords(place)?;
        if self.cursor.eat_keyword("NOT", place.takes_lower_case()) {
            return self.negated(place, start);
        }
        match (place, self.cursor.peek()) {
            (_, None | Some(')' | '|')) => Err(self.cursor.here().error(
                "something to search for is missing here",
                "add it, or take out what stands before it",
            )),
            (_, Some('(')) => self.parenthesised(place),
            (Place::Top, Some('-' | '!')) if self.cursor.at_negation() => {
                self.cursor.bump();
                self.negated(place, start)
            }
            (Place::Top, Some('-' | '!')) => Err(self.cursor.here().error(
                "nothing stands right behind this sign, which means not",
                "put what is not wanted right behind it, or put the sign in quotes",
            )),
            (Place::Top, Some(_)) => self.term(),
            (Place::Values(name), Some(_)) => self.value(name),
        }
    }

    fn refuse_keywords(&mut self, place: Place<'_>) -> Result<(), QueryError> {
        let start = self.cursor.at();
        for keyword in ["AND", "OR"] {
            if self.cursor.eat_keyword(keyword, place.takes_lower_case()) {
                return Err(self.cursor.since(start).error(
                    format!("{keyword} needs something on both sides"),
                    format!("add what is missing, or search for the word in quotes: \"{keyword}\""),
                ));
            }
        }
        Ok(())
    }

    fn negated(&mut self, place: Place<'_>, start: usize) -> Result<Expr, QueryError> {
        self.nested(start, |parser| Ok(Expr::not(parser.operand(place)?)))
    }

    fn parenthesised(&mut self, place: Place<'_>) -> Result<Expr, QueryError> {
        let start = self.cursor.at();
        self.nested(start, |parser| {
            parser.cursor.bump();
            let opening = parser.cursor.since(start);
            parser.cursor.skip_space();
            if parser.cursor.eat(')') {
                return Err(parser.cursor.since(start).error(
                    "nothing stands between these parentheses",
                    "put something in, take them out, or put them in quotes",
                ));
            }
            let inner = parser.alternatives(place)?;
            parser.close(opening)?;
            Ok(inner)
        })
    }

    fn close(&mut self, opening: Span) -> Result<(), QueryError> {
        if !self.cursor.eat(')') {
            return Err(opening.error("this parenthesis is never closed", "put a ) where it ends"));
        }
        self.end_of_token()
    }

    fn nested<T>(
        &mut self,
        start: usize,
        read: impl FnOnce(&mut Self) -> Result<T, QueryError>,
    ) -> Result<T, QueryError> {
        self.depth += 1;
        if self.depth > Expr::MAX_DEPTH {
            return Err(too_deep(self.cursor.since(start).to(self.cursor.here())));
        }
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// A test of the message, or a name with a colon and what is behind it.
    fn term(&mut self) -> Result<Expr, QueryError> {
        if self.cursor.peek() == Some('/') {
            return self.message_regex();
        }
        let wild = self.cursor.wild(ends_at_top)?;
        let has_star = wild.star_before || wild.star_after;
        if !has_star && let Some(name) = self.rest_of_name(wild.body.clone())? {
            return self.value(&name);
        }
        self.end_of_token()?;
        self.message_text(wild)
    }

    /// The name that `first` begins. None if no colon follows it.
    fn rest_of_name(&mut self, first: Piece) -> Result<Option<Name>, QueryError> {
        let mut name = first;
        // `http."odd name".x` has quotes around some of its levels.
        while (name.text.ends_with('.') && self.cursor.peek() == Some('"'))
            || (name.quoted && self.cursor.peek() == Some('.'))
        {
            let next = if self.cursor.peek() == Some('"') {
                self.cursor.quoted()?
            } else {
                self.cursor.bare(ends_at_top)?
            };
            name = Piece {
                text: name.text + &next.text,
                quoted: true,
                span: name.span.to(next.span),
            };
        }
        if self.cursor.peek() != Some(':') {
            return Ok(None);
        }
        let name = self.name(name)?;
        self.cursor.bump();
        Ok(Some(name))
    }

    fn name(&self, name: Piece) -> Result<Name, QueryError> {
        let colon = self.cursor.here();
        if !name.quoted {
            if name.text == "has" {
                return Ok(Name::Has);
            }
            if !names::begins_like_a_name(&name.text) {
                return Err(name.span.to(colon).error(
                    format!("{:?} before a colon is no field's name", name.text),
                    "put text with a colon in quotes: \"12:30\"; a name, too: \"404\":x",
                ));
            }
        }
        field_named(&name).map(Name::Field)
    }

    pub(super) fn message_regex(&mut self) -> Result<Expr, QueryError> {
        let pattern = self.pattern()?;
        self.test(Test::Message(MessageTest::Regex(pattern)))
    }

    pub(super) fn message_text(&mut self, wild: Wild) -> Result<Expr, QueryError> {
        let Wild {
            body,
            star_before,
            star_after,
            span,
        } = wild;
        if body.text.is_empty() {
            return if star_before || star_after {
                Ok(Expr::All)
            } else {
                Err(span.error(
                    "there is no text between these quotes",
                    "put text in, or take the quotes out",
                ))
            };
        }
        let test = match Phrase::new(body.text.as_str()) {
            Some(_) if star_before => MessageTest::Contains(body.text),
            Some(phrase) if star_after => MessageTest::Prefix(phrase),
            Some(phrase) => MessageTest::Words(phrase),
            None => MessageTest::Contains(body.text),
        };
        self.test(Test::Message(test))
    }

    /// Counts a test.
    pub(super) fn test(&mut self, test: Test) -> Result<Expr, QueryError> {
        self.tests += 1;
        if self.tests > Expr::MAX_TESTS {
            return Err(self.cursor.since(self.cursor.at().saturating_sub(1)).error(
                format!(
                    "this is one test more than the {} that a query may have",
                    Expr::MAX_TESTS
                ),
                "use fewer, or one regex for several values",
            ));
        }
        Ok(Expr::Test(test))
    }

    /// What is read must not run into something else.
    pub(super) fn end_of_token(&self) -> Result<(), QueryError> {
        match self.cursor.peek() {
            Some('(') => Err(self.cursor.here().error(
                "a parenthesis follows with no space before it",
                "put a space before it, or put the text in quotes: \"f(x)\"",
            )),
            Some('"') => Err(self.cursor.here().error(
                "a quote follows with no space before it",
                "put a space before it, or \\\" for a plain quote",
            )),
            Some(char) if !is_delimiter(char) => Err(self
                .cursor
                .here()
                .error("text follows with no space before it", "put a space before it")),
            Some(_) | None => Ok(()),
        }
    }
}

fn ends_at_top(char: char) -> bool {
    is_delimiter(char) || char == ':'
}
